"""Breadth first through all states, so that the trace to what does not hold is the shortest."""

from collections import deque
from collections.abc import Callable

from tests.ledger.reference_search import Search
from tests.ledger.reference_world import State

Check = Callable[[State, str, State], str | None]


class Broken(AssertionError):
    """The shortest way to a state where something does not hold."""


def explore(search: Search, start: State, on_states: list[Check], on_steps: list[Check], limit: int) -> int:
    """How many states there are; each check held in each state, or on each step. Broken, with the trace, otherwise."""
    parents: dict[State, tuple[State, str] | None] = {start: None}
    queue = deque([start])
    while queue:
        s = queue.popleft()
        for label, t in search.successors(s):
            checks = on_steps
            if t not in parents:
                parents[t] = (s, label)
                queue.append(t)
                checks = on_steps + on_states
            for check in checks:
                if text := check(s, label, t):
                    raise Broken("\n  ".join([text, *trace(parents, s), label, str(t[:10])]))
        if len(parents) > limit:
            raise Broken(f"more than {limit} states: the bounds are too wide")
    return len(parents)


def trace(parents: dict[State, tuple[State, str] | None], s: State) -> list[str]:
    labels = []
    while (parent := parents[s]) is not None:
        s, label = parent
        labels.append(label)
    return labels[::-1]
