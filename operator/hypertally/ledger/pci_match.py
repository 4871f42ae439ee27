"""How many devices of which group each request gets, so that all get what they ask for.

Requests compete for the same devices: whoever serves them one after another refuses guests that there is room for. Here
a later one moves an earlier one on to other devices where it can: a flow, and no search.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Crowd:
    """Requests that find fewer devices between them than they ask for."""

    requests: tuple[int, ...]
    asked: int
    free: int


@dataclass(frozen=True)
class _Flow:
    options: Sequence[Sequence[int]]
    left: list[int]
    """By group: how many devices nobody has taken yet."""
    taken: list[dict[int, int]]
    """By request: how many it takes of each group."""

    def take(self, request: int, group: int, count: int = 1) -> None:
        self.left[group] -= count
        self.taken[request][group] = self.taken[request].get(group, 0) + count


def divide(
    needs: Sequence[int],
    options: Sequence[Sequence[int]],
    room: Sequence[int],
    preference: Callable[[int, int, int], tuple[int, ...]],
) -> list[dict[int, int]] | Crowd:
    """By request: how many devices it takes of which group.

    `options`: the groups that each request may use. `room`: how many devices each group has. `preference` of a request
    for a group that has so many left: the smallest first.
    """
    flow = _Flow(options, list(room), [{} for _ in needs])
    for request, need in enumerate(needs):
        for _ in range(need):
            there = [
                (preference(request, group, left), group) for group in options[request] if (left := flow.left[group])
            ]
            if there:
                flow.take(request, min(there)[1])
            elif stuck := _make_room(flow, request):
                return _crowd(stuck, needs, options, room)
    return flow.taken


def _make_room(flow: _Flow, request: int) -> Sequence[int]:
    """One more device for `request`, others moving on. Nobody if that was done, else all that are in the way."""
    left_by: dict[int, tuple[int, int]] = {}
    """By request: the group that it would leave, and for which request."""
    seen: set[int] = set()
    queue = [request]
    for mover in queue:
        for group in flow.options[mover]:
            if group in seen:
                continue
            seen.add(group)
            if flow.left[group]:
                _move_on(flow, mover, group, left_by)
                return ()
            for other, taken in enumerate(flow.taken):
                if taken.get(group) and other != request and other not in left_by:
                    left_by[other] = (group, mover)
                    queue.append(other)
    return queue


def _move_on(flow: _Flow, mover: int, group: int, left_by: Mapping[int, tuple[int, int]]) -> None:
    flow.take(mover, group)
    while mover in left_by:
        group, after = left_by[mover]
        flow.take(mover, group, -1)
        flow.take(after, group)
        mover = after


def _crowd(
    requests: Sequence[int], needs: Sequence[int], options: Sequence[Sequence[int]], room: Sequence[int]
) -> Crowd:
    groups = {group for request in requests for group in options[request]}
    asked, free = sum(needs[request] for request in requests), sum(room[group] for group in groups)
    return Crowd(tuple(sorted(requests)), asked, free)
