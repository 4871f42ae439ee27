"""Host cells in numbers to reckon with, read from the report.

Differs from Nova: memory in huge pages is no room for ordinary pages, and a CPU that two cells claim to have is the
first one's. Nova would give both away twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hypertally.api.inventory import NumaCell

from . import cpu_set

KIB_PER_MIB = 1024


@dataclass(frozen=True)
class HostCell:
    """CPU sets as integers."""

    id: int
    shared: int
    dedicated: int
    siblings: tuple[str, ...]
    """As reported; read by `cores`, because few who look at a cell need them and they are many."""
    ordinary_mib: int
    """In pages of the smallest size, which page size 0 stands for everywhere here."""
    ordinary_kib: int
    """The size of such a page; 0 where the host tells of no pages."""
    huge: Mapping[int, int]
    """How many pages there are for guests, by size in KiB."""
    doubts: tuple[str, ...] = ()
    """Parts of the report that were left out, because they cannot be read or contradict another cell."""

    @property
    def legacy(self) -> bool:
        """Nova's host without sets: its CPUs are both shared and dedicated."""
        return bool(self.shared & self.dedicated)

    def cores(self) -> tuple[int, ...]:
        """The usable threads of each core, single threads too, in the order of CPUs."""
        cores, rest = [], self.shared | self.dedicated
        for threads in self.siblings:
            if core := (cpu_set.parse_or_none(threads) or 0) & rest:
                cores.append(core)
                rest &= ~core
        return tuple(sorted((*cores, *cpu_set.single(rest)), key=lambda core: core & -core))

    def allocatable_mib(self, ratio: int) -> int:
        """Of ordinary pages, with the memory ratio (milli)."""
        return self.ordinary_mib * ratio // 1000


def host_cells(cells: Iterable[NumaCell]) -> tuple[HostCell, ...]:
    """In the order of their numbers."""
    cells = sorted(cells, key=lambda cell: cell.id)
    smallest = min((pages.size_kib for cell in cells for pages in cell.pages), default=0)
    result, seen = [], 0
    for cell in cells:
        result.append(_host_cell(cell, smallest, seen))
        seen |= result[-1].shared | result[-1].dedicated
    return tuple(result)


def _host_cell(cell: NumaCell, smallest: int, elsewhere: int) -> HostCell:
    doubts: list[str] = []
    shared, dedicated = (_readable(text, doubts) for text in (cell.shared_cpus, cell.dedicated_cpus))
    if twice := (shared | dedicated) & elsewhere:
        doubts.append(f"CPUs {cpu_set.form(twice)} are in another cell, too")
    shared, dedicated = shared & ~elsewhere, dedicated & ~elsewhere
    return HostCell(
        id=cell.id,
        shared=shared,
        dedicated=dedicated,
        siblings=cell.siblings,
        ordinary_mib=_ordinary_mib(cell, smallest),
        ordinary_kib=smallest,
        huge={p.size_kib: p.total - p.reserved for p in cell.pages if p.size_kib > smallest},
        doubts=tuple(doubts),
    )


def _ordinary_mib(cell: NumaCell, smallest: int) -> int:
    """What huge pages leave of the cell's memory, or what it has of ordinary pages, if that is less."""
    huge = sum(p.total * p.size_kib for p in cell.pages if p.size_kib > smallest)
    rest = (cell.memory_mib * KIB_PER_MIB - huge) // KIB_PER_MIB
    told = [(p.total - p.reserved) * p.size_kib // KIB_PER_MIB for p in cell.pages if p.size_kib == smallest]
    return min((max(0, rest), *told))


def _readable(text: str, doubts: list[str]) -> int:
    cpus = cpu_set.parse_or_none(text)
    if cpus is None:
        doubts.append(f"{text[:80]!r} is no CPU set")
    return cpus or 0
