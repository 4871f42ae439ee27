"""What a fit of devices has to come to, by trying everything on a small host. Written from the rules, shares no code
with them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from hypertally.api.inventory import MdevType, NumaCell, PciDevice, PciPool, PciType
from hypertally.api.placement import MdevRequest, NumaPolicy, PciRequest

Owners = Mapping[str, Collection[str]]
"""Addresses that each guest holds."""


@dataclass(frozen=True)
class Offer:
    pool: PciPool
    device: PciDevice


def offers(pools: Sequence[PciPool]) -> list[Offer]:
    return [Offer(pool, device) for pool in pools for device in pool.devices]


def is_free(offer: Offer, every: Sequence[Offer], owners: Owners, guest: str = "") -> bool:
    """For `guest`: nobody else has the device, the one above it or one below it."""
    taken = {address for owner, addresses in owners.items() if owner != guest for address in addresses}
    below = {other.device.address for other in every if other.device.parent_address == offer.device.address}
    return not offer.device.missing and not taken & {offer.device.address, offer.device.parent_address, *below}


def suits(request: PciRequest, pool: PciPool, near: Collection[int] | None, cells: Sequence[NumaCell]) -> bool:
    named = [(request.vendor_id, pool.vendor_id), (request.product_id, pool.product_id), (request.type, pool.type)]
    tagged = [(value.upper(), pool.tags.get(key, "").upper()) for key, value in request.tags.items()]
    if any(asked and asked != there for asked, there in named) or any(asked != there for asked, there in tagged):
        return False
    if not request.type and pool.type in {PciType.PF, PciType.VDPA}:
        return False
    if pool.tags.get("remote_managed") == "true" and request.tags.get("remote_managed") != "true":
        return False
    return near is None or _is_near(request.numa_policy, pool.numa_cell, near, cells)


def _is_near(policy: NumaPolicy, cell: int | None, near: Collection[int], cells: Sequence[NumaCell]) -> bool:
    if cell in near or policy is NumaPolicy.PREFERRED:
        return True
    if policy is NumaPolicy.LEGACY:
        return cell is None
    if policy is NumaPolicy.SOCKET and all(each.socket is not None for each in cells):
        mine = {each.socket for each in cells if each.id in near}
        return any(each.id == cell and each.socket in mine for each in cells)
    return False


def is_allowed(
    chosen: Sequence[tuple[PciRequest, Offer]], near: Collection[int] | None, cells: Sequence[NumaCell]
) -> bool:
    """No device twice, no function together with the one above it, each as it was asked for."""
    addresses = [offer.device.address for _, offer in chosen]
    parents = {offer.device.parent_address for _, offer in chosen}
    return (
        len(set(addresses)) == len(addresses)
        and not parents & set(addresses)
        and all(suits(request, offer.pool, near, cells) for request, offer in chosen)
    )


def can_be_given(
    requests: Sequence[PciRequest],
    pools: Sequence[PciPool],
    owners: Owners,
    guest: str,
    near: Collection[int] | None,
    cells: Sequence[NumaCell],
) -> bool:
    every = offers(pools)
    free = [offer for offer in every if is_free(offer, every, owners, guest)]
    return any(is_allowed(chosen, near, cells) for chosen in _choices(requests, free, near, cells))


def _choices(
    requests: Sequence[PciRequest], free: Sequence[Offer], near: Collection[int] | None, cells: Sequence[NumaCell]
) -> Iterator[list[tuple[PciRequest, Offer]]]:
    if not requests:
        yield []
        return
    first, *others = requests
    suited = [offer for offer in free if suits(first, offer.pool, near, cells)]
    for some in combinations(suited, first.count):
        rest = [offer for offer in free if offer not in some]
        for chosen in _choices(others, rest, near, cells):
            yield [*((first, offer) for offer in some), *chosen]


@dataclass(frozen=True)
class Parents:
    """Of each (parent, type): how many exist, can be made, and are held by whom."""

    types: Sequence[MdevType]
    held: Mapping[str, Mapping[tuple[str, str], int]]

    def total(self, slot: tuple[str, str]) -> int:
        return sum(each.get(slot, 0) for each in self.held.values())

    def exist(self, slot: tuple[str, str]) -> int:
        return sum(len(each.instances) for each in self.types if (each.parent_address, each.type) == slot)

    def is_good(self, slot_counts: Mapping[tuple[str, str], int], guest: str) -> bool:
        """Whether `guest` may hold these, beside or in place of what it has: each parent has enough, and on none of
        them two types have to be made."""
        own = self.held.get(guest, {})
        after = {
            slot: self.total(slot) - own.get(slot, 0) + max(own.get(slot, 0), n) for slot, n in slot_counts.items()
        }
        for slot, n in slot_counts.items():
            known = next(each for each in self.types if (each.parent_address, each.type) == slot)
            # What others hold is theirs; what the guest holds already it may use again.
            others = self.total(slot) - own.get(slot, 0)
            if n and others + n > self.exist(slot) + known.available:
                return False
        slots = {*after, *(slot for each in self.held.values() for slot in each)}
        for slot, n in slot_counts.items():
            makes = n and self.total(slot) - own.get(slot, 0) + n > self.exist(slot)
            if makes and any(
                other[0] == slot[0] and other != slot and after.get(other, self.total(other)) > self.exist(other)
                for other in slots
            ):
                return False
        return True


def mdevs_can_be_given(requests: Sequence[MdevRequest], parents: Parents, guest: str) -> bool:
    return any(parents.is_good(counts, guest) for counts in _divisions(requests, parents))


def _divisions(requests: Sequence[MdevRequest], parents: Parents) -> Iterator[dict[tuple[str, str], int]]:
    if not requests:
        yield {}
        return
    first, *others = requests
    slots = [(each.parent_address, each.type) for each in parents.types if each.type == first.type]
    for counts in _sums(first.count, len(slots)):
        for rest in _divisions(others, parents):
            yield {**dict(zip(slots, counts, strict=True)), **rest}


def _sums(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 0:
        if total == 0:
            yield ()
        return
    for first in range(total + 1):
        for rest in _sums(total - first, parts - 1):
            yield (first, *rest)
