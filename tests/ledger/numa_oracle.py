"""What the fit has to come to, by trying everything on a small host. Written from the rules, shares no code with them.

CPUs are sets of numbers here, a search tries every set of CPUs, every page size and every order of host cells.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from hypertally.api.amounts import Amounts
from hypertally.api.inventory import NumaCell
from hypertally.api.placement import CpuPolicy, GuestCell, HeldCell, PageSize, PlacementRequest, ThreadPolicy

ORDINARY = 4


def cpu_numbers(text: str) -> set[int]:
    found = set()
    for part in filter(None, text.split(",")):
        ends = [int(end) for end in part.split("-")]
        found |= set(range(ends[0], ends[-1] + 1))
    return found


@dataclass
class Used:
    """Of one host cell by all who hold there."""

    cpus: set[int]
    vcpus: int
    memory: dict[int, int]
    """MiB by page size; 0 is the ordinary one."""


def used_of(held: Iterable[HeldCell], id_: int) -> Used:
    """A CPU is held whichever cell its owner tells it of."""
    held = list(held)
    here = [h for h in held if h.id == id_]
    memory: dict[int, int] = {}
    for h in here:
        memory[h.page_size_kib] = memory.get(h.page_size_kib, 0) + h.memory_mib
    return Used(set().union(*(cpu_numbers(h.cpus) for h in held)), sum(h.vcpus for h in here), memory)


def can_be_placed(
    request: PlacementRequest,
    guests: Sequence[GuestCell],
    cells: Sequence[NumaCell],
    held: Sequence[HeldCell],
    r: Amounts,
) -> bool:
    used = {c.id: used_of(held, c.id) for c in cells}
    return any(
        all(_cell_fits(request, g, c, used[c.id], r) for g, c in zip(guests, chosen, strict=True))
        for chosen in permutations(cells, len(guests))
    )


def is_allowed(
    request: PlacementRequest,
    guests: Sequence[GuestCell],
    cells: Sequence[NumaCell],
    held: Sequence[HeldCell],
    r: Amounts,
    found: Sequence[HeldCell],
) -> bool:
    """Whether what was found is whole, and within what is left."""
    by_id = {c.id: c for c in cells}
    return len({f.id for f in found}) == len(found) == len(guests) and all(
        f.memory_mib == g.memory_mib
        and f.vcpus == (g.vcpus if request.cpu_policy is CpuPolicy.SHARED else 0)
        and _cpus_allowed(request, g, by_id[f.id], used_of(held, f.id), r, cpu_numbers(f.cpus))
        and f.page_size_kib in _sizes(request, by_id[f.id])
        and _memory_allowed(request, g, by_id[f.id], used_of(held, f.id), r, f.page_size_kib)
        for f, g in zip(found, guests, strict=True)
    )


def _cell_fits(request: PlacementRequest, guest: GuestCell, cell: NumaCell, used: Used, r: Amounts) -> bool:
    return any(_cpus_allowed(request, guest, cell, used, r, cpus) for cpus in _sets(cell)) and any(
        _memory_allowed(request, guest, cell, used, r, size) for size in _sizes(request, cell)
    )


def _sets(cell: NumaCell) -> Iterator[set[int]]:
    every = sorted(cpu_numbers(cell.dedicated_cpus))
    for count in range(len(every) + 1):
        yield from map(set, combinations(every, count))


def _cores(cell: NumaCell) -> list[set[int]]:
    several = [cpu_numbers(text) for text in cell.siblings]
    usable = cpu_numbers(cell.shared_cpus) | cpu_numbers(cell.dedicated_cpus)
    return several + [{cpu} for cpu in usable if not any(cpu in core for core in several)]


def _cpus_allowed(
    request: PlacementRequest, guest: GuestCell, cell: NumaCell, used: Used, r: Amounts, cpus: set[int]
) -> bool:
    shared, pinnable = cpu_numbers(cell.shared_cpus), cpu_numbers(cell.dedicated_cpus)
    legacy = shared & pinnable
    if request.cpu_policy is CpuPolicy.SHARED:
        room = 0 if legacy and used.cpus & pinnable else len(shared) * r.vcpus // 1000
        return not cpus and (guest.vcpus == 0 or (guest.vcpus <= len(shared) and guest.vcpus + used.vcpus <= room))
    free = set() if legacy and used.vcpus else pinnable - used.cpus
    if not cpus <= free:
        return False
    match request.thread_policy:
        case ThreadPolicy.ISOLATE:
            whole = [core for core in _cores(cell) if core <= cpus]
            good = all(legacy or len(core) == 1 for core in whole)
            return good and len(whole) == guest.vcpus and set().union(*whole) == cpus
        case ThreadPolicy.REQUIRE:
            twofold = set().union(*(core & free for core in _cores(cell) if len(core & free) >= 2))
            return len(cpus) == guest.vcpus and cpus <= twofold
        case _:
            return len(cpus) == guest.vcpus


def _sizes(request: PlacementRequest, cell: NumaCell) -> list[int]:
    huge = [p.size_kib for p in cell.pages if p.size_kib != ORDINARY]
    match request.page_size:
        case PageSize.LARGE:
            return huge
        case PageSize.ANY:
            return [0, *huge]
        case PageSize.EXPLICIT:
            size = request.page_size_kib or 0
            return [0] if size == ORDINARY else [size]
        case _:
            return [0]


def _memory_allowed(
    request: PlacementRequest, guest: GuestCell, cell: NumaCell, used: Used, r: Amounts, size: int
) -> bool:
    if guest.memory_mib == 0:
        return True
    after = used.memory.get(size, 0) + guest.memory_mib
    if size:
        there = sum((p.total - p.reserved) * size for p in cell.pages if p.size_kib == size)
        return guest.memory_mib * 1024 % size == 0 and after * 1024 <= there
    whole = cell.memory_mib - sum(p.total * p.size_kib for p in cell.pages if p.size_kib != ORDINARY) // 1024
    limit = whole * r.memory_mib // 1000
    if request.cpu_policy is CpuPolicy.DEDICATED:
        return after <= min(whole, limit)
    return guest.memory_mib <= whole and after <= limit
