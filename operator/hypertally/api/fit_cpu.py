"""CPU, guest types, NUMA cells and pages within the bounds of a report."""

from collections.abc import Iterable

from msgspec.structs import replace

from .bounds import (
    CELL_CPUS_TOGETHER,
    CELLS_MAX,
    CPU_TEXT_MAX,
    DISTANCE_MAX,
    FEATURE_MAX,
    FEATURES_MAX,
    GUEST_TYPE_TEXT_MAX,
    GUEST_TYPES_MAX,
    ORDINAL_MAX,
    PAGE_SIZE_MAX,
    PAGE_SIZES_MAX,
    PAGES_IN_USE_MAX,
    SIBLINGS_MAX,
    SIBLINGS_TEXT_MAX,
    SIBLINGS_TOGETHER,
    within,
)
from .cuts import Allowance, Cuts
from .forms import CPU_SET, WORD, cut, has_form
from .inventory import Cpu, CpuTopology, Distance, GuestType, NumaCell, Pages, PagesInUse
from .order import by_key, by_numbers


def fit_cpu(cpu: Cpu, cuts: Cuts) -> Cpu | None:
    """None without an architecture: the rest says nothing then."""
    if not cpu.arch:
        return None
    names = cuts.fitting("cpu.features", set(cpu.features), lambda name: has_form(WORD, name, FEATURE_MAX))
    return Cpu(
        arch=cut(cpu.arch, CPU_TEXT_MAX),
        model=cut(cpu.model, CPU_TEXT_MAX),
        vendor=cut(cpu.vendor, CPU_TEXT_MAX),
        topology=cpu.topology and _fit_topology(cpu.topology),
        features=cuts.first("cpu.features", sorted(names), FEATURES_MAX),
    )


def _fit_topology(topology: CpuTopology) -> CpuTopology:
    names = topology.__struct_fields__
    return CpuTopology(**{name: within(getattr(topology, name), ORDINAL_MAX) for name in names})


def fit_guest_types(types: Iterable[GuestType], cuts: Cuts) -> tuple[GuestType, ...]:
    known = cuts.fitting(
        "guestTypes", types, lambda type_: all(has_form(WORD, text, GUEST_TYPE_TEXT_MAX) for text in _texts(type_))
    )
    return cuts.first("guestTypes", by_key(known, _texts), GUEST_TYPES_MAX)


def _texts(type_: GuestType) -> tuple[str, ...]:
    return (type_.arch, type_.hypervisor, type_.os_type)


def fit_pages_in_use(pages: Iterable[PagesInUse], cuts: Cuts) -> tuple[PagesInUse, ...]:
    known = cuts.fitting("measuredPages", pages, lambda each: _is_ordinal(each.cell) and _is_page_size(each.size_kib))
    found = [replace(each, used=within(each.used)) for each in known]
    return cuts.first("measuredPages", by_key(found, lambda each: (each.cell, each.size_kib)), PAGES_IN_USE_MAX)


def fit_cells(cells: Iterable[NumaCell], cuts: Cuts) -> tuple[NumaCell, ...]:
    shared = Allowance(cuts, "numaCells[].sharedCPUs", CELL_CPUS_TOGETHER)
    dedicated = Allowance(cuts, "numaCells[].dedicatedCPUs", CELL_CPUS_TOGETHER)
    siblings = Allowance(cuts, "numaCells[].siblings", SIBLINGS_TOGETHER)

    def fit(cell: NumaCell) -> NumaCell:
        return NumaCell(
            id=cell.id,
            memory_mib=within(cell.memory_mib),
            shared_cpus=shared.take_cpus(cell.shared_cpus),
            dedicated_cpus=dedicated.take_cpus(cell.dedicated_cpus),
            siblings=siblings.take(_fit_siblings(cell, cuts), SIBLINGS_MAX),
            socket=cell.socket if cell.socket is not None and _is_ordinal(cell.socket) else None,
            pages=_fit_pages(cell.pages, cuts),
            distances=_fit_distances(cell.distances, cuts),
        )

    known = cuts.fitting("numaCells", cells, lambda cell: _is_ordinal(cell.id))
    return tuple(map(fit, cuts.first("numaCells", by_key(known, lambda cell: cell.id), CELLS_MAX)))


def _fit_siblings(cell: NumaCell, cuts: Cuts) -> list[str]:
    known = cuts.fitting(
        "numaCells[].siblings", set(cell.siblings), lambda each: has_form(CPU_SET, each, SIBLINGS_TEXT_MAX)
    )
    return sorted(known, key=by_numbers)


def _fit_pages(pages: Iterable[Pages], cuts: Cuts) -> tuple[Pages, ...]:
    known = cuts.fitting("numaCells[].pages", pages, lambda each: _is_page_size(each.size_kib))
    found = [replace(each, total=within(each.total), reserved=within(each.reserved)) for each in known]
    return cuts.first("numaCells[].pages", by_key(found, lambda each: each.size_kib), PAGE_SIZES_MAX)


def _fit_distances(distances: Iterable[Distance], cuts: Cuts) -> tuple[Distance, ...]:
    known = cuts.fitting("numaCells[].distances", distances, lambda each: _is_ordinal(each.cell))
    found = [replace(each, value=within(each.value, DISTANCE_MAX)) for each in known]
    return cuts.first("numaCells[].distances", by_key(found, lambda each: each.cell), CELLS_MAX)


def _is_ordinal(number: int) -> bool:
    return 0 <= number <= ORDINAL_MAX


def _is_page_size(number: int) -> bool:
    return 0 < number <= PAGE_SIZE_MAX
