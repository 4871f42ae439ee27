"""How many mediated devices of each type each parent has left, counted from its owners on every pass.

A type at a parent can have the instances that exist and those that can still be made: `available` is measured, what
exists is taken off already. Of that each guest holds what a claim says or what it really has, whichever is more. So a
device that exists is counted once, and one that is claimed and not made yet is counted on top. An instance that no
guest has is free, as in Nova.

Making an instance of one type may take other types of its parent away, how many only the driver knows. Once it exists
the report's `available` tells; until then nothing of another type can be made there. Of a parent that a guest holds
itself, as a PCI device, nobody else gets any. Differs from Nova, which learns of
this when a guest does not start.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hypertally.api.inventory import MdevType
from hypertally.api.placement import HeldDevice, HeldMdev

from .numa_free import Holding

Slot = tuple[str, str]
"""A parent's address and a type that it has."""


@dataclass(frozen=True, order=True)
class MdevConflict:
    """More is held than there can be; the count goes on."""

    parent_address: str
    type: str
    what: str
    owners: tuple[str, ...]

    def __str__(self) -> str:
        by = ", ".join(self.owners)
        return f"mediated devices {self.type} at {self.parent_address}: {self.what} (held by {by})"


@dataclass(frozen=True)
class MdevsFree:
    """`free` in the order of the types, by parent and type; never below 0."""

    free: Mapping[Slot, int]
    conflicts: tuple[MdevConflict, ...] = ()


@dataclass(frozen=True)
class Left:
    """Of one type at one parent, signed; with what the guest holds there itself."""

    existing: int
    """Without making any."""
    in_all: int


def free_mdevs(types: Sequence[MdevType], holdings: Iterable[Holding]) -> MdevsFree:
    books = MdevBooks(types, holdings)
    free = {slot: max(0, books.left(slot).in_all) for slot in books.types}
    return MdevsFree(free, tuple(sorted(books.conflicts())))


def held_mdevs(holding: Holding) -> Mapping[Slot, int]:
    """Of one guest: two of its roles share devices, so the most that any of its placements has."""
    found: dict[Slot, int] = defaultdict(int)
    for placement in (*holding.stays, *holding.leaves, holding.listed):
        of_placement: dict[Slot, int] = defaultdict(int)
        for held in placement.mdevs:
            of_placement[_slot(held)] += held.count
        for slot, count in of_placement.items():
            found[slot] = max(found[slot], count)
    return found


class MdevBooks:
    """One pass over the owners."""

    def __init__(self, types: Iterable[MdevType], holdings: Iterable[Holding]) -> None:
        holdings = tuple(holdings)
        self._whole = {device.address for holding in holdings for device in _pci_devices(holding)}
        self.types = {(each.parent_address, each.type): each for each in types}
        self.by_owner = {holding.owner: held for holding in holdings if (held := held_mdevs(holding))}
        self._held: dict[Slot, int] = defaultdict(int)
        for held in self.by_owner.values():
            for slot, count in held.items():
                self._held[slot] += count
        self._awaited: dict[str, set[str]] = defaultdict(set)
        """By parent: the types of which one is still to be made for somebody."""
        for (parent, type_), count in self._held.items():
            if count > self._existing((parent, type_)):
                self._awaited[parent].add(type_)

    def left(self, slot: Slot, owner: str = "") -> Left:
        """For anybody, or for a guest that may share what it holds itself."""
        parent, type_ = slot
        own = self.by_owner.get(owner, {}).get(slot, 0)
        existing = self._existing(slot) - self._held.get(slot, 0) + own
        if parent in self._whole:
            return Left(min(existing, own), min(existing, own))
        may_make = self._awaited.get(parent, set()) <= {type_}
        return Left(existing, existing + self.types[slot].available if may_make else existing)

    def conflicts(self) -> Iterable[MdevConflict]:
        for slot, count in self._held.items():
            known = self.types.get(slot)
            there = len(known.instances) + known.available if known else 0
            if count > there:
                owners = tuple(sorted(owner for owner, held in self.by_owner.items() if held.get(slot)))
                yield MdevConflict(*slot, f"{count} are held, there can be {there}", owners)

    def _existing(self, slot: Slot) -> int:
        known = self.types.get(slot)
        return len(known.instances) if known else 0


def _pci_devices(holding: Holding) -> Iterator[HeldDevice]:
    for placement in (*holding.stays, *holding.leaves, holding.listed):
        yield from placement.devices


def _slot(held: HeldMdev) -> Slot:
    return held.parent_address, held.type
