"""What is really in use at the host, beside what is accounted: the two are never mixed."""

from collections.abc import Iterable

from msgspec.structs import replace

from hypertally.api.compute_node import ReportContent

from . import disk, memory
from .facts import Snapshot, Unread
from .guests import SeenGuest, Use

_NOTEWORTHY = 20
"""A measured amount that moved by less than 1/20 of the capacity is not news: it never stands still."""


def used_vcpus(guests: Iterable[SeenGuest]) -> int:
    """Virtual CPUs of the active guests."""
    return sum(use.vcpus for use in _uses(guests))


def used_memory_mib(snapshot: Snapshot, guests: tuple[SeenGuest, ...] | Unread) -> int | Unread:
    """The host's own measure where the driver has one, else what its active guests have."""
    if isinstance(snapshot.memory_kib, Unread):
        return snapshot.memory_kib
    if snapshot.memory_kib:
        return memory.used_mib(snapshot.memory_kib)
    if isinstance(guests, Unread):
        return guests
    return sum(use.memory_mib for use in _uses(guests))


def used_disk_mib(snapshot: Snapshot) -> int | Unread:
    return snapshot.disk_space if isinstance(snapshot.disk_space, Unread) else disk.used_mib(snapshot.disk_space)


def _uses(guests: Iterable[SeenGuest]) -> Iterable[Use]:
    return (seen.use for seen in guests if seen.use)


def settle(content: ReportContent, last: ReportContent | None) -> ReportContent:
    """`last` itself if nothing but measured amounts differs, and those not by much: else every audit would be news."""
    return last if last and _is_calm(content, last) else content


def _is_calm(content: ReportContent, last: ReportContent) -> bool:
    now, then, whole = content.measured, last.measured, content.capacity
    if now is None or then is None or whole is None or replace(content, measured=then) != last:
        return False
    return (
        now.vcpus == then.vcpus
        and abs(now.memory_mib - then.memory_mib) * _NOTEWORTHY < whole.memory_mib
        and abs(now.disk_mib - then.disk_mib) * _NOTEWORTHY < whole.disk_mib
    )
