"""Which PCI devices a guest gets for its requests, all or nothing.

A device goes to one request, and a physical function never together with one of its virtual ones. Devices that the
guest holds already in another role come first, then near ones, then those of the card that has most left, so that
virtual functions are spread over the cards. Differs from Nova: found wherever there is any way to serve all requests,
since a later request moves an earlier one on to other devices.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from hypertally.api.inventory import NumaCell, PciDevice, PciPool
from hypertally.api.placement import HeldDevice, PciRequest

from .numa_fit import Misfit
from .pci_free import DevicesFree, Usable
from .pci_match import Crowd, divide
from .pci_rules import Nearness, Rank, matches, only_on_demand
from .shortage import Shortage

TRIES_MAX = 1000
"""How often it is tried to use a card as a whole or by its virtual functions before a guest that asks for both is
refused, over all sets of cells. Like cards count as one; only a host of many cards that all differ comes near it."""


def fit_devices(
    requests: Sequence[PciRequest],
    pools: Sequence[PciPool],
    held: DevicesFree,
    *,
    owner: str = "",
    near: Collection[int] | None = None,
    cells: Sequence[NumaCell] = (),
) -> tuple[HeldDevice, ...] | Misfit:
    """In the order of the requests.

    `held`: what is left by all others and who holds it. `owner`: the guest, whose own devices it may be given again.
    `near`: the host cells that it is on, None if it floats; `cells` tell of their sockets and distances.
    """
    return DeviceTable(requests, pools, held, owner=owner, cells=cells).fit(near)


@dataclass(frozen=True)
class _Group:
    """Devices that are all the same to every request."""

    pool: int
    card: str
    """The physical function that shuts out, or is shut out by, virtual ones; empty where there are none."""
    physical: bool
    own: bool
    addresses: tuple[str, ...]


_Dead = dict[frozenset[tuple[object, int]], Crowd]
"""Which kinds of cards were closed how often, where that is known to lead nowhere."""


class DeviceTable:
    """Requests of one guest against the pools of a host; to be asked for several sets of cells."""

    def __init__(
        self,
        requests: Sequence[PciRequest],
        pools: Iterable[PciPool],
        held: DevicesFree,
        *,
        owner: str = "",
        cells: Sequence[NumaCell] = (),
    ) -> None:
        self._requests = tuple(requests)
        self._cells = cells
        self._tries = 0
        self._pools = sorted(pools, key=_order)
        self._usable = Usable(self._pools, held.holders, held.divided, owner)
        self._groups = _groups(self._pools, self._usable, {a for a, owners in held.holders.items() if owner in owners})
        self._on_cards: dict[str, list[int]] = defaultdict(list)
        for number, group in enumerate(self._groups):
            if group.card:
                self._on_cards[group.card].append(number)
        self._may = [[self._may_take(request, pool) for pool in self._pools] for request in self._requests]

    def sources(self) -> frozenset[int]:
        """Cells that devices for these requests can come from."""
        pools = {group.pool for group in self._groups if any(may[group.pool] for may in self._may)}
        return frozenset(cell for pool in pools if (cell := self._pools[pool].numa_cell) is not None)

    def fit(self, near: Collection[int] | None) -> tuple[HeldDevice, ...] | Misfit:
        nearness = Nearness.to(near, self._cells)
        ranks = [self._ranks(number, nearness) for number in range(len(self._requests))]
        found = self._divided(ranks, frozenset(), (), {})
        return self._misfit(found, nearness) if isinstance(found, Crowd) else self._held(found)

    @staticmethod
    def _may_take(request: PciRequest, pool: PciPool) -> bool:
        return matches(request, pool) and not only_on_demand(request, pool)

    def _ranks(self, number: int, nearness: Nearness) -> dict[int, Rank]:
        """By group that the request may use."""
        policy, may = self._requests[number].numa_policy, self._may[number]
        by_pool = {
            index: rank
            for index, pool in enumerate(self._pools)
            if may[index] and (rank := nearness.rank(policy, pool.numa_cell)) is not None
        }
        return {index: by_pool[group.pool] for index, group in enumerate(self._groups) if group.pool in by_pool}

    def _divided(
        self,
        ranks: Sequence[dict[int, Rank]],
        closed: frozenset[int],
        decided: tuple[tuple[object, bool], ...],
        dead: _Dead,
    ) -> list[dict[int, int]] | Crowd:
        """Devices of groups that are not `closed`; `decided` are the kinds of the cards that were closed in part."""
        state = frozenset(Counter(decided).items())
        if state in dead:
            return dead[state]
        found = divide(
            [request.count for request in self._requests],
            [list(rank) for rank in ranks],
            [0 if number in closed else len(group.addresses) for number, group in enumerate(self._groups)],
            lambda request, group, left: (not self._groups[group].own, *ranks[request][group], -left),
        )
        if isinstance(found, Crowd) or (card := self._torn(found)) is None:
            return found
        kind, crowds = self._kind(card, ranks), []
        for physical in (False, True):
            side = {number for number in self._on_cards[card] if self._groups[number].physical is physical}
            if self._tries < TRIES_MAX:
                self._tries += 1
                again = self._divided(ranks, closed | side, (*decided, (kind, physical)), dead)
                if not isinstance(again, Crowd):
                    return again
                crowds.append(again)
        dead[state] = min(crowds, key=lambda crowd: crowd.asked - crowd.free, default=self._given_up())
        return dead[state]

    def _given_up(self) -> Crowd:
        asked = sum(request.count for request in self._requests)
        return Crowd(tuple(range(len(self._requests))), asked, asked - 1)

    def _torn(self, taken: Sequence[dict[int, int]]) -> str | None:
        """A card whose physical function was given together with virtual ones."""
        used: dict[str, set[bool]] = defaultdict(set)
        for group in (self._groups[number] for by_group in taken for number, count in by_group.items() if count):
            used[group.card].add(group.physical)
        return min((card for card, kinds in used.items() if card and len(kinds) > 1), default=None)

    def _kind(self, card: str, ranks: Sequence[dict[int, Rank]]) -> object:
        """What cards have in common that are of equal use."""
        groups = ((number, self._groups[number]) for number in self._on_cards[card])
        return tuple(
            sorted(
                (group.physical, len(group.addresses), tuple(number in rank for rank in ranks))
                for number, group in groups
            )
        )

    def _held(self, taken: Sequence[dict[int, int]]) -> tuple[HeldDevice, ...]:
        left = [iter(group.addresses) for group in self._groups]
        return tuple(
            HeldDevice(request=request.name, address=address)
            for request, by_group in zip(self._requests, taken, strict=True)
            for address in sorted(next(left[number]) for number, count in by_group.items() for _ in range(count))
        )

    def _misfit(self, crowd: Crowd, nearness: Nearness) -> Misfit:
        if len(crowd.requests) > 1:
            names = " and ".join(self._requests[number].name for number in crowd.requests)
            return Misfit((Shortage(f"PCI devices for {names} together", crowd.asked, crowd.free),))
        request = self._requests[crowd.requests[0]]
        there, lost = self._lost(request, nearness)
        if own := there - sum(lost.values()) - crowd.free:
            lost["shut out by what else the guest asks for"] = own
        why = ", ".join(f"{count} {what}" for what, count in lost.items())
        what = f"PCI devices for {request.name}, of {there} that match" + (f" ({why})" if why else "")
        return Misfit((Shortage(what, crowd.asked, crowd.free),))

    def _lost(self, request: PciRequest, nearness: Nearness) -> tuple[int, dict[str, int]]:
        """How many devices match, and how many of them each filter took away."""
        there, lost = 0, Counter[str]()
        for pool in (pool for pool in self._pools if matches(request, pool)):
            there += len(pool.devices)
            if why := _refused(request, pool, nearness):
                lost[why] += len(pool.devices)
                continue
            lost.update(filter(None, (self._out_of_use(device) for device in pool.devices)))
        return there, dict(sorted(lost.items()))

    def _out_of_use(self, device: PciDevice) -> str:
        if device.missing:
            return "gone from the host"
        if self._usable.is_held(device):
            return "held"
        return "shut out by their physical or virtual functions" if self._usable.is_shut_out(device) else ""


def _refused(request: PciRequest, pool: PciPool, nearness: Nearness) -> str:
    if nearness.rank(request.numa_policy, pool.numa_cell) is None:
        ids = ", ".join(str(id_) for id_ in sorted(nearness.ids or ()))
        return f"not near NUMA cell {ids} by policy {request.numa_policy}"
    return only_on_demand(request, pool)


def _order(pool: PciPool) -> tuple[object, ...]:
    cell = -1 if pool.numa_cell is None else pool.numa_cell
    first = min((device.address for device in pool.devices), default="")
    return (pool.vendor_id, pool.product_id, pool.type, cell, sorted(pool.tags.items()), first)


def _groups(pools: Sequence[PciPool], usable: Usable, own: Collection[str]) -> list[_Group]:
    """A device that is in two pools is the first one's."""
    there: dict[str, tuple[int, PciDevice]] = {}
    for number, pool in enumerate(pools):
        for device in pool.devices:
            if usable.is_usable(device):
                there.setdefault(device.address, (number, device))
    parents = {device.parent_address for _, device in there.values()}
    found: dict[tuple[int, str, bool, bool], list[str]] = defaultdict(list)
    for address, (number, device) in there.items():
        physical = address in parents
        found[number, address if physical else device.parent_address, physical, address in own].append(address)
    return [_Group(*key, addresses=tuple(sorted(found[key]))) for key in sorted(found)]
