"""The program that runs on every libvirt host and reports it."""
