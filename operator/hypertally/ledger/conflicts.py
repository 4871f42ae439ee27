"""Cells and devices that cannot be held as they are told: held by two guests, held and gone. Shown, never acted on."""

from collections.abc import Iterator
from dataclasses import dataclass

from hypertally.api.compute_node import ComputeNode

from .mdev_free import free_mdevs
from .numa_free import ConflictKind, free_cells
from .pci_free import PciConflictKind, free_devices
from .places import Places, by_guest
from .policy import ratios

_OVER = frozenset(
    {
        ConflictKind.CPUS_HELD_TWICE,
        ConflictKind.PAGES_EXCEEDED,
        PciConflictKind.HELD_TWICE,
        PciConflictKind.SHUT_OUT,
        PciConflictKind.DIVIDED,
    }
)


@dataclass(frozen=True)
class Conflicts:
    """A clause each."""

    over: tuple[str, ...] = ()
    """More is held than there is."""
    doubtful: tuple[str, ...] = ()
    """Something is held that the host does not have."""


def conflicts(node: ComputeNode) -> Conflicts:
    """Of a node's report and ledger."""
    report, ledger = node.status.report, node.status.ledger
    if report is None or ledger is None:
        return Conflicts()
    places = Places(report, ratios(node.spec))
    for uuid, held in by_guest(ledger.claims).items():
        places.note(uuid, held)
    if not places.holdings:
        return Conflicts()
    found = sorted(_found(places), key=lambda each: each[1])
    return Conflicts(
        over=tuple(text for over, text in found if over),
        doubtful=tuple(text for over, text in found if not over),
    )


def _found(places: Places) -> Iterator[tuple[bool, str]]:
    """Whether it is too much, and the clause."""
    inventory, holdings = places.inventory, places.holdings
    for cell in free_cells(inventory.cells, holdings, ratios=places.ratios).conflicts:
        yield cell.kind in _OVER, str(cell)
    for device in free_devices(inventory.pools, holdings).conflicts:
        yield device.kind in _OVER, str(device)
    offered = {(each.parent_address, each.type) for each in inventory.mdev_types}
    for mdev in free_mdevs(inventory.mdev_types, holdings).conflicts:
        yield (mdev.parent_address, mdev.type) in offered, str(mdev)
