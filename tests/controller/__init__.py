"""What the controller does, on a real API server. A package, so that what its tests share ends with it."""
