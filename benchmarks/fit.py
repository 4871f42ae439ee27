"""A guest with eight cells on a host with eight, full of other guests, against one bare pass over the cells.

The pass reads each cell's CPUs, its cores and what is free of it, and compares each guest cell with each of them once:
the least that any answer takes. Asked for are a fit that exists, and one that does not though each guest cell fits
somewhere: there a search through permutations would try all 40,320. What is free is counted from 500 owners, against
adding up what they hold.
"""

from collections.abc import Iterator, Sequence
from random import Random
from time import process_time

from hypertally.api.amounts import Amounts
from hypertally.api.inventory import NumaCell, Pages
from hypertally.api.placement import CellFree, CpuPolicy, GuestCell, HeldCell, PageSize, Placement, PlacementRequest
from hypertally.ledger import cpu_set
from hypertally.ledger.numa_fit import Misfit, fit
from hypertally.ledger.numa_free import Holding, free_cells

from .measure import alternate
from .result import Result

CELLS = 8
CORES = 64
OWNERS = 500
RATIOS = Amounts(vcpus=4000, memory_mib=1000)
FIT_BUDGET = 3.0
FREE_BUDGET = 6.0
ROUNDS = 101


def run() -> Iterator[Result]:
    cells = tuple(_cell(id_) for id_ in range(CELLS))
    holdings = _holdings(Random(5))  # noqa: S311 - the same host in every run
    free = free_cells(cells, holdings, ratios=RATIOS).cells
    guest = _guest([each.memory_mib for each in free], beyond=0)
    misfit = _guest([each.memory_mib for each in free], beyond=1)
    yield _fitted("fit", guest, cells, free, fits=True)
    yield _fitted("fit-none", misfit, cells, free, fits=False)
    yield _counted(cells, holdings)


def _fitted(
    name: str, request: PlacementRequest, cells: Sequence[NumaCell], free: Sequence[CellFree], *, fits: bool
) -> Result:
    if isinstance(fit(request, Amounts(), cells, free, ratios=RATIOS), Misfit) is fits:
        raise RuntimeError(f"the guest of {name} was meant to be the other kind")
    ours, floor = alternate(
        lambda: fit(request, Amounts(), cells, free, ratios=RATIOS),
        lambda: _one_pass(request, cells, free),
        ROUNDS,
        process_time,
    )
    return _result(name, ours, floor, FIT_BUDGET)


def _counted(cells: Sequence[NumaCell], holdings: Sequence[Holding]) -> Result:
    held = [cell for holding in holdings for placement in holding.stays for cell in placement.cells]
    ours, floor = alternate(
        lambda: free_cells(cells, holdings, ratios=RATIOS), lambda: _added_up(held), ROUNDS, process_time
    )
    return _result("fit-free", ours, floor, FREE_BUDGET)


def _result(name: str, ours: float, floor: float, budget: float) -> Result:
    return Result(name=name, ours=round(ours * 1000, 3), floor=round(floor * 1000, 3), unit="ms", budget=budget)


def _one_pass(request: PlacementRequest, cells: Sequence[NumaCell], free: Sequence[CellFree]) -> int:
    for cell in cells:
        for text in (cell.shared_cpus, cell.dedicated_cpus, *cell.siblings):
            cpu_set.parse(text)
    left = [(cpu_set.parse(each.cpus).bit_count(), each.memory_mib) for each in free]
    return sum(cpus >= g.vcpus and memory >= g.memory_mib for g in request.cells for cpus, memory in left)


def _added_up(held: Sequence[HeldCell]) -> dict[tuple[int, int], int]:
    """CPUs and memory by cell and page size, with no thought of whose they are."""
    memory: dict[tuple[int, int], int] = {}
    cpus: dict[int, int] = {}
    for each in held:
        memory[each.id, each.page_size_kib] = memory.get((each.id, each.page_size_kib), 0) + each.memory_mib
        cpus[each.id] = cpus.get(each.id, 0) | cpu_set.parse(each.cpus)
    return memory


def _cell(id_: int) -> NumaCell:
    """Cores of two threads, numbered as Linux does: the second threads after all first ones."""
    cores = [(CORES * id_ + core, CORES * (CELLS + id_) + core) for core in range(CORES)]
    return NumaCell(
        id=id_,
        memory_mib=1024 * 1024,
        dedicated_cpus=f"{cores[0][0]}-{cores[-1][0]},{cores[0][1]}-{cores[-1][1]}",
        siblings=tuple(f"{first},{second}" for first, second in cores),
        pages=(
            Pages(size_kib=4, total=128 * 1024 * 1024),
            Pages(size_kib=2048, total=128 * 1024),
            Pages(size_kib=1048576, total=256),
        ),
    )


def _holdings(random: Random) -> list[Holding]:
    """One CPU each, so that what is free is in many pieces."""
    cpus = random.sample([(cell, cpu) for cell in range(CELLS) for cpu in range(CORES)], OWNERS * 4 // 5)
    spread = [HeldCell(id=c, memory_mib=64 * (1 + c), cpus=str(CORES * c + n)) for c, n in cpus]
    spread += [HeldCell(id=n % CELLS, memory_mib=1024, page_size_kib=2048) for n in range(OWNERS - len(spread))]
    return [Holding(f"guest-{n}", stays=(Placement(cells=(held,)),)) for n, held in enumerate(spread)]


def _guest(free_mib: Sequence[int], beyond: int) -> PlacementRequest:
    """Each cell fits only where as much memory is free as it asks for; `beyond` 1: the largest two on one cell only."""
    sizes = sorted(free_mib)
    if beyond:
        sizes[-2] = sizes[-1]
    cells = tuple(GuestCell(vcpus=16, memory_mib=mib) for mib in sizes)
    return PlacementRequest(cpu_policy=CpuPolicy.DEDICATED, page_size=PageSize.SMALL, cells=cells)
