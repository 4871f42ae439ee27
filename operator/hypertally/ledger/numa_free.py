"""What is left of each host cell, counted from its owners on every pass and never stored.

Differs from Nova: a CPU that is held twice or that is gone, and pages held beyond what exists, do not stop the count;
they are conflicts beside its result. Memory in huge pages does not count as ordinary memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
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

_Parts = defaultdict[tuple[int, int], int]
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
        self._total: _Parts = defaultdict(int)
        self._by_owner: list[tuple[str, _Parts, int]] = []
        """With the dedicated CPUs."""
        self._taken = self._twice = 0
        self._found: dict[tuple[int, ConflictKind, str], set[str]] = defaultdict(set)

    def add(self, holding: Holding) -> None:
        parts = self._charge(holding)
        for key, amount in parts.items():
            self._total[key] += _whole(key[1], amount)
        cpus = 0
        for placement in (*holding.stays, *holding.leaves, holding.listed):
            for held in placement.cells:
                cpus |= self._held_cpus(held, holding.owner)
        self._twice |= self._taken & cpus
        self._taken |= cpus
        self._by_owner.append((holding.owner, parts, cpus))

    def _charge(self, holding: Holding) -> _Parts:
        parts = self._sum(held for placement in holding.stays for held in placement.cells)
        for placement in (*holding.leaves, holding.listed):
            for key, amount in self._sum(placement.cells).items():
                parts[key] = max(parts[key], amount)
        return parts

    def _sum(self, every: Iterable[HeldCell]) -> _Parts:
        parts: _Parts = defaultdict(int)
        for held in every:
            size = held.page_size_kib if held.page_size_kib > self._smallest else 0
            parts[held.id, size] += held.memory_mib
            if held.vcpus:
                parts[held.id, _VCPUS] += held.vcpus
        return parts

    def _held_cpus(self, held: HeldCell, owner: str) -> int:
        cell = self.cells.get(held.id)
        if cell is None:
            self._found[held.id, ConflictKind.CELL_GONE, "the host has no such cell"].add(owner)
        cpus = cpu_set.parse_or_none(held.cpus)
        if cpus is None:
            self._found[held.id, ConflictKind.UNREADABLE, f"{held.cpus[:80]!r} is no CPU set"].add(owner)
            return 0
        if cell and (gone := cpus & ~cell.dedicated):
            what = f"CPUs {cpu_set.form(gone)} are not dedicated there"
            self._found[held.id, ConflictKind.CPUS_GONE, what].add(owner)
        return cpus

    def free(self, cell: HostCell, ratios: Amounts) -> CellFree:
        ordinary = self._total[cell.id, 0]
        pages = [PagesFree(size_kib=s, free=n - self._total[cell.id, s]) for s, n in sorted(cell.huge.items())]
        if cell.ordinary_kib:
            own = (cell.ordinary_mib - ordinary) * KIB_PER_MIB // cell.ordinary_kib
            pages.insert(0, PagesFree(size_kib=cell.ordinary_kib, free=own))
        return CellFree(
            id=cell.id,
            memory_mib=cell.allocatable_mib(ratios.memory_mib) - ordinary,
            shared_vcpus=self._total[cell.id, _VCPUS],
            cpus=cpu_set.form(cell.dedicated & ~self._taken),
            pages=tuple(pages),
        )

    def conflicts(self) -> Iterable[Conflict]:
        for (id_, kind, what), owners in self._found.items():
            yield Conflict(id_, kind, what, tuple(sorted(owners)))
        for cell in self.cells.values():
            yield from (Conflict(cell.id, ConflictKind.UNREADABLE, doubt) for doubt in cell.doubts)
            yield from self._held_twice(cell)
            yield from self._exceeded(cell)

    def _held_twice(self, cell: HostCell) -> Iterable[Conflict]:
        by_owners: dict[tuple[str, ...], int] = defaultdict(int)
        for cpu in cpu_set.single(self._twice & cell.dedicated):
            by_owners[tuple(sorted(owner for owner, _, cpus in self._by_owner if cpus & cpu))] |= cpu
        for owners, cpus in by_owners.items():
            yield Conflict(cell.id, ConflictKind.CPUS_HELD_TWICE, f"CPUs {cpu_set.form(cpus)} are held twice", owners)

    def _exceeded(self, cell: HostCell) -> Iterable[Conflict]:
        for (id_, size), held in self._total.items():
            if id_ == cell.id and size > 0 and held > (there := cell.huge.get(size, 0)):
                what = f"{held} pages of {size} KiB are held, {there} are there"
                owners = tuple(sorted(owner for owner, parts, _ in self._by_owner if parts.get((id_, size))))
                yield Conflict(cell.id, ConflictKind.PAGES_EXCEEDED, what, owners)


def _whole(part: int, amount: int) -> int:
    """A part of a huge page takes a page: so many pages of this size, or the MiB or vcpus as they are."""
    return -(-amount * KIB_PER_MIB // part) if part > 0 else amount
