"""The agent as a whole, without a cluster: what ends it, and with which code."""

import json
import logging
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest

from hypertally.agent.complaints import Complaint
from hypertally.agent.deadline import TooManyHanging
from hypertally.agent.identities import DuplicateHost, Identities
from hypertally.agent.lease import unique_holder
from hypertally.agent.main import stop_on_signals
from hypertally.agent.options import parse
from hypertally.agent.program import EXIT_HANGING, Agent

from .conftest import STOP_SECONDS


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """Its API server refuses every connection."""
    path = tmp_path / "config"
    contexts, clusters = (
        [{"name": "c", "context": {"cluster": "c"}}],
        [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
    )
    path.write_text(json.dumps({"current-context": "c", "contexts": contexts, "clusters": clusters}))
    return Agent(
        parse(["--connection=test:///default", "--node-name=n1", f"--kubeconfig={path}", "--listen=127.0.0.1:0"], {})
    )


def raise_(error: Exception) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


def test_asked_to_end_it_ends_with_0(agent: Agent) -> None:
    Timer(0.1, agent.stop).start()
    assert agent.run() == 0


@pytest.fixture
def handlers() -> Iterator[None]:
    """Those of the test runner are put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.timeout(2 * STOP_SECONDS)
def test_a_signal_that_interrupts_who_holds_the_lock_ends_it_all_the_same(agent: Agent, number: signal.Signals) -> None:
    stop_on_signals(agent)
    with agent._stopping._cond:  # type: ignore[attr-defined]  # the very lock that set() takes
        signal.raise_signal(number)
    began = time.monotonic()
    assert agent.run() == 0
    assert time.monotonic() - began < STOP_SECONDS


@pytest.mark.parametrize("error", [TooManyHanging("16 calls to libvirt hang"), ZeroDivisionError("a mistake")])
def test_what_a_new_process_could_mend_ends_it_with_an_exit_code(
    agent: Agent, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(agent._loops[0], "run", raise_(error))
    assert agent.run() == EXIT_HANGING
    assert "ending, so that a new process can start over" in caplog.text


def test_a_holder_is_never_the_same_and_fits_the_claims_that_repeat_it() -> None:
    holders = {unique_holder("n" * 253) for _ in range(100)}
    assert len(holders) == 100
    assert max(map(len, holders)) == 128


class TestComplaints:
    def complaint(self, caplog: pytest.LogCaptureFixture) -> Complaint:
        caplog.set_level("INFO")
        self.now = 0.0
        return Complaint(logging.getLogger("x"), lambda: self.now)

    def test_a_trouble_that_lasts_is_told_once_and_again_after_five_minutes(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        complaint = self.complaint(caplog)
        for self.now in (0, 1, 299, 300, 301):
            complaint.say("refused")
        assert caplog.messages == ["refused", "refused"]

    def test_a_change_and_the_end_are_told_at_once(self, caplog: pytest.LogCaptureFixture) -> None:
        complaint = self.complaint(caplog)
        complaint.over("well")
        complaint.say("refused")
        complaint.say("hangs")
        complaint.over("well")
        complaint.over("well")
        assert caplog.messages == ["refused", "hangs", "well"]


class TestIdentities:
    """The first of two connections to one host wins, whichever connected first."""

    def test_the_later_one_is_refused_with_both_names(self) -> None:
        identities = Identities(lambda: 0.0)
        identities.looked(1, "b (n1--b)", "u")
        identities.looked(0, "a (n1)", "u")
        identities.check(0)
        with pytest.raises(DuplicateHost, match=r"connections a \(n1\) and b \(n1--b\) lead to one host \(u\)"):
            identities.check(1)

    def test_two_hosts_are_two_hosts_and_unknown_ones_are_no_duplicates(self) -> None:
        identities = Identities(lambda: 0.0)
        identities.looked(0, "a", "u")
        identities.looked(1, "b", "v")
        identities.looked(2, "c", None)
        identities.looked(3, "d", None)
        for rank in range(4):
            identities.check(rank)

    def test_a_look_that_failed_forgets_nothing(self) -> None:
        identities = Identities(lambda: 0.0)
        identities.looked(0, "a", "u")
        identities.looked(0, "a", None)
        identities.looked(1, "b", "u")
        with pytest.raises(DuplicateHost):
            identities.check(1)

    def test_later_ones_wait_for_the_first_looks_of_earlier_ones_but_not_for_ever(self) -> None:
        now = [0.0]
        identities = Identities(lambda: now[0])
        assert not identities.must_wait(0)
        assert identities.must_wait(1)
        now[0] = 5.0
        assert not identities.must_wait(1)
        now[0] = 0.0
        identities.looked(0, "a", None)
        assert not identities.must_wait(1)
