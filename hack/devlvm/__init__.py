"""A private, real LVM volume group on this machine, for tests: on a loop device, gone without a trace."""

from .errors import LvmError, MissingPart
from .group import VolumeGroup

__all__ = ["LvmError", "MissingPart", "VolumeGroup"]
