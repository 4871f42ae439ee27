"""The border to libvirt: what a host has and what its guests use."""
