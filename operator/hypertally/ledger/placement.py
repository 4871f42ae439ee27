"""Where a guest goes on one host: its cells, CPUs and pages, its PCI devices and its mediated devices, all or nothing.

The best cells are taken for which the devices can be had by their policies; no set of cells is passed over that would
do. A guest that the host lists already takes what it really has, where that is what it asks for: so an Instance that
adopts it holds what runs, and not the same again elsewhere.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import ReportContent
from hypertally.api.inventory import MdevType, NumaCell, PciPool
from hypertally.api.placement import (
    CellFree,
    HeldCell,
    HeldDevice,
    HeldMdev,
    NumaPolicy,
    Placement,
    PlacementRequest,
    ThreadPolicy,
)

from . import cpu_set
from .mdev_fit import fit_mdevs
from .numa_cells import host_cells
from .numa_fit import CellTable, Misfit, needs_cells
from .numa_free import NOTHING, Holding, free_cells
from .numa_room import is_dedicated
from .pci_fit import DeviceTable
from .pci_free import free_devices

SETS_MAX = 500
"""Sets of cells that are tried with devices before a guest is refused. Sets with the same cells that devices can come
from count as one; only a guest of many cells on a host with devices on many comes near it."""

_NEAREST_OF = 16
"""Sets of cells among which a refusal looks for the one where least is missing."""


@dataclass(frozen=True)
class Inventory:
    """What a host can place guests on."""

    cells: tuple[NumaCell, ...] = ()
    pools: tuple[PciPool, ...] = ()
    mdev_types: tuple[MdevType, ...] = ()

    @classmethod
    def of(cls, report: ReportContent) -> "Inventory":
        return cls(report.numa_cells, report.pci_pools, report.mdev_types)


def needs_placement(request: PlacementRequest) -> bool:
    """Whether anything has to be chosen for the guest beside its amounts."""
    return needs_cells(request) or bool(request.pci_requests) or bool(request.mdev_requests)


def place(
    request: PlacementRequest,
    amounts: Amounts,
    inventory: Inventory,
    holdings: Iterable[Holding],
    *,
    owner: str,
    ratios: Amounts,
) -> Placement | Misfit:
    """What a new claim of the guest `owner` holds, or what is missing.

    `holdings`: of all guests on the node, this one's other claims and what it is listed with among them. As for
    amounts, its claims that stay count beside the new one, and what leaves or is listed does not: the charge is the
    greater of the two. Devices it may share among its claims. `ratios` in milli.
    """
    if not needs_placement(request):
        return NOTHING
    held = tuple(holdings)
    mdevs = fit_mdevs(request.mdev_requests, inventory.mdev_types, held, owner=owner)
    mine = () if isinstance(mdevs, Misfit) else mdevs
    found = _Search(request, amounts, inventory, (*held, _divides(mine)), owner, ratios).found()
    if isinstance(found, Misfit):
        return found
    return mdevs if isinstance(mdevs, Misfit) else replace(found, mdevs=mdevs)


def _divides(mdevs: tuple[HeldMdev, ...]) -> Holding:
    """By whoever it is: none of their parents can be had as a whole."""
    return Holding("", stays=(Placement(mdevs=mdevs),))


class _Search:
    """Cells and PCI devices for one claim."""

    def __init__(
        self,
        request: PlacementRequest,
        amounts: Amounts,
        inventory: Inventory,
        holdings: Collection[Holding],
        owner: str,
        ratios: Amounts,
    ) -> None:
        self._request, self._amounts, self._ratios = request, amounts, ratios
        self._cells = inventory.cells
        self._listed = next((each.listed for each in holdings if each.owner == owner), NOTHING)
        self._free = _free(inventory.cells, holdings, owner, ratios) if needs_cells(request) else ()
        self._devices = _devices(request, inventory, holdings, owner)
        self._pci_cells = self._devices.sources() if request.pci_requests else _with_devices(inventory.pools)
        self._known: dict[object, bool] = {}
        """By what matters of a set of cells: whether the devices can be had for it."""

    def found(self) -> Placement | Misfit:
        if not needs_cells(self._request):
            return self._placement((), self._devices.fit(None))
        for free in self._views():
            for cells in self._table(free).fits(self._may):
                found = self._placement(cells, self._devices.fit(_ids(cells)))
                if not isinstance(found, Misfit):
                    return found
        return self._misfit()

    @staticmethod
    def _placement(cells: tuple[HeldCell, ...], devices: tuple[HeldDevice, ...] | Misfit) -> Placement | Misfit:
        return devices if isinstance(devices, Misfit) else Placement(cells=cells, devices=devices)

    def _table(self, free: Sequence[CellFree]) -> CellTable:
        return CellTable(self._request, self._amounts, self._cells, free, self._ratios, self._pci_cells)

    def _may(self, ids: frozenset[int]) -> bool:
        """Whether all devices can be had near these cells, or near some of them."""
        if not self._request.pci_requests:
            return True
        key = (ids & self._pci_cells, self._sockets(ids))
        if key not in self._known:
            if len(self._known) >= SETS_MAX:
                return False
            self._known[key] = not isinstance(self._devices.fit(ids), Misfit)
        return self._known[key]

    def _sockets(self, ids: frozenset[int]) -> frozenset[int | None]:
        if all(each.numa_policy is not NumaPolicy.SOCKET for each in self._request.pci_requests):
            return frozenset()
        return frozenset(cell.socket for cell in self._cells if cell.id in ids)

    def _views(self) -> Iterator[tuple[CellFree, ...]]:
        """What is free, at first only as far as the guest really has it."""
        mine = {cell.id: cell for cell in self._listed.cells}
        if mine:
            here = [free for free in self._free if free.id in mine]
            on_cpus = (
                [replace(free, cpus=self._own_cpus(free)) for free in here] if is_dedicated(self._request) else here
            )
            yield tuple(_own_pages(free, mine[free.id].page_size_kib) for free in on_cpus)
            yield tuple(on_cpus)
            yield tuple(here)
        yield tuple(self._free)

    def _own_cpus(self, free: CellFree) -> str:
        """Those that its threads run on; of isolated cores the idle threads, too."""
        own = 0
        for cell in self._listed.cells:
            own |= cpu_set.parse_or_none(cell.cpus) or 0
        if self._request.thread_policy is ThreadPolicy.ISOLATE:
            cores = [core for cell in host_cells(self._cells) for core in cell.cores() if core & own]
            own = sum(cores)
        return cpu_set.form(own & cpu_set.parse(free.cpus))

    def _misfit(self) -> Misfit:
        """Cells alone, else devices anywhere on the host, else devices at the cells where least of them is missing."""
        table = self._table(self._free)
        sets = [_ids(cells) for cells in islice(table.fits(), _NEAREST_OF)]
        if not sets:
            return table.misfit()
        anywhere = self._devices.fit({cell.id for cell in self._cells})
        if isinstance(anywhere, Misfit):
            return anywhere
        found = (self._devices.fit(ids) for ids in sets)
        return min((each for each in found if isinstance(each, Misfit)), key=_lack)


def _free(
    cells: tuple[NumaCell, ...], holdings: Iterable[Holding], owner: str, ratios: Amounts
) -> tuple[CellFree, ...]:
    """For the guest, whose own `leaves` and `listed` do not count against it."""
    counted = (each if each.owner != owner else Holding(owner, stays=each.stays) for each in holdings)
    return free_cells(cells, counted, ratios=ratios).cells


def _devices(request: PlacementRequest, inventory: Inventory, holdings: Iterable[Holding], owner: str) -> DeviceTable:
    held = free_devices(inventory.pools, holdings if request.pci_requests else ())
    return DeviceTable(request.pci_requests, inventory.pools, held, owner=owner, cells=inventory.cells)


def _with_devices(pools: Iterable[PciPool]) -> frozenset[int]:
    return frozenset(pool.numa_cell for pool in pools if pool.numa_cell is not None and pool.devices)


def _ids(cells: Iterable[HeldCell]) -> frozenset[int]:
    return frozenset(cell.id for cell in cells)


def _own_pages(free: CellFree, size_kib: int) -> CellFree:
    """Only pages of this size; 0 are ordinary ones."""
    if not size_kib:
        return replace(free, pages=free.pages[:1])
    return replace(free, memory_mib=0, pages=tuple(pages for pages in free.pages if pages.size_kib == size_kib))


def _lack(misfit: Misfit) -> int:
    return sum(shortage.asked - shortage.free for shortage in misfit.shortages)
