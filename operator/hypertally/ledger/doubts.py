"""What of a node's numbers cannot be as it is told. The books go on with what is told; a person should look."""

from collections.abc import Iterator

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import SUM_MAX
from hypertally.api.compute_node import ComputeNode, Ledger, Report
from hypertally.api.inventory import NumaCell

from .vectors import KEYS, WIRE_KEYS

_KIB_PER_MIB = 1024
_NEVER_SHARED = ("pcpus", "memory_mib", "disk_mib")
"""Of vcpus more may be in use than there are: CPUs are shared."""


def doubts(node: ComputeNode) -> tuple[str, ...]:
    """A clause each, in a fixed order; nothing where all is well."""
    report, ledger = node.status.report, node.status.ledger
    of_report = _of_report(report) if report is not None else ()
    of_ledger = _of_ledger(ledger) if ledger is not None else ()
    return (*of_report, *of_ledger)


def _of_report(report: Report) -> Iterator[str]:
    if report.capacity is not None:
        yield from _measured(report.measured, report.capacity)
        yield from _cells_together(report.numa_cells, report.capacity)
    for cell in report.numa_cells:
        yield from _pages(cell)
    yield from _unknown_cells(report)
    yield from _left_out(report)


def _measured(measured: Amounts | None, capacity: Amounts) -> Iterator[str]:
    for key in _NEVER_SHARED if measured is not None else ():
        used, there = getattr(measured, key), getattr(capacity, key)
        if used > there:
            yield f"{WIRE_KEYS[key]} in use {used} is more than the capacity {there}"


def _cells_together(cells: tuple[NumaCell, ...], capacity: Amounts) -> Iterator[str]:
    """Each cell's memory is rounded for itself."""
    together = sum(cell.memory_mib for cell in cells)
    if together > capacity.memory_mib + len(cells):
        yield f"memoryMiB of all NUMA cells {together} is more than the host's {capacity.memory_mib}"


def _pages(cell: NumaCell) -> Iterator[str]:
    kib = sum(pages.size_kib * pages.total for pages in cell.pages)
    if kib > (cell.memory_mib + 1) * _KIB_PER_MIB:
        yield f"pages of NUMA cell {cell.id} take {kib // _KIB_PER_MIB} MiB, and it has {cell.memory_mib}"


def _unknown_cells(report: Report) -> Iterator[str]:
    known = {cell.id for cell in report.numa_cells}
    named = {cell for guest in report.guests for cell in guest.cells}
    if known and named - known:
        cells = ", ".join(map(str, sorted(named - known)))
        yield f"guests are bound to NUMA cells that the host does not have: {cells}"


def _left_out(report: Report) -> Iterator[str]:
    summed = report.omitted_resources is not None
    if report.guests_omitted and not summed:
        yield f"guestsOmitted is {report.guests_omitted} without omittedResources: these guests are charged nothing"
    if summed and not report.guests_omitted:
        yield "omittedResources are charged, and guestsOmitted is 0"


def _of_ledger(ledger: Ledger) -> Iterator[str]:
    """Sums end where the API does."""
    for key in KEYS:
        if getattr(ledger.allocated, key) >= SUM_MAX or abs(getattr(ledger.free, key)) >= SUM_MAX:
            yield f"{WIRE_KEYS[key]} allocated is more than can be counted"
    if ledger.generation >= SUM_MAX:
        yield "status.ledger.generation is at its end: delete the ComputeNode, and its agent makes it anew"
