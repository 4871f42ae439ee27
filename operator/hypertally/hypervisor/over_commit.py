"""How much disk is left once every thin disk has grown to its size: `diskAvailableLeastMiB`.

Of a chain of images only the topmost grows, up to its own size; those below it are written no more. Guests count
whether they run or not. Volumes and images elsewhere than in files are told in full by LVM (thick volumes) or by nobody
(what a remote image takes is known to its cluster only), as in Nova, so that there free disk is what is left.
"""

from collections.abc import Iterator

from .back_end import ImagesType
from .disk_home import DiskHome
from .drives import Drive, drives_at
from .facts import GuestFacts, Part, Snapshot, Unread

_BYTES_PER_MIB = 1024 * 1024


def available_least_mib(snapshot: Snapshot, home: DiskHome) -> Part[int]:
    """Rounded down, also below zero: no more is promised than there is. Unknown if any disk's growth is."""
    if isinstance(snapshot.disk_space, Unread):
        return Part(snapshot.disk_space)
    growth = 0 if snapshot.settings.ignore_disk_over_commit else over_commit(snapshot, home)
    if isinstance(growth, Unread):
        return Part(growth)
    return Part((snapshot.disk_space.free - growth) // _BYTES_PER_MIB)


def over_commit(snapshot: Snapshot, home: DiskHome) -> int | Unread:
    """Bytes that the disks of all guests may still take."""
    # Disks of the test driver are mere names.
    if snapshot.driver == "TEST" or home.back_end.images_type is not ImagesType.FS:
        return 0
    if isinstance(snapshot.guests, Unread):
        return Unread(f"disks of the guests: {snapshot.guests.reason}")
    disks = [(guest, drive) for guest in snapshot.guests for drive in files_of(guest, home)]
    unknown = sorted(f"{drive.name} of guest {guest.uuid}" for guest, drive in disks if drive.capacity is None)
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        return Unread(f"size of disk {unknown[0]}{more} unknown")
    return sum(max(0, (drive.capacity or 0) - _allocated(drive, snapshot)) for _, drive in disks)


def files_of(guest: GuestFacts, home: DiskHome) -> tuple[Drive, ...]:
    domain = None if isinstance(guest.domain, Unread) else guest.domain
    return drives_at(home, guest.stats, domain)


def ambiguous_files(guests: tuple[GuestFacts, ...] | Unread, home: DiskHome) -> Iterator[str]:
    """Paths of those files of which only the file system knows what they take."""
    for guest in () if isinstance(guests, Unread) else guests:
        yield from (drive.path for drive in files_of(guest, home) if drive.is_ambiguous)


def _allocated(drive: Drive, snapshot: Snapshot) -> int:
    """Where the file cannot be seen, libvirt is believed: preallocated files are common, unwritten ones are not."""
    return snapshot.file_bytes.get(drive.path, drive.allocated) if drive.is_ambiguous else drive.allocated
