"""So many at once, and so many a second after that."""

from hypothesis import given
from hypothesis import strategies as st

from hypertally.controller.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def pace(clock: Clock) -> Pace:
    return Pace(per_second=10, at_once=3, clock=clock)


def done(of: Pace, clock: Clock, count: int) -> list[float]:
    """When each is done, in seconds from now, if each waits as it is told."""
    began, times = clock.now, []
    for _ in range(count):
        clock.now += of.wait()
        times.append(round(clock.now - began, 6))
    return times


def test_the_first_go_at_once_and_the_others_one_by_one() -> None:
    clock = Clock()
    assert done(pace(clock), clock, 6) == [0, 0, 0, 0.1, 0.2, 0.3]


def test_whoever_was_idle_may_do_as_many_at_once_again_and_no_more() -> None:
    clock = Clock()
    paced = pace(clock)
    done(paced, clock, 5)
    clock.now += 3600
    assert done(paced, clock, 5) == [0, 0, 0, 0.1, 0.2]


def test_half_the_time_earns_half_of_them() -> None:
    clock = Clock()
    paced = pace(clock)
    done(paced, clock, 3)
    clock.now += 0.2
    assert done(paced, clock, 4) == [0, 0, 0.1, 0.2]


@given(st.lists(st.floats(0, 2), max_size=60))
def test_no_more_come_in_any_time_than_its_seconds_allow(pauses: list[float]) -> None:
    clock = Clock()
    paced, times = pace(clock), []
    for pause in pauses:
        clock.now += pause
        clock.now += paced.wait()
        times.append(clock.now)
    for first in range(len(times)):
        for last in range(first, len(times)):
            assert last - first + 1 <= 3 + 10 * (times[last] - times[first]) + 1e-6
