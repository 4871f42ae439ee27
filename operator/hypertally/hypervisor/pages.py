"""Huge pages that are really taken on the machine, by whomever."""

from collections.abc import Iterable, Mapping

from hypertally.api.inventory import PagesInUse

from .capabilities import Cell
from .facts import Part, Snapshot, Unread


def ordinary_size_kib(cells: tuple[Cell, ...] | Unread) -> int:
    """Of the pages that memory consists of unless someone sets larger ones aside: 4 KiB, on some arm hosts 64."""
    sizes = [] if isinstance(cells, Unread) else [size for cell in cells for size in cell.pages]
    return min(sizes, default=_USUAL_KIB)


def smallest_huge_kib(cells: tuple[Cell, ...] | Unread) -> int:
    """What the kernel defaults to, unless it was started with another default."""
    sizes = set() if isinstance(cells, Unread) else {size for cell in cells for size in cell.pages}
    return min(sizes - {ordinary_size_kib(cells)}, default=_USUAL_HUGE_KIB)


_USUAL_KIB = 4
_USUAL_HUGE_KIB = 2048


def huge_pages_in_use(snapshot: Snapshot, cells: tuple[Cell, ...] | Unread) -> Part[tuple[PagesInUse, ...]]:
    """By cell and size, of sizes that the host has pages of. None where the driver cannot tell."""
    free = snapshot.free_pages
    if isinstance(cells, Unread):
        return Part(cells)
    if free is None or isinstance(free, Unread):
        return Part(free or ())
    return Part(tuple(_in_use(cells, free, ordinary_size_kib(cells))))


def _in_use(cells: Iterable[Cell], free: Mapping[int, Mapping[int, int]], ordinary: int) -> Iterable[PagesInUse]:
    for cell in cells:
        for size, total in sorted(cell.pages.items()):
            unused = free.get(cell.id, {}).get(size)
            if size != ordinary and total and unused is not None:
                # The pool may have shrunk between the two questions.
                yield PagesInUse(cell=cell.id, size_kib=size, used=max(0, total - unused))
