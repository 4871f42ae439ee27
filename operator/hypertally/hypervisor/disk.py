"""The file system that holds the guests' disks."""

from .facts import DiskSpace

_MIB = 1024 * 1024


def total_mib(disk_space: DiskSpace) -> int:
    """Rounded down: no more is promised than there is."""
    return disk_space.total // _MIB


def used_mib(disk_space: DiskSpace) -> int:
    """Rounded down, as Nova does."""
    return disk_space.used // _MIB
