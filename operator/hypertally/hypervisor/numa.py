"""NUMA cells: memory, CPUs, pages and distances of each."""

from collections.abc import Iterable

from hypertally.api.inventory import Distance, NumaCell, Pages

from . import memory
from .capabilities import Capabilities, Cell
from .cpu import OfferedCpus
from .cpu_set import format_cpu_set
from .facts import Part, Problem, Snapshot, Unread
from .reserved_pages import ReservedPages

_KIB_PER_MIB = 1024


def numa_cells(snapshot: Snapshot, offered: OfferedCpus | Unread) -> Part[tuple[NumaCell, ...]]:
    """In the order of their numbers; none where libvirt tells no topology."""
    cells = read_cells(snapshot)
    if isinstance(cells, Unread):
        return Part(cells)
    if isinstance(offered, Unread):
        return Part(offered)
    if isinstance(snapshot.memory_kib, Unread) and _has_all_memory(cells):
        return Part(snapshot.memory_kib)
    reserved = snapshot.settings.reserved_huge_pages
    return Part(tuple(_numa_cell(cell, offered, reserved) for cell in cells), tuple(_misplaced(cells, reserved)))


def read_cells(snapshot: Snapshot) -> tuple[Cell, ...] | Unread:
    """As libvirt tells them, but a single cell has all of the host's memory: see memory.total_mib."""
    if isinstance(snapshot.capabilities, Unread):
        return snapshot.capabilities
    cells = snapshot.capabilities.cells
    total = memory.kernels_total_kib(snapshot)
    if isinstance(cells, Unread) or total is None or not _has_all_memory(cells):
        return cells
    return (_with_all_memory(cells[0], total),)


def _has_all_memory(cells: tuple[Cell, ...]) -> bool:
    """Whether it is the only one; one of which libvirt tells no memory is left so."""
    return len(cells) == 1 and cells[0].memory_kib > 0


def _with_all_memory(cell: Cell, total_kib: int) -> Cell:
    """Where libvirt's topology missed memory that was plugged in later, its ordinary pages are missing too."""
    if cell.memory_kib == total_kib or not cell.pages:
        return Cell(cell.id, total_kib, cell.pages, cell.cpus, cell.distances)
    ordinary, *huge = sorted(cell.pages)
    rest = max(0, total_kib - sum(size * cell.pages[size] for size in huge))
    return Cell(cell.id, total_kib, cell.pages | {ordinary: rest // ordinary}, cell.cpus, cell.distances)


def _numa_cell(cell: Cell, offered: OfferedCpus, reserved: Iterable[ReservedPages]) -> NumaCell:
    cpus = frozenset(cpu.id for cpu in cell.cpus)
    shared, dedicated = cpus & offered.shared, cpus & offered.dedicated
    kept = {pages.size_kib: pages.count for pages in reserved if pages.cell == cell.id}
    return NumaCell(
        id=cell.id,
        memory_mib=cell.memory_kib // _KIB_PER_MIB,
        shared_cpus=format_cpu_set(shared),
        dedicated_cpus=format_cpu_set(dedicated),
        siblings=_siblings(cell, shared | dedicated),
        socket=_socket(cell),
        pages=tuple(
            Pages(size_kib=size, total=total, reserved=kept.get(size, 0)) for size, total in sorted(cell.pages.items())
        ),
        distances=tuple(Distance(cell=far, value=value) for far, value in sorted(cell.distances.items())),
    )


def _siblings(cell: Cell, usable: frozenset[int]) -> tuple[str, ...]:
    sets = {cpu.siblings & usable for cpu in cell.cpus}
    return tuple(format_cpu_set(one) for one in sorted(sets, key=sorted) if len(one) > 1)


def _socket(cell: Cell) -> int | None:
    # A CPU that is off has no siblings, and no socket or a wrong one.
    sockets = {cpu.socket for cpu in cell.cpus if cpu.siblings}
    return sockets.pop() if len(sockets) == 1 else None


def _misplaced(cells: tuple[Cell, ...], reserved: Iterable[ReservedPages]) -> Iterable[Problem]:
    """Nova gives up the whole audit for a cell that is not there."""
    sizes = {cell.id: cell.pages for cell in cells}
    for pages in reserved:
        if pages.size_kib not in sizes.get(pages.cell, {}):
            yield Problem(
                "numaCells pages",
                f"cell {pages.cell} has no pages of {pages.size_kib} KiB, of which {pages.count} are to be reserved",
            )


def told_in_pages(capabilities: Capabilities | Unread) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Cells and page sizes to be asked for free pages."""
    cells = () if isinstance(capabilities, Unread) or isinstance(capabilities.cells, Unread) else capabilities.cells
    return tuple(cell.id for cell in cells), tuple(sorted({size for cell in cells for size in cell.pages}))
