"""What a guest holds of the host's cells, read from the report: how guests without a claim are charged.

libvirt tells which cells a guest's memory is bound to and not how it is divided among them, so it is divided evenly,
unless a claim for the same cells tells better. Huge pages that are bound to no cell are divided among all cells that
have such pages. A guest with neither bound memory nor own CPUs floats and holds nothing of any cell, as in Nova.
A mediated device that it names and that does not exist takes nothing of any parent.
"""

from collections import Counter
from collections.abc import Sequence

from hypertally.api.compute_node import Guest
from hypertally.api.inventory import MdevType, NumaCell
from hypertally.api.placement import HeldCell, HeldDevice, HeldMdev, Placement

from . import cpu_set
from .numa_cells import KIB_PER_MIB
from .numa_free import NOTHING


def held_by_guest(
    guest: Guest, cells: Sequence[NumaCell], claimed: Placement = NOTHING, mdev_types: Sequence[MdevType] = ()
) -> Placement:
    """`claimed`: what a claim holds for it, if there is one."""
    return Placement(
        cells=claimed.cells if _agrees(guest, claimed) else _held_cells(guest, cells),
        devices=tuple(HeldDevice(address=address) for address in guest.pci_addresses),
        mdevs=_held_mdevs(guest, mdev_types),
    )


def _held_mdevs(guest: Guest, types: Sequence[MdevType]) -> tuple[HeldMdev, ...]:
    named = set(guest.mdev_uuids)
    if not named:
        return ()
    counts = Counter((each.parent_address, each.type) for each in types for uuid in each.instances if uuid in named)
    return tuple(
        HeldMdev(type=type_, parent_address=parent, count=counts[parent, type_]) for parent, type_ in sorted(counts)
    )


def _agrees(guest: Guest, claimed: Placement) -> bool:
    """The same amounts in the same cells and pages: then its division is the guest's. It may hold more CPUs, the idle
    threads of isolated cores."""
    held = claimed.cells
    return (
        bool(held)
        and {cell.id for cell in held} == set(guest.cells)
        and {cell.page_size_kib for cell in held} == {guest.page_size_kib}
        and not (cpu_set.parse_or_none(guest.pinned_cpus) or 0) & ~_all_cpus(held)
        and sum(cell.vcpus for cell in held) == guest.vcpus
        and sum(cell.memory_mib for cell in held) == guest.memory_mib
    )


def _all_cpus(held: Sequence[HeldCell]) -> int:
    cpus = 0
    for cell in held:
        cpus |= cpu_set.parse_or_none(cell.cpus) or 0
    return cpus


def _held_cells(guest: Guest, cells: Sequence[NumaCell]) -> tuple[HeldCell, ...]:
    cpus = _cpus_by_cell(guest, cells)
    bound = sorted(set(guest.cells)) or sorted(cpus) or _with_pages(guest, cells)
    step = max(1, guest.page_size_kib // KIB_PER_MIB)
    memory, vcpus = _divided(guest.memory_mib, bound, step), _divided(guest.vcpus, bound, 1)
    return tuple(
        HeldCell(
            id=id_,
            vcpus=vcpus.get(id_, 0),
            memory_mib=memory.get(id_, 0),
            page_size_kib=guest.page_size_kib,
            cpus=cpu_set.form(cpus.get(id_, 0)),
        )
        for id_ in sorted({*bound, *cpus})
    )


def _cpus_by_cell(guest: Guest, cells: Sequence[NumaCell]) -> dict[int, int]:
    """CPUs that no cell has are told of its first one, so that they are seen to be gone."""
    rest = cpu_set.parse_or_none(guest.pinned_cpus) or 0
    result: dict[int, int] = {}
    for cell in sorted(cells, key=lambda cell: cell.id):
        there = (cpu_set.parse_or_none(cell.dedicated_cpus) or 0) | (cpu_set.parse_or_none(cell.shared_cpus) or 0)
        if mine := rest & there:
            result[cell.id] = mine
            rest &= ~mine
    first = min((*guest.cells, *result), default=min((cell.id for cell in cells), default=None))
    if rest and first is not None:
        result[first] = result.get(first, 0) | rest
    return result


def _with_pages(guest: Guest, cells: Sequence[NumaCell]) -> list[int]:
    if not guest.page_size_kib:
        return []
    return sorted(c.id for c in cells if any(p.size_kib == guest.page_size_kib and p.total for p in c.pages))


def _divided(amount: int, cells: Sequence[int], step: int) -> dict[int, int]:
    """Evenly in whole steps, none too little: the first get the rest."""
    if not cells:
        return {}
    steps, rest = divmod(-(-amount // step), len(cells))
    return {id_: (steps + (part < rest)) * step for part, id_ in enumerate(cells)}
