"""What is really in use at the host, beside what is accounted: the two are never mixed."""

from collections.abc import Iterable

from msgspec.structs import replace

from hypertally.api.compute_node import ReportContent
from hypertally.api.inventory import StoragePool

from . import disk, memory
from .facts import Snapshot, Unread
from .guests import SeenGuest, Use

_NOTEWORTHY = 20
"""A measured amount that moved by less than 1/20 of the capacity is not news: it never stands still."""

_NOTEWORTHY_OF_FREE = 100
"""Disk that is available is what a scheduler goes by, so a smaller part is news already: 1/100."""


def used_vcpus(guests: Iterable[SeenGuest]) -> int:
    """Virtual CPUs of the active guests, without those that have a CPU to themselves."""
    return sum(use.vcpus for use in _uses(guests))


def used_pcpus(guests: Iterable[SeenGuest]) -> int:
    """CPUs of the dedicated set that active guests have to themselves."""
    return len(frozenset().union(*(use.cpus for use in _uses(guests))))


def used_memory_mib(snapshot: Snapshot, guests: tuple[SeenGuest, ...] | Unread) -> int | Unread:
    """The host's own measure where the driver has one, else (and in files) what its active guests have."""
    if not snapshot.settings.file_backed_memory_mib:
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
    """`last` itself if nothing but measured amounts differs, and those not by much: else every audit would be news.

    Measured are also the huge pages in use, the present size of each guest's memory, which balloons move, and what is
    free on disk and in pools.
    """
    return last if last and _is_calm(content, last) else content


def _is_calm(content: ReportContent, last: ReportContent) -> bool:
    now, then, whole = content.measured, last.measured, content.capacity
    if now is None or then is None or whole is None or _unmeasured(content) != _unmeasured(last):
        return False
    return (
        (now.vcpus, now.pcpus) == (then.vcpus, then.pcpus)
        and _is_near(now.memory_mib, then.memory_mib, whole.memory_mib)
        and _is_near(now.disk_mib, then.disk_mib, whole.disk_mib)
        and _are_pages_calm(content, last)
        and _are_disks_calm(content, last, whole.disk_mib)
        and all(
            _is_near(one.memory_current_mib, other.memory_current_mib, one.memory_mib)
            for one, other in zip(content.guests, last.guests, strict=True)
        )
    )


def _unmeasured(content: ReportContent) -> ReportContent:
    guests = tuple(replace(guest, memory_current_mib=0) for guest in content.guests)
    pages = tuple(replace(each, used=0) for each in content.measured_pages)
    pools = tuple(_emptied(pool) for pool in content.storage_pools)
    least = None if content.disk_available_least_mib is None else 0
    return replace(
        content,
        measured=None,
        measured_pages=pages,
        disk_available_least_mib=least,
        storage_pools=pools,
        guests=guests,
    )


def _emptied(pool: StoragePool) -> StoragePool:
    return pool if pool.capacity_mib is None else replace(pool, allocation_mib=0, available_mib=0)


def _are_pages_calm(content: ReportContent, last: ReportContent) -> bool:
    total = {(cell.id, pages.size_kib): pages.total for cell in content.numa_cells for pages in cell.pages}
    return all(
        _is_near(now.used, then.used, total.get((now.cell, now.size_kib), 0))
        for now, then in zip(content.measured_pages, last.measured_pages, strict=True)
    )


def _are_disks_calm(content: ReportContent, last: ReportContent, disk_mib: int) -> bool:
    now, then = content.disk_available_least_mib or 0, last.disk_available_least_mib or 0
    return _is_near(now, then, disk_mib, _NOTEWORTHY_OF_FREE) and all(
        _is_near(one.allocation_mib or 0, other.allocation_mib or 0, one.capacity_mib or 0)
        and _is_near(one.available_mib or 0, other.available_mib or 0, one.capacity_mib or 0)
        for one, other in zip(content.storage_pools, last.storage_pools, strict=True)
    )


def _is_near(now: int, then: int, whole: int, noteworthy: int = _NOTEWORTHY) -> bool:
    return now == then or abs(now - then) * noteworthy < whole
