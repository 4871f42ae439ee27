"""Sizes of a guest's disks, from the bulk record, and from its XML where the record is silent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .disk_home import DiskHome
from .domain_xml import Disk, Domain

_BYTES_PER_MIB = 1024 * 1024
_ANSWERED_BY_QEMU = "rd.reqs"
"""Present if QEMU itself was asked about the drive; then no capacity means that no medium is in it."""


def unanswered(stats: Mapping[str, int | str]) -> bool:
    """Whether QEMU was not asked about some drive; of a running guest that means that it was busy."""
    return any(not _is_answered(stats, drive) for drive in _keys(stats))


def unanswered_files(home: DiskHome, stats: Mapping[str, int | str], domain: Domain) -> Iterator[tuple[str, str, str]]:
    """Key in the record, path and format of each file in the back end about which QEMU was not asked."""
    disks = {disk.target: disk for disk in domain.disks}
    for key in _keys(stats):
        path, disk = stats.get(f"{key}.path"), disks.get(str(stats[f"{key}.name"]))
        if isinstance(path, str) and disk and not _is_answered(stats, key) and home.holds(disk, path):
            yield key, path, disk.format


@dataclass(frozen=True)
class Drive:
    """One disk that takes from the host's, in bytes. An empty one has no size; None is an unknown one."""

    name: str
    path: str
    format: str
    capacity: int | None
    allocated: int

    @property
    def is_ambiguous(self) -> bool:
        """Whether `allocated` may be the size of a file of which nothing is allocated.

        libvirt reads QEMU's "0 bytes" as "not told" and puts the length of the file in its place; a raw file is as long
        as its disk. A format of its own has a header at least, and is shorter.
        """
        return bool(self.path and self.capacity and self.allocated == self.capacity and self.format in ("", "raw"))


_UNKNOWN = Drive("of any name", "", "", None, 0)
"""Of a guest about whose disks nothing was told at all: that is not the same as a guest without disks."""


def drives_at(home: DiskHome, stats: Mapping[str, int | str], domain: Domain | None) -> tuple[Drive, ...]:
    """Those that live in the back end, by name; a drive of which nothing tells where it lives is taken for one."""
    disks = {disk.target: disk for disk in domain.disks} if domain else {}
    if "block.count" not in stats and domain is None:
        return (_UNKNOWN,)
    found = _told(home, stats, disks) if "block.count" in stats else _untold(home, disks)
    return tuple(sorted(found, key=lambda drive: drive.name))


def _told(home: DiskHome, stats: Mapping[str, int | str], disks: Mapping[str, Disk]) -> Iterator[Drive]:
    for key in _keys(stats):
        name, path = str(stats.get(f"{key}.name", "?")), str(stats.get(f"{key}.path", ""))
        disk = disks.get(name)
        if home.holds(disk, path):
            format_ = disk.format if disk else ""
            yield Drive(name, path, format_, _capacity(stats, key, disk, disks), _allocated(stats, key))


def _untold(home: DiskHome, disks: Mapping[str, Disk]) -> Iterator[Drive]:
    for disk in disks.values():
        if disk.has_medium and home.holds(disk, ""):
            yield Drive(disk.target, disk.location, disk.format, None, 0)


def _capacity(stats: Mapping[str, int | str], key: str, disk: Disk | None, disks: Mapping[str, Disk]) -> int | None:
    if f"{key}.capacity" in stats:
        return _number(stats[f"{key}.capacity"])
    if _is_answered(stats, key):
        return 0
    # An empty drive and a remote disk of a guest that is off look alike: only the XML can tell.
    is_empty = f"{key}.path" not in stats and disks and not (disk and disk.has_medium)
    return 0 if is_empty else None


def _allocated(stats: Mapping[str, int | str], key: str) -> int:
    """Bytes that the file takes.

    QEMU's answer is in `physical`; its `allocation` is only the highest offset written since the guest started. Of a
    guest that is off libvirt looks at the file: then `allocation` is what it takes, and `physical` its length.
    """
    answered = f"{key}.{_ANSWERED_BY_QEMU}" in stats
    return _number(stats.get(f"{key}.physical" if answered else f"{key}.allocation"))


def known_mib(drives: tuple[Drive, ...]) -> int:
    """Sum of the sizes that are told, rounded up as a whole: what is charged is never too low."""
    return -(-sum(drive.capacity or 0 for drive in drives) // _BYTES_PER_MIB)


def unknown(drives: tuple[Drive, ...]) -> list[str]:
    """Names of those that hold something of unknown size."""
    return [drive.name for drive in drives if drive.capacity is None]


def _keys(stats: Mapping[str, int | str]) -> Iterator[str]:
    # However many it claims: each drive has at least one key of its own.
    count = min(_number(stats.get("block.count")), len(stats))
    return (f"block.{number}" for number in range(count) if f"block.{number}.name" in stats)


def _is_answered(stats: Mapping[str, int | str], key: str) -> bool:
    return f"{key}.capacity" in stats or f"{key}.{_ANSWERED_BY_QEMU}" in stats


def _number(value: int | str | None) -> int:
    return value if isinstance(value, int) and value > 0 else 0
