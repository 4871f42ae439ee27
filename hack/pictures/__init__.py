"""Pictures of the shipped dashboards, drawn from what a real Prometheus answers during a real run."""
