"""What is left of each host cell, counted from its owners on every pass and never stored.

Differs from Nova: a CPU that is held twice or that is gone, and pages held beyond what exists, do not stop the count;
they are conflicts beside its result. Memory in huge pages does not count as ordinary memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hypertally.api.amounts import Amounts
from hypertally.api.inventory import NumaCell
from hypertally.api.placement import CellFree, HeldCell, PagesFree, Placement

from . import cpu_set
from .numa_cells import KIB_PER_MIB, HostCell, host_cells

NOTHING = Placement()


@dataclass(frozen=True)
class Holding:
    """All that one guest holds on the node, each guest once. It is charged as for amounts, max(sum of stays, leaving,
    listed), part by part; of dedicated CPUs it holds each that any of its placements has. A claim taken without room
    has nothing of its own: its guest is listed."""

    owner: str
    """The guest's uuid."""
    stays: tuple[Placement, ...] = ()
    leaves: tuple[Placement, ...] = ()
    listed: Placement = NOTHING


class ConflictKind(StrEnum):
    CPUS_HELD_TWICE = "CPUsHeldTwice"
    CPUS_GONE = "CPUsGone"
    """The cell has no such dedicated CPUs, or has them no more."""
    PAGES_EXCEEDED = "PagesExceeded"
    CELL_GONE = "CellGone"
    UNREADABLE = "Unreadable"


@dataclass(frozen=True, order=True)
class Conflict:
    """Something in a cell that cannot be as it is told; the count goes on without it."""

    cell: int
    kind: ConflictKind
    what: str
    owners: tuple[str, ...] = ()

    def __str__(self) -> str:
        by = f" (held by {', '.join(self.owners)})" if self.owners else ""
        return f"NUMA cell {self.cell}: {self.what}{by}"


@dataclass(frozen=True)
class CellsFree:
    """Both sorted: the same owners in another order leave the same."""

    cells: tuple[CellFree, ...]
    conflicts: tuple[Conflict, ...] = ()


_VCPUS = -1
"""In the place of a page size: vcpus on shared CPUs."""

_Parts = Mapping[tuple[int, int], int]
"""(cell, page size in KiB) to MiB; (cell, _VCPUS) to a number of vcpus."""


def free_cells(cells: Sequence[NumaCell], holdings: Iterable[Holding], *, ratios: Amounts) -> CellsFree:
    """`ratios` in milli. `memory_mib` is of ordinary pages, with the ratio. `pages` is without any ratio: for ordinary
    pages what guests with dedicated CPUs may take. Both are negative where too much is held."""
    count = _Count(host_cells(cells))
    for holding in holdings:
        count.add(holding)
    return CellsFree(tuple(count.free(cell, ratios) for cell in count.cells.values()), tuple(sorted(count.conflicts())))


