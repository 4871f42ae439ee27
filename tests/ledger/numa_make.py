"""Small hosts and guests for tests of the fit. Nothing is given twice unless a test says so."""

from collections.abc import Iterable, Mapping

from hypertally.api.amounts import Amounts
from hypertally.api.inventory import NumaCell, Pages
from hypertally.api.placement import (
    CellFree,
    CpuPolicy,
    GuestCell,
    HeldCell,
    PageSize,
    Placement,
    PlacementRequest,
    ThreadPolicy,
)
from hypertally.ledger.numa_fit import Misfit, fit
from hypertally.ledger.numa_free import CellsFree, Holding, free_cells

ONCE = Amounts(vcpus=1000, memory_mib=1000)
TWICE = Amounts(vcpus=2000, memory_mib=2000)
UNLIMITED = Amounts(vcpus=1_000_000, memory_mib=1_000_000)

SMALL, MEDIUM, LARGE = 4, 2048, 1048576
"""x86's sizes of a page in KiB."""

DEDICATED = PlacementRequest(cpu_policy=CpuPolicy.DEDICATED)
ONE_CELL = PlacementRequest(page_size=PageSize.SMALL)


def cell(
    id_: int = 0,
    memory: int = 8192,
    *,
    shared: str = "",
    dedicated: str = "",
    siblings: Iterable[str] = (),
    pages: Mapping[int, int] | None = None,
    reserved: Mapping[int, int] | None = None,
) -> NumaCell:
    """`pages`: how many by size; those of 4 KiB are the rest of the memory, as libvirt tells it."""
    huge = dict(pages or {})
    rest = memory * 1024 - sum(size * count for size, count in huge.items())
    every = {SMALL: max(0, rest) // SMALL, **huge}
    return NumaCell(
        id=id_,
        memory_mib=memory,
        shared_cpus=shared,
        dedicated_cpus=dedicated,
        siblings=tuple(siblings),
        pages=tuple(Pages(size_kib=s, total=n, reserved=(reserved or {}).get(s, 0)) for s, n in sorted(every.items())),
    )


def dedicated(policy: ThreadPolicy | None = None, page_size: PageSize | None = None) -> PlacementRequest:
    return PlacementRequest(cpu_policy=CpuPolicy.DEDICATED, thread_policy=policy, page_size=page_size)


def cells_of(*sizes: tuple[int, int], policy: CpuPolicy = CpuPolicy.SHARED) -> PlacementRequest:
    """A guest with cells of so many vcpus and MiB each."""
    return PlacementRequest(cpu_policy=policy, cells=tuple(GuestCell(vcpus=v, memory_mib=m) for v, m in sizes))


def held(id_: int = 0, *, vcpus: int = 0, memory: int = 0, size: int = 0, cpus: str = "") -> HeldCell:
    return HeldCell(id=id_, vcpus=vcpus, memory_mib=memory, page_size_kib=size, cpus=cpus)


def holds(owner: str, *cells: HeldCell) -> Holding:
    """By a claim that stays."""
    return Holding(owner, stays=(Placement(cells=cells),))


def free(cells: Iterable[NumaCell], *holdings: Holding, ratios: Amounts = ONCE) -> CellsFree:
    return free_cells(tuple(cells), holdings, ratios=ratios)


def left(cell: NumaCell, *holdings: Holding, ratios: Amounts = ONCE) -> CellFree:
    """Of a host with this one cell."""
    return free([cell], *holdings, ratios=ratios).cells[0]


def place(
    request: PlacementRequest,
    vcpus: int,
    memory: int,
    cells: Iterable[NumaCell],
    *holdings: Holding,
    ratios: Amounts = ONCE,
    pci_cells: Iterable[int] = (),
) -> tuple[HeldCell, ...] | Misfit:
    """A fit on a host where `holdings` hold already."""
    cells = tuple(cells)
    amounts = (
        Amounts(pcpus=vcpus, memory_mib=memory)
        if request.cpu_policy is CpuPolicy.DEDICATED
        else Amounts(vcpus=vcpus, memory_mib=memory)
    )
    rest = free(cells, *holdings, ratios=ratios).cells
    return fit(request, amounts, cells, rest, ratios=ratios, pci_cells=frozenset(pci_cells))


def cpus_of(found: tuple[HeldCell, ...] | Misfit) -> str:
    """Of a guest with one cell."""
    assert not isinstance(found, Misfit), str(found)
    return found[0].cpus


def page_size_of(found: tuple[HeldCell, ...] | Misfit) -> int:
    assert not isinstance(found, Misfit), str(found)
    return found[0].page_size_kib


def ids_of(found: tuple[HeldCell, ...] | Misfit) -> list[int]:
    assert not isinstance(found, Misfit), str(found)
    return [each.id for each in found]
