"""How two ways to do a thing are timed against each other."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

WARM_UP = 2


def alternate(
    ours: Callable[[], object],
    floor: Callable[[], object],
    rounds: int = 25,
    clock: Callable[[], float] = perf_counter,
) -> tuple[float, float]:
    """Median seconds of each. They take turns, and turns at being first, so that a busy machine troubles both alike.

    With `process_time` for a clock, what only reckons is not charged for the time that others had the machine.
    """
    seconds: dict[Callable[[], object], list[float]] = {ours: [], floor: []}
    for number in range(WARM_UP + rounds):
        for way in (ours, floor) if number % 2 else (floor, ours):
            begun = clock()
            way()
            if number >= WARM_UP:
                seconds[way].append(clock() - begun)
    return median(seconds[ours]), median(seconds[floor])