class _Count:
    """One pass over the owners."""

    def __init__(self, cells: Sequence[HostCell]) -> None:
        self.cells = {cell.id: cell for cell in cells}
        self._smallest = cells[0].ordinary_kib if cells else 0
        self._parts: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
        self._owners: dict[int, set[str]] = defaultdict(set)
        self._cpus: dict[str, int] = {}
        self._taken = self._twice = 0
        self._found: dict[tuple[int, ConflictKind, str], set[str]] = defaultdict(set)

    def add(self, holding: Holding) -> None:
        for key, amount in self._charge(holding).items():
            self._parts[key][holding.owner] = amount
        mine = 0
        for held in (h for p in (*holding.stays, *holding.leaves, holding.listed) for h in p.cells):
            self._owners[held.id].add(holding.owner)
            mine |= self._held_cpus(held, holding.owner)
        self._twice |= self._taken & mine
        self._taken |= mine
        self._cpus[holding.owner] = mine

    def _charge(self, holding: Holding) -> _Parts:
        stays: dict[tuple[int, int], int] = defaultdict(int)
        for placement in holding.stays:
            for key, amount in self._parts_of(placement).items():
                stays[key] += amount
        for placement in (*holding.leaves, holding.listed):
            for key, amount in self._parts_of(placement).items():
                stays[key] = max(stays[key], amount)
        return stays

    def _parts_of(self, placement: Placement) -> _Parts:
        parts: dict[tuple[int, int], int] = defaultdict(int)
        for held in placement.cells:
            size = held.page_size_kib if held.page_size_kib > self._smallest else 0
            parts[held.id, size] += held.memory_mib
            parts[held.id, _VCPUS] += held.vcpus
        return parts

    def _held_cpus(self, held: HeldCell, owner: str) -> int:
        if not held.cpus:
            return 0
        cpus = cpu_set.parse_or_none(held.cpus)
        if cpus is None:
            self._found[held.id, ConflictKind.UNREADABLE, f"{held.cpus[:80]!r} is no CPU set"].add(owner)
            return 0
        cell = self.cells.get(held.id)
        if cell and (gone := cpus & ~cell.dedicated):
            what = f"CPUs {cpu_set.form(gone)} are not dedicated there"
            self._found[held.id, ConflictKind.CPUS_GONE, what].add(owner)
        return cpus

    def free(self, cell: HostCell, ratios: Amounts) -> CellFree:
        vcpus, ordinary = (sum(self._parts.get((cell.id, part), {}).values()) for part in (_VCPUS, 0))
        pages = [PagesFree(size_kib=s, free=n - self._pages_held(cell, s)) for s, n in sorted(cell.huge.items())]
        if cell.ordinary_kib:
            own = (cell.ordinary_mib - ordinary) * KIB_PER_MIB // cell.ordinary_kib
            pages.insert(0, PagesFree(size_kib=cell.ordinary_kib, free=own))
        return CellFree(
            id=cell.id,
            memory_mib=cell.allocatable_mib(ratios.memory_mib) - ordinary,
            shared_vcpus=vcpus,
            cpus=cpu_set.form(cell.dedicated & ~self._taken),
            pages=tuple(pages),
        )

    def _pages_held(self, cell: HostCell, size: int) -> int:
        held = self._parts.get((cell.id, size), {})
        return sum(-(-mib * KIB_PER_MIB // size) for mib in held.values())

    def conflicts(self) -> Iterable[Conflict]:
        for (id_, kind, what), owners in self._found.items():
            yield Conflict(id_, kind, what, tuple(sorted(owners)))
        for id_, owners in self._owners.items():
            if id_ not in self.cells:
                yield Conflict(id_, ConflictKind.CELL_GONE, "the host has no such cell", tuple(sorted(owners)))
        for cell in self.cells.values():
            yield from (Conflict(cell.id, ConflictKind.UNREADABLE, doubt) for doubt in cell.doubts)
            yield from self._held_twice(cell)
            yield from self._exceeded(cell)

    def _held_twice(self, cell: HostCell) -> Iterable[Conflict]:
        by_owners: dict[tuple[str, ...], int] = defaultdict(int)
        for cpu in cpu_set.single(self._twice & cell.dedicated):
            by_owners[tuple(sorted(o for o, cpus in self._cpus.items() if cpus & cpu))] |= cpu
        for owners, cpus in by_owners.items():
            yield Conflict(cell.id, ConflictKind.CPUS_HELD_TWICE, f"CPUs {cpu_set.form(cpus)} are held twice", owners)

    def _exceeded(self, cell: HostCell) -> Iterable[Conflict]:
        for size in sorted(s for id_, s in self._parts if id_ == cell.id and s > 0):
            held, there = self._pages_held(cell, size), cell.huge.get(size, 0)
            if held > there:
                what = f"{held} pages of {size} KiB are held, {there} are there"
                owners = tuple(sorted(owner for owner, mib in self._parts[cell.id, size].items() if mib))
                yield Conflict(cell.id, ConflictKind.PAGES_EXCEEDED, what, owners)
