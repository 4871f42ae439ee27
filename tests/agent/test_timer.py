"""The timer is Nova's periodic task (oslo.service 4); events come on top."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.agent.backoff import Backoff, spread
from hypertally.agent.timer import AuditTimer, EventGate

NEVER_LATE: Callable[[], float] = lambda: 0.0  # noqa: E731
MOST: Callable[[], float] = lambda: 0.999999  # noqa: E731


def test_a_negative_interval_switches_the_timer_off() -> None:
    timer = AuditTimer(-1, NEVER_LATE)
    assert timer.is_off
    assert timer.due_at(5) is None
    timer.started(5)
    assert timer.due_at(500) is None


@pytest.mark.parametrize("interval", [0, 60])
def test_an_interval_of_zero_is_the_default_of_a_minute(interval: float) -> None:
    timer = AuditTimer(interval, NEVER_LATE)
    timer.started(10)
    assert timer.due_at(10) == 70


def test_the_first_run_is_due_at_once() -> None:
    assert AuditTimer(60, MOST).due_at(1234.5) == 1234.5


@pytest.mark.parametrize(("chance", "due"), [(NEVER_LATE, 250), (MOST, 252)])
def test_a_run_from_70_to_200_is_followed_by_one_at_200_and_one_at_about_250(
    chance: Callable[[], float], due: float
) -> None:
    timer = AuditTimer(60, chance)
    timer.started(70)
    assert timer.due_at(200) == 130
    timer.started(200)
    assert timer.due_at(200) == due


@pytest.mark.parametrize(("interval", "jitter"), [(19, 0), (20, 0), (40, 1), (60, 2), (600, 29)])
def test_jitter_is_whole_seconds_below_a_twentieth_of_the_interval(interval: float, jitter: float) -> None:
    timer = AuditTimer(interval, MOST)
    timer.started(0)
    timer.started(interval)
    assert timer.due_at(interval) == interval * 2 + jitter


@given(st.floats(1, 3600), st.lists(st.floats(0, 5000), min_size=1, max_size=20), st.floats(0, 0.99))
def test_however_late_a_run_is_the_next_is_due_within_an_interval_and_its_jitter(
    interval: float, delays: list[float], chance: float
) -> None:
    timer = AuditTimer(interval, lambda: chance)
    now = 0.0
    timer.started(now)
    for delay in delays:
        now = (timer.due_at(now) or now) + delay
        timer.started(now)
        due = timer.due_at(now)
        assert due is not None
        assert now < due + 1e-6 <= now + interval * 1.05 + 1e-3


class TestEvents:
    """The first at once; a storm makes one audit a second, and the last event is always seen."""

    def test_without_an_event_nothing_is_due(self) -> None:
        assert EventGate().due_at() is None

    def test_a_lone_event_is_due_at_once(self) -> None:
        gate = EventGate()
        gate.event()
        due = gate.due_at()
        assert due is not None
        assert due <= 0

    def test_events_within_a_second_wait_for_it_together(self) -> None:
        gate = EventGate()
        gate.event()
        gate.started(100.0)
        assert gate.due_at() is None
        gate.event()
        gate.event()
        assert gate.due_at() == 101.0

    def test_an_event_during_the_audit_asks_for_another(self) -> None:
        gate = EventGate()
        gate.event()
        gate.started(100.0)
        gate.event()
        gate.started(101.0)
        assert gate.due_at() is None

    def test_an_audit_of_the_timer_answers_waiting_events_and_delays_later_ones_no_longer(self) -> None:
        gate = EventGate()
        gate.started(100.0)
        gate.event()
        due = gate.due_at()
        assert due is not None
        assert due < 100.0


class TestBackoff:
    def test_each_failure_waits_twice_as_long_up_to_the_longest(self) -> None:
        backoff = Backoff(lambda: 0.5, first=1, longest=10)
        assert [backoff.delay() for _ in range(6)] == pytest.approx([1, 2, 4, 8, 10, 10])

    def test_a_success_starts_it_over(self) -> None:
        backoff = Backoff(lambda: 0.5)
        backoff.delay()
        backoff.delay()
        backoff.reset()
        assert backoff.delay() == pytest.approx(1)

    def test_no_pause_between_two_tries_is_longer_than_half_a_minute(self) -> None:
        backoff = Backoff(lambda: 1.0)
        assert max(backoff.delay() for _ in range(20)) < 30.01

    def test_what_the_server_asks_for_is_waited_at_least(self) -> None:
        assert Backoff(lambda: 0.5).delay(at_least=30) == 30

    @given(st.floats(0, 0.999))
    def test_the_spread_is_a_fifth_to_either_side(self, chance: float) -> None:
        assert 80 <= spread(100, lambda: chance) <= 120
