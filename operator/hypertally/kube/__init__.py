"""The border to the Kubernetes API server."""
