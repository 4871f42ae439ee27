"""Which host cells a guest gets: each of its cells whole on a host cell of its own.

Order of preference, as Nova's default (spread): cells that are apart from PCI devices for guests that want none, and
near them for guests that do; then most free CPUs, most free memory, lowest number. Differs from Nova: the best *set* of
cells is taken, found by matching and not by trying permutations; a refusal names what is missing at the nearest fit.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from hypertally.api.amounts import Amounts
from hypertally.api.inventory import NumaCell
from hypertally.api.placement import CellFree, GuestCell, HeldCell, PlacementRequest

from . import cpu_set
from .admission import Shortage
from .numa_cells import host_cells
from .numa_cpus import take
from .numa_match import assignments, crowded
from .numa_room import Room, is_dedicated, page_size, room


@dataclass(frozen=True)
class Misfit:
    """Why a guest fits onto no cells. `shortages` are those of the nearest fit, which is host cell `cell` for
    `guest_cell`; neither is told where it is the number of cells that does not suffice."""

    shortages: tuple[Shortage, ...]
    guest_cell: int | None = None
    cell: int | None = None

    def __str__(self) -> str:
        missing = "; ".join(str(s) for s in self.shortages)
        if self.cell is None:
            return missing
        return f"{missing} in NUMA cell {self.cell}, the nearest fit for guest cell {self.guest_cell}"


def needs_cells(request: PlacementRequest) -> bool:
    """Whether the guest is placed on cells; else it floats over the whole host."""
    return is_dedicated(request) or request.page_size is not None or bool(request.cells)


def guest_cells(request: PlacementRequest, amounts: Amounts) -> tuple[GuestCell, ...]:
    """Those that are asked for, else one with all that the guest is."""
    if request.cells or not needs_cells(request):
        return request.cells
    return (GuestCell(vcpus=amounts.vcpus + amounts.pcpus, memory_mib=amounts.memory_mib),)


def fit(
    request: PlacementRequest,
    amounts: Amounts,
    cells: Sequence[NumaCell],
    free: Sequence[CellFree],
    *,
    ratios: Amounts,
    pci_cells: Collection[int] = (),
) -> tuple[HeldCell, ...] | Misfit:
    """What each guest cell gets, in their order; nothing, if the guest needs no cells.

    `ratios` in milli, those that `free` was counted with. `pci_cells`: if devices are asked for, the cells that these
    can come from; else the cells that have any.
    """
    table = CellTable(request, amounts, cells, free, ratios, pci_cells)
    found = next(table.fits(), None)
    return table.misfit() if found is None else found


def fits(
    request: PlacementRequest,
    amounts: Amounts,
    cells: Sequence[NumaCell],
    free: Sequence[CellFree],
    *,
    ratios: Amounts,
    pci_cells: Collection[int] = (),
) -> Iterator[tuple[HeldCell, ...]]:
    """One fit for each set of host cells that has any, the best first."""
    return CellTable(request, amounts, cells, free, ratios, pci_cells).fits()


class CellTable:
    """Guest cells against host cells, these in the order of preference: for who has to look at devices, too."""

    def __init__(
        self,
        request: PlacementRequest,
        amounts: Amounts,
        cells: Sequence[NumaCell],
        free: Sequence[CellFree],
        ratios: Amounts,
        pci_cells: Collection[int],
    ) -> None:
        self._request = request
        self._guests = guest_cells(request, amounts)
        self._rooms = _by_preference(request, cells, free, ratios, pci_cells)
        rows = {guest: [page_size(guest, room, request) for room in self._rooms] for guest in set(self._guests)}
        self._rows = [rows[guest] for guest in self._guests]
        self._options = [_options(row) for row in self._rows]

    def fits(self, may: Callable[[frozenset[int]], bool] = lambda _: True) -> Iterator[tuple[HeldCell, ...]]:
        """`may`: whether some of these host cells, or all, are good for the devices; what is good stays so with more
        cells."""
        for places in assignments(self._options, len(self._rooms), lambda mask: may(self._ids(mask))):
            yield tuple(
                self._held(guest, self._rooms[place], size)
                for guest, row, place in zip(self._guests, self._rows, places, strict=True)
                if isinstance(size := row[place], int)
            )

    def _ids(self, places: int) -> frozenset[int]:
        return frozenset(room.cell.id for place, room in enumerate(self._rooms) if places >> place & 1)

    def _held(self, guest: GuestCell, room: Room, size: int) -> HeldCell:
        dedicated = is_dedicated(self._request)
        cpus = take(room.cores, guest.vcpus, self._request.thread_policy) if dedicated else 0
        return HeldCell(
            id=room.cell.id,
            vcpus=0 if dedicated else guest.vcpus,
            memory_mib=guest.memory_mib,
            page_size_kib=size,
            cpus=cpu_set.form(cpus),
        )

    def misfit(self) -> Misfit:
        if len(self._guests) > len(self._rooms):
            return Misfit((Shortage("NUMA cells", len(self._guests), len(self._rooms)),))
        for guest, options in enumerate(self._options):
            if not options:
                return self._nearest(guest)
        return self._crowd(crowded(self._options))

    def _nearest(self, guest: int) -> Misfit:
        """The host cell where least is missing: fewest amounts, then the smallest part of what is asked for."""
        missing = [found for found in self._rows[guest] if not isinstance(found, int)]
        place = min(range(len(missing)), key=lambda p: (len(missing[p]), max(map(_lack, missing[p])), p))
        return Misfit(missing[place], guest, self._rooms[place].cell.id)

    def _crowd(self, guests: tuple[int, ...]) -> Misfit:
        places = 0
        for guest in guests:
            places |= self._options[guest]
        which = ", ".join(str(guest) for guest in guests)
        return Misfit((Shortage(f"NUMA cells with room for guest cells {which}", len(guests), places.bit_count()),))


def _options(row: Sequence[int | tuple[Shortage, ...]]) -> int:
    return sum(1 << place for place, found in enumerate(row) if isinstance(found, int))


def _lack(shortage: Shortage) -> int:
    """In thousandths of what is asked for."""
    return (shortage.asked - shortage.free) * 1000 // shortage.asked


def _by_preference(
    request: PlacementRequest,
    cells: Sequence[NumaCell],
    free: Sequence[CellFree],
    ratios: Amounts,
    pci_cells: Collection[int],
) -> list[Room]:
    """A cell that nothing is known to be free of is left out."""
    left = {each.id: each for each in free}
    rooms = [room(cell, left[cell.id], request, ratios) for cell in host_cells(cells) if cell.id in left]
    wanted = bool(request.pci_requests)
    return sorted(
        rooms,
        key=lambda r: ((r.cell.id in pci_cells) != wanted, -r.cpus, -r.free_mib(request), r.cell.id),
    )
