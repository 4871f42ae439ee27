"""Nova's resource tracker, the Kubernetes way."""
