"""Does one guest cell fit onto one host cell: with which pages, or else what is missing.

Differs from Nova: small pages are over-committed by the memory ratio whether a page size was asked for or not, but
never for guests with dedicated CPUs; on a legacy host a cell's CPUs are either shared or dedicated at one time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hypertally.api.amounts import Amounts
from hypertally.api.placement import CellFree, CpuPolicy, GuestCell, PageSize, PlacementRequest, ThreadPolicy

from . import cpu_set
from .numa_cells import KIB_PER_MIB, HostCell
from .numa_cpus import room_for, takeable
from .shortage import Shortage


@dataclass(frozen=True)
class Room:
    """What is left of one host cell for one request, in numbers to compare with what is asked for."""

    cell: HostCell
    cores: tuple[int, ...]
    """Dedicated CPUs that its thread policy may take, core by core."""
    cpus: int
    """For how many vcpus there is room; on shared CPUs with the ratio."""
    ordinary_mib: int
    """With the ratio."""
    own_mib: int
    """Of ordinary pages without any over-commit."""
    huge_mib: Mapping[int, int]
    """By page size in KiB."""

    def free_mib(self, request: PlacementRequest) -> int:
        """In pages of all sizes that the request allows."""
        return sum(self.ordinary_mib if not size else self.huge_mib.get(size, 0) for size in _sizes(self, request))


def room(cell: HostCell, free: CellFree, request: PlacementRequest, ratios: Amounts) -> Room:
    cores = _cores(cell, free, request) if is_dedicated(request) else ()
    held_mib = cell.allocatable_mib(ratios.memory_mib) - free.memory_mib
    return Room(
        cell=cell,
        cores=cores,
        cpus=room_for(cores, request.thread_policy) if is_dedicated(request) else _vcpus(cell, free, ratios),
        ordinary_mib=free.memory_mib,
        own_mib=min(free.memory_mib, cell.ordinary_mib - held_mib),
        huge_mib={p.size_kib: p.free * p.size_kib // KIB_PER_MIB for p in free.pages if p.size_kib in cell.huge},
    )


def _cores(cell: HostCell, free: CellFree, request: PlacementRequest) -> tuple[int, ...]:
    if cell.legacy and free.shared_vcpus > 0:
        return ()
    return takeable(cell, cpu_set.parse(free.cpus) & cell.dedicated, request.thread_policy)


def _vcpus(cell: HostCell, free: CellFree, ratios: Amounts) -> int:
    if cell.legacy and cpu_set.parse(free.cpus) != cell.dedicated:
        return 0
    return cell.shared.bit_count() * ratios.vcpus // 1000 - free.shared_vcpus


def page_size(guest: GuestCell, room: Room, request: PlacementRequest) -> int | tuple[Shortage, ...]:
    """The size of page that it gets, the largest that fits, or everything that is missing. What is not asked for is
    never missing."""
    cpus = _missing_cpus(guest, room, request)
    pages = _pages(guest, room, request)
    if isinstance(pages, Shortage):
        return (pages,) if cpus is None else (cpus, pages)
    return pages if cpus is None else (cpus,)


def is_dedicated(request: PlacementRequest) -> bool:
    return request.cpu_policy is CpuPolicy.DEDICATED


_ON = {
    ThreadPolicy.REQUIRE: " on cores with two free threads",
    ThreadPolicy.ISOLATE: " with a core each",
}


def _missing_cpus(guest: GuestCell, room: Room, request: PlacementRequest) -> Shortage | None:
    free, policy = room.cpus, request.thread_policy
    if is_dedicated(request):
        where = _ON.get(policy, "") if policy else ""
        return Shortage(f"pcpus{where}", guest.vcpus, free) if guest.vcpus > free else None
    # No guest over-commits against itself, whatever the ratio.
    free = min(free, room.cell.shared.bit_count())
    return Shortage("vcpus", guest.vcpus, free) if guest.vcpus > max(0, free) else None


def _pages(guest: GuestCell, room: Room, request: PlacementRequest) -> int | Shortage:
    missing: list[Shortage] = []
    for size in _sizes(room, request):
        found = _huge(guest, room, size) if size else _ordinary(guest, room, request)
        if found is None:
            return size
        missing.append(found)
    return max(missing, key=lambda m: m.free, default=Shortage("memoryMiB in huge pages", guest.memory_mib, 0))


def _sizes(room: Room, request: PlacementRequest) -> Iterator[int]:
    """Those that the request allows, the largest first; 0 stands for the smallest."""
    match request.page_size:
        case PageSize.LARGE:
            yield from sorted(room.huge_mib, reverse=True)
        case PageSize.ANY:
            yield from (*sorted(room.huge_mib, reverse=True), 0)
        case PageSize.EXPLICIT:
            size = request.page_size_kib or 0
            yield 0 if size == room.cell.ordinary_kib else size
        case _:
            yield 0


def _huge(guest: GuestCell, room: Room, size: int) -> Shortage | None:
    free = room.huge_mib.get(size, 0)
    if guest.memory_mib > max(0, free):
        return Shortage(f"memoryMiB in pages of {size} KiB", guest.memory_mib, free)
    if odd := guest.memory_mib * KIB_PER_MIB % size:
        whole = guest.memory_mib - odd // KIB_PER_MIB
        return Shortage(f"memoryMiB in whole pages of {size} KiB", guest.memory_mib, whole)
    return None


def _ordinary(guest: GuestCell, room: Room, request: PlacementRequest) -> Shortage | None:
    # No guest over-commits against itself, whatever the ratio.
    free = room.own_mib if is_dedicated(request) else min(room.ordinary_mib, room.cell.ordinary_mib)
    return Shortage("memoryMiB", guest.memory_mib, free) if guest.memory_mib > max(0, free) else None
