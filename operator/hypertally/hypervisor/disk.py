"""The file system that holds the guests' disks."""

from .facts import FileSystem

_MIB = 1024 * 1024


def total_mib(file_system: FileSystem) -> int:
    """Rounded down: no more is promised than there is."""
    return file_system.total // _MIB


def used_mib(file_system: FileSystem) -> int:
    """Rounded down, as Nova does."""
    return file_system.used // _MIB
