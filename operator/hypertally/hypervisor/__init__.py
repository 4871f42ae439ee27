"""The border to libvirt: one thin place that asks, and pure modules that turn the answers into a report."""
