"""The chart: what it renders, what it refuses, and how it lives on a real API server."""
