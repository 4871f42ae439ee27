"""Which guest cells go onto which host cells, as a matching instead of Nova's permutations.

Sets of host cells that carry all guest cells are the bases of a transversal matroid, so that the best one is found by
going through the host cells in the order of preference and keeping each that still allows a whole: no search.
"""

from collections.abc import Callable, Iterator, Sequence


def assignments(
    options: Sequence[int], places: int, may: Callable[[int], bool] = lambda _: True
) -> Iterator[tuple[int, ...]]:
    """The place of each guest cell, for each set of places that can carry all of them, the best set first.

    `options`: of each guest cell, the places that it fits on, as bits; bit 0 is the best place. No place is used twice.
    `may`: whether some of these places, or all, are good for what else the guest needs. What is good stays so with more
    places; so that where all that are left are not, nothing among them is looked for.
    """
    every = 0
    for option in options:
        every |= option
    allowed = every & (1 << places) - 1
    if may(allowed):
        yield from _extended(options, 0, 0, allowed, _match(options, allowed), may)


def crowded(options: Sequence[int]) -> tuple[int, ...]:
    """Guest cells that have fewer places among them than they are; none, if all can be placed."""
    taken: dict[int, int] = {}
    for guest in range(len(options)):
        seen = _augment(options, guest, taken)
        if seen is not None:
            # A failed search has reached guest cells that between them fill all places they could have (Hall).
            return tuple(sorted({guest, *(taken[place] for place in _bits(seen))}))
    return ()


def _extended(
    options: Sequence[int],
    chosen: int,
    place: int,
    allowed: int,
    whole: dict[int, int],
    may: Callable[[int], bool],
) -> Iterator[tuple[int, ...]]:
    """Sets of `allowed` places that have all the `chosen` ones and others only from `place` on.

    `chosen` can all be used at once, and `whole` is a largest matching on the allowed places.
    """
    if len(whole) < len(options):
        return
    if chosen.bit_count() == len(options):
        if not may(chosen):
            return
        by_guest = {guest: there for there, guest in _match(options, chosen).items()}
        yield tuple(by_guest[guest] for guest in range(len(options)))
        return
    bit = 1 << place
    if _can_all_be_used(options, chosen | bit, whole):
        yield from _extended(options, chosen | bit, place + 1, allowed, whole, may)
    rest = allowed & ~bit
    if rest == allowed or may(rest):
        yield from _extended(options, chosen, place + 1, rest, _match(options, rest) if place in whole else whole, may)


def _can_all_be_used(options: Sequence[int], places: int, whole: dict[int, int]) -> bool:
    used = sum(1 << place for place in whole)
    return not places & ~used or len(_match(options, places)) == places.bit_count()


def _match(options: Sequence[int], allowed: int) -> dict[int, int]:
    """A largest matching on the `allowed` places: guest cell by place."""
    usable = [option & allowed for option in options]
    taken: dict[int, int] = {}
    for guest in range(len(usable)):
        _augment(usable, guest, taken)
    return taken


def _augment(options: Sequence[int], guest: int, taken: dict[int, int]) -> int | None:
    """Finds a place for `guest`, moving others where needed. None if it did, else all places that it looked at."""
    came_from: dict[int, int] = {}
    queue, seen = [guest], 0
    for mover in queue:
        for place in _bits(options[mover] & ~seen):
            came_from[place] = mover
            seen |= 1 << place
            if place not in taken:
                _move(place, came_from, taken, guest)
                return None
            queue.append(taken[place])
    return seen


def _move(place: int, came_from: dict[int, int], taken: dict[int, int], guest: int) -> None:
    was = {mover: there for there, mover in taken.items()}
    while True:
        mover = came_from[place]
        taken[place] = mover
        if mover == guest:
            return
        place = was[mover]


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
