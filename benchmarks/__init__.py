"""Benchmarks: ours against a bare floor, both in the same run on the same parts, so that only their ratio counts."""
