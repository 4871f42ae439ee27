"""What is left of each pool of PCI devices, counted from its owners on every pass and never stored.

A held virtual function takes its physical one away, a held physical function its virtual ones; a device of which guests
hold mediated devices is nobody's as a whole. Whoever lets go gives all back, since nothing remembers that it was gone.
Differs from Nova, which keeps a state of each device beside its owner: there a physical function stays away when its
used virtual one vanishes, and an audit stops at a state that cannot be. Here that is a conflict beside the count.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hypertally.api.inventory import PciDevice, PciPool
from hypertally.api.placement import Placement, PoolFree

from .numa_free import Holding

Holders = Mapping[str, Sequence[str]]
"""Who holds a device, by address: uuids of guests, sorted."""


class PciConflictKind(StrEnum):
    HELD_TWICE = "HeldTwice"
    GONE = "Gone"
    """Held, and the host no longer has it or no longer offers it."""
    SHUT_OUT = "ShutOut"
    """Held, while another guest holds its physical function."""
    DIVIDED = "Divided"
    """Held, while another guest holds mediated devices of it."""


@dataclass(frozen=True, order=True)
class PciConflict:
    """A device that cannot be held as it is told; the count goes on."""

    address: str
    kind: PciConflictKind
    what: str
    owners: tuple[str, ...]

    def __str__(self) -> str:
        return f"PCI device {self.address}: {self.what} (held by {', '.join(self.owners)})"


@dataclass(frozen=True)
class DevicesFree:
    """`pools` in the order of the report's, the rest sorted: the same owners in another order leave the same."""

    pools: tuple[PoolFree, ...]
    holders: Holders
    divided: Holders
    """Who holds mediated devices of it."""
    conflicts: tuple[PciConflict, ...] = ()


def free_devices(pools: Sequence[PciPool], holdings: Iterable[Holding]) -> DevicesFree:
    """A guest holds each device that any of its placements has, once."""
    held = tuple(holdings)
    holders = _holders((device.address, owner) for owner, each in _placements(held) for device in each.devices)
    divided = _holders((mdev.parent_address, owner) for owner, each in _placements(held) for mdev in each.mdevs)
    there = Usable(pools, holders, divided)
    return DevicesFree(
        pools=tuple(_pool_free(pool, sum(map(there.is_usable, pool.devices))) for pool in pools),
        holders=holders,
        divided=divided,
        conflicts=tuple(sorted((*_conflicts(pools, holders, _claimed(held)), *_divided_conflicts(holders, divided)))),
    )


class Usable:
    """Which devices one guest may be given: those that nobody else holds or shuts out. What is `divided`, also by the
    guest itself, is nobody's as a whole."""

    def __init__(self, pools: Iterable[PciPool], holders: Holders, divided: Collection[str], owner: str = "") -> None:
        self._strangers = {address for address, owners in holders.items() if any(each != owner for each in owners)}
        self._strangers.update(divided)
        self._parents = {
            device.parent_address for pool in pools for device in pool.devices if device.address in self._strangers
        }

    def is_usable(self, device: PciDevice) -> bool:
        return not (device.missing or self.is_held(device) or self.is_shut_out(device))

    def is_held(self, device: PciDevice) -> bool:
        return device.address in self._strangers

    def is_shut_out(self, device: PciDevice) -> bool:
        return device.address in self._parents or device.parent_address in self._strangers


def _holders(held: Iterable[tuple[str, str]]) -> Holders:
    """Of pairs of an address and an owner."""
    found: dict[str, set[str]] = defaultdict(set)
    for address, owner in held:
        found[address].add(owner)
    return {address: tuple(sorted(found[address])) for address in sorted(found)}


def _placements(holdings: Iterable[Holding]) -> Iterator[tuple[str, Placement]]:
    for holding in holdings:
        for placement in (*holding.stays, *holding.leaves, holding.listed):
            yield holding.owner, placement


def _divided_conflicts(holders: Holders, divided: Holders) -> Iterator[PciConflict]:
    for address in holders.keys() & divided.keys():
        owners, others = tuple(holders[address]), set(divided[address])
        if len({*owners, *others}) > 1:
            what = f"mediated devices of it are held by {', '.join(sorted(others))}"
            yield PciConflict(address, PciConflictKind.DIVIDED, what, owners)


def _claimed(holdings: Iterable[Holding]) -> set[str]:
    """Guests may have devices that nobody offers, orphans above all; a claim was made for one that was offered."""
    return {
        device.address
        for holding in holdings
        for placement in (*holding.stays, *holding.leaves)
        for device in placement.devices
    }


def _pool_free(pool: PciPool, free: int) -> PoolFree:
    return PoolFree(
        vendor_id=pool.vendor_id,
        product_id=pool.product_id,
        type=pool.type,
        numa_cell=pool.numa_cell,
        tags=pool.tags,
        free=free,
    )


def _conflicts(pools: Sequence[PciPool], holders: Holders, claimed: set[str]) -> Iterator[PciConflict]:
    offered = {device.address: device for pool in pools for device in pool.devices}
    for address, each in holders.items():
        owners, device = tuple(each), offered.get(address)
        if len(owners) > 1:
            yield PciConflict(address, PciConflictKind.HELD_TWICE, "is held twice", owners)
        if device.missing if device else address in claimed:
            what = "the host no longer has it" if device else "the host no longer offers it"
            yield PciConflict(address, PciConflictKind.GONE, what, owners)
        others = set(holders.get(device.parent_address, ())) if device else set()
        if device and others and len({*owners, *others}) > 1:
            what = f"its physical function {device.parent_address} is held by {', '.join(sorted(others))}"
            yield PciConflict(address, PciConflictKind.SHUT_OUT, what, owners)
