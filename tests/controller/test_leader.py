"""Two real programs that stand for one Lease: who works, and what a kill, a pause, an outage and a clean end do."""

import logging
import re
import signal
import subprocess  # noqa: TC003  # a dataclass's field
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import urllib3

from devcluster import wait_until
from devcluster.ports import free_ports
from hypertally.api.names import LEADER_LEASE
from hypertally.controller.election import Terms
from hypertally.controller.main import EXIT_LOST
from tests.conftest import running_cluster
from tests.controller.conftest import DEPLOY
from tests.support.fleet import Fleet, Host, controller
from tests.support.history import Recorder
from tests.support.samples import Object

log = logging.getLogger(__name__)

TERMS = Terms()
LONGEST_RETRY = 1.2 * TERMS.retry
ROOM = 20
"""Guests that fit onto a host."""
SLACK = 10.0
"""Seconds that a loaded machine may take on top."""
SECONDS = TERMS.duration + 2 * LONGEST_RETRY + TERMS.attempt + SLACK


@dataclass(frozen=True)
class Replica:
    """One program, and what it says of itself."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def leads(self) -> bool:
        return "hypertally_controller_leader 1.0" in self.ask("/metrics")

    def stands_by(self) -> bool:
        """It has lists of everything, and has looked at nothing."""
        said = self.ask("/metrics")
        worked = "hypertally_controller_reconcile_duration_seconds_count" in said
        idle = "hypertally_controller_queue_length 0.0" in said and not worked
        return "hypertally_controller_leader 0.0" in said and self.is_ready() and idle

    def is_ready(self) -> bool:
        return self.ask("/readyz") != ""

    def looks(self) -> int:
        """How often it has looked at an object, and written what followed."""
        return int(
            sum(float(n) for n in re.findall(r"_reconcile_duration_seconds_count{.*} (.*)", self.ask("/metrics")))
        )

    def ask(self, path: str) -> str:
        """Nothing, if it is not there, or not well."""
        try:
            found = urllib3.request("GET", f"http://127.0.0.1:{self.port}{path}", timeout=SLACK, retries=False)
        except urllib3.exceptions.HTTPError:
            return ""
        return found.data.decode() if found.status == 200 else ""

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ends(self) -> int:
        return self.process.wait(SECONDS)


@pytest.fixture(scope="module")
def leaders() -> Iterator[Fleet]:
    """An API server whose controllers the tests start, under the rights and policies of a real one."""
    with running_cluster("leaders") as cluster:
        cluster.apply(DEPLOY)
        yield Fleet(cluster)


@contextmanager
def _replica(fleet: Fleet, log_: Path) -> Iterator[Replica]:
    (port,) = free_ports(1)
    flags = ("--leader-elect", "true", "--listen", f"127.0.0.1:{port}")
    with controller(fleet.cluster.kubeconfig_for("controller"), log_, *flags) as process:
        yield Replica(process, port, log_)
        process.send_signal(signal.SIGCONT)
    assert "Traceback" not in log_.read_text(), log_.read_text()


def _until(holds: Callable[[], bool], what: str) -> float:
    """Seconds until then."""
    began = time.monotonic()
    wait_until(holds, seconds=SECONDS, what=what)
    return time.monotonic() - began


@pytest.fixture
def pair(leaders: Fleet, tmp_path: Path) -> Iterator[tuple[Replica, Replica]]:
    """The one that leads, and the other."""
    with ExitStack() as stack:
        first = stack.enter_context(_replica(leaders, tmp_path / "first"))
        _until(first.leads, "the first to lead")
        second = stack.enter_context(_replica(leaders, tmp_path / "second"))
        _until(second.stands_by, "the second to stand by")
        yield first, second


def test_one_works_and_the_other_stands_by_ready(leaders: Fleet, pair: tuple[Replica, Replica]) -> None:
    first, second = pair
    host = leaders.host()
    leaders.wait_for_home(leaders.instance(host.name), host.name)
    assert first.is_ready()
    assert second.stands_by()


def test_a_clean_end_hands_over_at_once(leaders: Fleet, pair: tuple[Replica, Replica]) -> None:
    first, second = pair
    host = leaders.host()
    first.signal(signal.SIGTERM)
    waited = _until(second.leads, "the second to lead")
    log.info("after a clean end: %.1f s", waited)
    assert first.ends() == 0
    assert waited < LONGEST_RETRY + SLACK < TERMS.duration
    leaders.wait_for_home(leaders.instance(host.name), host.name)


def test_after_a_kill_the_other_leads_once_the_lease_has_run_out(leaders: Fleet, pair: tuple[Replica, Replica]) -> None:
    first, second = pair
    host = leaders.host()
    first.signal(signal.SIGKILL)
    waiting = leaders.instance(host.name)
    waited = _until(second.leads, "the second to lead")
    log.info("after a kill: %.1f s", waited)
    assert waited < TERMS.duration + 2 * LONGEST_RETRY + SLACK
    leaders.wait_for_home(waiting, host.name)


@contextmanager
def _every_ledger_checked(fleet: Fleet, host: Host, folder: Path) -> Iterator[None]:
    with Recorder(fleet.cluster, folder / "kubectl") as recorder:
        yield
        nodes = [state.objects.get(("computenodes", host.name), {}) for state in recorder.states()]
    _assert_counted_on([node.get("status", {}).get("ledger", {}) for node in nodes])


def test_a_paused_leader_that_wakes_up_holds_nothing_twice_and_steps_down(
    leaders: Fleet, pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    first, second = pair
    host = leaders.host(memoryMiB=512 + ROOM * 1024, vcpus=100)
    with _every_ledger_checked(leaders, host, tmp_path):
        names = [leaders.instance(host.name) for _ in range(ROOM // 2)]
        first.signal(signal.SIGSTOP)  # in the middle of these
        names += [leaders.instance(host.name) for _ in range(5)]
        log.info("after a pause: %.1f s", _until(second.leads, "the second to lead"))
        names += [leaders.instance(host.name) for _ in range(ROOM)]
        first.signal(signal.SIGCONT)  # in the middle of those
        assert first.ends() == EXIT_LOST
        leaders.wait_for_last_words(names, ROOM)
    assert second.leads()
    assert "it no longer leads, and ends" in first.log.read_text()


def test_two_that_both_work_because_both_believe_to_lead_hold_nothing_twice(
    leaders: Fleet, pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    """The Lease is taken away while the leader sleeps, so shortly that it has no reason to doubt when it wakes up."""
    first, second = pair
    host = leaders.host(memoryMiB=512 + ROOM * 1024, vcpus=100)
    with _every_ledger_checked(leaders, host, tmp_path):
        before = first.looks()
        _wait_for_a_renewal(leaders)  # from now on it has no doubt for 10 s
        first.signal(signal.SIGSTOP)
        _take_the_lease_away(leaders)
        _until(second.leads, "the second to lead")
        names = [leaders.instance(host.name) for _ in range(ROOM)]
        first.signal(signal.SIGCONT)
        names += [leaders.instance(host.name) for _ in range(ROOM // 2)]
        after = before
        while first.process.poll() is None:
            after = max(after, first.looks())
        assert first.ends() == EXIT_LOST
        leaders.wait_for_last_words(names, ROOM)
    assert after > before, "it did nothing between its waking up and its end"
    assert second.leads()


def _wait_for_a_renewal(fleet: Fleet) -> None:
    before = fleet.leases.get(LEADER_LEASE)["spec"]["renewTime"]
    _until(lambda: fleet.leases.get(LEADER_LEASE)["spec"]["renewTime"] != before, "the leader to renew")


def _take_the_lease_away(fleet: Fleet) -> None:
    fleet.leases.merge(LEADER_LEASE, {"spec": {"holderIdentity": ""}}).check()


def _assert_counted_on(ledgers: list[Object]) -> None:
    """Each version of the ledger follows from the one before, and holds no more than there is."""
    for before, after in pairwise(ledgers):
        if before and before != after:
            assert after["generation"] == before.get("generation", 0) + 1
    for ledger in filter(None, ledgers):
        assert len({claim["uuid"] for claim in ledger["claims"]}) == len(ledger["claims"]) <= ROOM
        assert ledger["free"]["memoryMiB"] >= 0


def test_an_outage_longer_than_the_lease_leaves_one_leader_and_every_claim(
    leaders: Fleet, pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    first, second = pair
    host = leaders.host()
    name = leaders.instance(host.name)
    leaders.wait_for_reason(name, "Claimed")
    before = host.claims()
    leaders.cluster.apiserver.kill()
    killed = time.monotonic()
    assert first.ends() == EXIT_LOST
    log.info("the leader ended %.1f s after the API server", time.monotonic() - killed)
    with _replica(leaders, tmp_path / "first again") as again:
        time.sleep(max(0.0, killed + TERMS.duration + LONGEST_RETRY - time.monotonic()))  # the length of the outage
        assert not second.leads()
        leaders.cluster.apiserver.start()
        waited = _until(lambda: second.leads() or again.leads(), "one to lead")
        log.info("after an outage: %.1f s", waited)
        leaders.wait_for_home(leaders.instance(host.name), host.name)
        assert [second.leads(), again.leads()].count(True) == 1
    assert set(before) < set(host.claims())
