"""A call that hangs is left behind; everything else goes on."""

from collections.abc import Iterator
from threading import Event

import pytest

from hypertally.agent.deadline import DeadlineExceeded, Deadlines, TooManyHanging

LONG = 30.0
"""Seconds, for what comes at once on a machine that does nothing else."""


@pytest.fixture
def frozen() -> Iterator[Event]:
    """Set to thaw whatever hangs."""
    event = Event()
    yield event
    event.set()


def hang(deadlines: Deadlines, frozen: Event) -> None:
    with pytest.raises(DeadlineExceeded, match=r"audit: no answer within 0.01 s"):
        deadlines.call("audit", lambda: frozen.wait(LONG), 0.01)


def test_what_the_call_returns_is_returned() -> None:
    assert Deadlines(2).call("x", lambda: 42, LONG) == 42


def test_what_the_call_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        Deadlines(2).call("x", lambda: 1 / 0, LONG)


def test_a_call_that_hangs_is_left_and_the_next_one_answers(frozen: Event) -> None:
    deadlines = Deadlines(3)
    hang(deadlines, frozen)
    assert deadlines.hanging == 1
    assert deadlines.call("x", lambda: "well", LONG) == "well"


def test_what_comes_too_late_is_put_away(frozen: Event) -> None:
    deadlines, put_away = Deadlines(3), Event()
    got: list[object] = []

    def late(result: object) -> None:
        got.append(result)
        put_away.set()

    with pytest.raises(DeadlineExceeded):
        deadlines.call("open", lambda: frozen.wait(LONG) and "connection", 0.01, late)
    frozen.set()
    assert put_away.wait(LONG)
    assert got == ["connection"]
    assert deadlines.hanging == 0


def test_too_many_hanging_calls_are_told_apart(frozen: Event) -> None:
    deadlines = Deadlines(2)
    hang(deadlines, frozen)
    with pytest.raises(TooManyHanging, match="2 calls to libvirt hang, audit the last of them"):
        deadlines.call("audit", lambda: frozen.wait(LONG), 0.01)
