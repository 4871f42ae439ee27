"""At which parents a guest gets its mediated devices, all or nothing.

Parents where it has devices of the type already come first, then those where such devices exist, so that other parents
stay open for other types; then those that have most left. A parent at which devices of one type must be made is closed
to the other types of the same guest, as to those of others.
"""

from collections.abc import Iterable, Iterator, Sequence

from hypertally.api.inventory import MdevType
from hypertally.api.placement import HeldMdev, MdevRequest

from .admission import Shortage
from .mdev_free import Left, MdevBooks
from .numa_fit import Misfit
from .numa_free import Holding


def fit_mdevs(
    requests: Sequence[MdevRequest], types: Sequence[MdevType], holdings: Iterable[Holding], *, owner: str = ""
) -> tuple[HeldMdev, ...] | Misfit:
    """In the order of the requests, then of parents. `owner`: the guest, which may share what it holds itself."""
    if not requests:
        return ()
    return _Table(requests, MdevBooks(types, holdings), owner).fit()


class _Table:
    """Types that are asked for against parents, these in the order of addresses."""

    def __init__(self, requests: Sequence[MdevRequest], books: MdevBooks, owner: str) -> None:
        self._needs = _needs(requests)
        self._types = list(self._needs)
        self._books, self._owner = books, owner
        self._parents = sorted({parent for parent, type_ in books.types if type_ in self._needs})
        self._left = {slot: books.left(slot, owner) for slot in books.types if slot[1] in self._needs}

    def fit(self) -> tuple[HeldMdev, ...] | Misfit:
        makers = self._makers()
        if makers is None:
            return self._misfit()
        return tuple(held for type_, need in self._needs.items() for held in self._taken(type_, need, makers))

    def _makers(self) -> dict[str, str] | None:
        """By parent: the one type of which devices may be made there. None if no choice suffices for all requests.

        What is still missing after each parent is all that matters of the choices before it, so that there are few
        states whatever the number of parents.
        """
        missing = tuple(max(0, need - self._existing(type_)) for type_, need in self._needs.items())
        states: dict[tuple[int, ...], dict[str, str]] = {missing: {}}
        for parent in self._parents:
            for state, makers in list(states.items()):
                for number, type_ in enumerate(self._types):
                    makes = self._makes(parent, type_)
                    if makes and state[number]:
                        after = (*state[:number], max(0, state[number] - makes), *state[number + 1 :])
                        states.setdefault(after, {**makers, parent: type_})
            states = _undominated(states)
        return states.get((0,) * len(self._types))

    def _existing(self, type_: str) -> int:
        return sum(max(0, self._at(parent, type_).existing) for parent in self._parents)

    def _makes(self, parent: str, type_: str) -> int:
        left = self._at(parent, type_)
        return max(0, left.in_all) - max(0, left.existing)

    def _at(self, parent: str, type_: str) -> Left:
        return self._left.get((parent, type_), Left(0, 0))

    def _taken(self, type_: str, need: int, makers: dict[str, str]) -> list[HeldMdev]:
        found = []
        for parent in sorted(self._parents, key=lambda parent: self._preference(parent, type_)):
            left = self._at(parent, type_)
            # With only one type to choose for, no parent has to be kept for another.
            there = left.in_all if len(self._types) == 1 or makers.get(parent) == type_ else left.existing
            if (count := min(need, there)) > 0:
                found.append(HeldMdev(type=type_, parent_address=parent, count=count))
                need -= count
        return sorted(found, key=lambda held: held.parent_address)

    def _preference(self, parent: str, type_: str) -> tuple[bool, bool, int, str]:
        slot = (parent, type_)
        own = self._books.by_owner.get(self._owner, {}).get(slot, 0)
        known = self._books.types.get(slot)
        return (not own, not (known and known.instances), -self._at(parent, type_).in_all, parent)

    def _misfit(self) -> Misfit:
        short = tuple(self._shortages())
        if short:
            return Misfit(short)
        asked = sum(self._needs.values())
        names = " and ".join(self._types)
        return Misfit((Shortage(f"mediated devices {names} together, each at parents of its own", asked, asked - 1),))

    def _shortages(self) -> Iterator[Shortage]:
        for type_, need in self._needs.items():
            free = sum(max(0, self._at(parent, type_).in_all) for parent in self._parents)
            if need > free:
                parents = sum((parent, type_) in self._left for parent in self._parents)
                yield Shortage(f"mediated devices {type_}, of {parents} parents that offer it", need, free)


def _needs(requests: Iterable[MdevRequest]) -> dict[str, int]:
    """Two requests for one type are one."""
    needs: dict[str, int] = {}
    for request in requests:
        needs[request.type] = needs.get(request.type, 0) + request.count
    return needs


def _undominated(states: dict[tuple[int, ...], dict[str, str]]) -> dict[tuple[int, ...], dict[str, str]]:
    """Without those that miss at least as much of everything as another."""
    best: dict[tuple[int, ...], dict[str, str]] = {}
    for state in sorted(states, key=sum):
        if not any(all(a <= b for a, b in zip(other, state, strict=True)) for other in best):
            best[state] = states[state]
    return best
