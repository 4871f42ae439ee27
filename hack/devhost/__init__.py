"""A private, real libvirt host on this machine, for tests, the demo and benchmarks."""

from .errors import HostError, HostTimeout, MissingPart
from .host import Host

__all__ = ["Host", "HostError", "HostTimeout", "MissingPart"]
