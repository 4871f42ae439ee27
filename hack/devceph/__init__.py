"""A private, real Ceph cluster on this machine, for tests: one monitor, one manager, one OSD in memory."""

from .ceph import Ceph
from .errors import CephError, CephTimeout, MissingPart

__all__ = ["Ceph", "CephError", "CephTimeout", "MissingPart"]
