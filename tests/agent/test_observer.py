"""A look never raises for the host, and never waits for it longer than the deadline. The faults here are made."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event

import pytest

from devcluster.waiting import wait_until
from hypertally.agent.deadline import Deadlines, TooManyHanging
from hypertally.agent.looks import Blind, Lost, Seen
from hypertally.agent.observer import Observer
from hypertally.api.compute_node import Hypervisor, ReportContent
from hypertally.hypervisor.errors import HypervisorUnavailable, IdentityUnknown, UnsupportedScheme
from hypertally.hypervisor.facts import Problem
from hypertally.hypervisor.identity import Identity
from hypertally.hypervisor.report import Audit

CONTENT = ReportContent(hypervisor=Hypervisor(type="QEMU", version="7.2.0", libvirt_version="9.0.0"))
AUDIT = Audit(Identity("u", "h"), CONTENT, (Problem("disk", "gone"),), ("odd",))
LONG, SHORT = 30.0, 0.05
"""Deadlines in seconds: of what answers, however slow the machine is, and of what never does."""


@dataclass
class FakeSession:
    host: "FakeHost"
    alive: bool = True
    closed: bool = False

    def is_alive(self) -> bool:
        return self.alive

    def audit(self, previous: ReportContent | None) -> Audit:
        self.host.previous.append(previous)
        return self.host.audit()

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeHost:
    """`audit` and `before_open` are what each test makes go wrong."""

    audit: Callable[[], Audit] = lambda: AUDIT
    before_open: Callable[[], object] = lambda: None
    sessions: list[FakeSession] = field(default_factory=list)
    previous: list[ReportContent | None] = field(default_factory=list)
    uri: str = "fake:///host"

    def open(self, wake: Callable[[], None]) -> FakeSession:
        del wake
        self.before_open()
        self.sessions.append(FakeSession(self))
        return self.sessions[-1]


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def observer(host: FakeHost) -> Observer:
    return Observer(host, Deadlines(3), LONG, lambda: None)


@pytest.fixture
def frozen() -> Iterator[Event]:
    """Set to thaw whatever hangs."""
    event = Event()
    yield event
    event.set()


def fail(error: Exception, times: int = 10**6) -> Callable[[], Audit]:
    """Raises so many times, then succeeds."""
    left = iter(range(times))

    def call() -> Audit:
        if next(left, None) is not None:
            raise error
        return AUDIT

    return call


def test_a_look_has_the_number_that_it_was_given_and_knows_what_was_before(observer: Observer, host: FakeHost) -> None:
    assert observer.look(7, CONTENT) == Seen(7, AUDIT.identity, CONTENT, ("disk: gone",))
    assert host.previous == [CONTENT]


def test_a_connection_is_kept_from_look_to_look(observer: Observer, host: FakeHost) -> None:
    observer.look(1, None)
    observer.look(2, None)
    assert len(host.sessions) == 1


def test_a_connection_that_is_dead_is_opened_again_before_the_look(observer: Observer, host: FakeHost) -> None:
    observer.look(1, None)
    host.sessions[0].alive = False
    assert isinstance(observer.look(2, None), Seen)
    assert [session.closed for session in host.sessions] == [True, False]


def test_a_connection_lost_since_the_last_look_is_no_loss_if_libvirt_answers_again(
    observer: Observer, host: FakeHost
) -> None:
    observer.look(1, None)
    host.audit = fail(HypervisorUnavailable("reset"), times=1)
    assert isinstance(observer.look(2, None), Seen)
    assert [session.closed for session in host.sessions] == [True, False]


def test_a_libvirt_that_stays_away_is_lost(observer: Observer, host: FakeHost) -> None:
    observer.look(1, None)
    host.audit = fail(HypervisorUnavailable("reset"))
    assert observer.look(2, None) == Lost(2, "ConnectionFailed", "reset")
    assert all(session.closed for session in host.sessions)


def test_a_driver_that_libvirt_does_not_have_is_lost_and_says_so(observer: Observer, host: FakeHost) -> None:
    host.before_open = fail(UnsupportedScheme("no such driver"))
    assert observer.look(1, None) == Lost(1, "UnsupportedScheme", "no such driver")


def test_an_audit_that_cannot_be_made_leaves_the_connection(observer: Observer, host: FakeHost) -> None:
    host.audit = fail(IdentityUnknown("no uuid"))
    assert observer.look(1, None) == Blind(1, "IdentityUnknown", "no uuid")
    assert not host.sessions[0].closed


def test_an_error_of_our_own_is_told_and_ends_nothing(
    observer: Observer, host: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    host.audit = fail(ZeroDivisionError("oops"), times=1)
    assert observer.look(1, None) == Blind(1, "AuditFailed", "fake:///host: ZeroDivisionError: oops")
    assert "should not" in caplog.text
    assert isinstance(observer.look(2, None), Seen)


def test_an_audit_that_hangs_is_left_and_its_connection_closed_when_it_comes_back(
    observer: Observer, host: FakeHost, frozen: Event
) -> None:
    def hang() -> Audit:
        frozen.wait(LONG)
        return AUDIT

    observer.look(1, None)
    host.audit, observer.seconds = hang, SHORT
    look = observer.look(2, None)
    assert look == Lost(2, "DeadlineExceeded", "fake:///host: audit: no answer within 0.05 s")
    host.audit, observer.seconds = (lambda: AUDIT), LONG
    assert isinstance(observer.look(3, None), Seen)
    frozen.set()
    wait_until(lambda: host.sessions[0].closed, seconds=LONG, what="the late session to be closed")
    assert not host.sessions[1].closed


def test_a_connect_that_hangs_is_left_and_closed_when_it_comes_back(
    observer: Observer, host: FakeHost, frozen: Event
) -> None:
    host.before_open, observer.seconds = (lambda: frozen.wait(LONG)), SHORT
    look = observer.look(1, None)
    assert isinstance(look, Lost)
    assert look.message == "fake:///host: connect to fake:///host: no answer within 0.05 s"
    frozen.set()
    wait_until(lambda: any(s.closed for s in host.sessions), seconds=LONG, what="the late session to be closed")


def test_so_many_hanging_calls_end_in_an_error_that_ends_the_process(
    observer: Observer, host: FakeHost, frozen: Event
) -> None:
    host.before_open, observer.seconds = (lambda: frozen.wait(LONG)), SHORT
    observer.look(1, None)
    observer.look(2, None)
    with pytest.raises(TooManyHanging, match="3 calls to libvirt hang"):
        observer.look(3, None)
