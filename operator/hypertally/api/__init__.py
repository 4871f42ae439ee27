"""The kinds as types: names, conditions and units of `compute.hypertally.dev/v1alpha1`. No I/O."""
