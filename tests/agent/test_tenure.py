"""One agent for one Kubernetes node: who holds its Lease, on a real API server."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devcluster import Cluster
from hypertally.agent.lease import LeaseKeeper, is_in_seat, unique_holder
from hypertally.agent.shared import Shared
from hypertally.agent.tenure import Tenure, seat
from hypertally.api.compute_node import AuditMark, LeasedAudit
from hypertally.api.names import AGENT_MANAGER
from hypertally.controller.agents import read_lease
from hypertally.kube.access import find_access
from hypertally.kube.client import KubeClient
from hypertally.kube.kinds import LEASE, Ref
from tests.agent.conftest import NAMESPACE, STOP_SECONDS, StartAgent, Watched

HERE, ELSEWHERE = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
LASTS = 40.0


@dataclass
class Keeper:
    """One agent's, its clock in the test's hand."""

    client: KubeClient
    name: str
    seat: str
    now: float = 0.0
    tenure: Tenure = field(default_factory=Tenure)

    def __post_init__(self) -> None:
        shared = Shared(
            300,
            tenure=self.tenure,
            clock=lambda: self.now,
            wall=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            chance=lambda: 0.5,
        )
        self.proofs = shared.proofs
        self.keeper = LeaseKeeper(self.client, Ref(LEASE, self.name, NAMESPACE), 10.0, shared, self.seat)

    def renew(self, after: float = 0.0) -> bool:
        """Whether it holds the Lease then."""
        self.now += after
        self.keeper._renew()
        return self.tenure.held

    def audit(self, times: int = 1) -> AuditMark:
        """Audits of an unchanged host, each shown by a renewal: what the controller then reads."""
        for _ in range(times):
            audit = LeasedAudit(uid="u", report_generation=1, audit=self.proofs.next_number(self.name))
            self.proofs.publish(self.name, audit)
            assert self.renew(after=10)
        return self.mark()

    def mark(self) -> AuditMark:
        """What a claim would be stamped with now."""
        look = read_lease(self.client.get(Ref(LEASE, self.name, NAMESPACE))).look(self.name)
        assert look is not None
        return look.mark

    def holds(self) -> bool:
        lease = self.client.get(Ref(LEASE, self.name, NAMESPACE))
        return bool(lease["spec"]["holderIdentity"] == self.keeper.holder)


@dataclass
class Node:
    client: KubeClient
    name: str

    def agent(self, where: str) -> Keeper:
        return Keeper(self.client, self.name, where)


def restore(watched: Watched, backup: dict[str, Any]) -> None:
    """As far as the agent can see: the Lease is what it was, in a version that the agent did not write last."""
    kept = {key: value for key, value in backup["metadata"].items() if key in ("name", "namespace", "annotations")}
    manifest = json.dumps({**backup, "metadata": kept})
    watched.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)


@pytest.fixture
def node(granted: Cluster, watched: Watched) -> Node:
    return Node(KubeClient(find_access(str(granted.kubeconfig)), AGENT_MANAGER), watched.name)


def test_nothing_is_written_before_the_lease_is_held(node: Node) -> None:
    agent = node.agent(HERE)
    assert not agent.tenure.held
    assert agent.tenure.complaints() == ()
    assert agent.renew()


def test_a_second_agent_under_the_same_name_does_not_take_over_the_lease(node: Node) -> None:
    """It would have, silently: a wrong --node-name, or a clone of the machine."""
    first, second = node.agent(HERE), node.agent(ELSEWHERE)
    assert first.renew()
    for _ in range(3):
        assert not second.renew(after=LASTS / 2)
        assert first.renew(after=10)
    assert first.holds()
    (why,) = second.tenure.complaints()
    assert f"Lease {NAMESPACE}/{node.name} is held by {first.keeper.holder}" in why
    assert "correct --node-name, or stop the other one" in why


def test_a_lease_that_stood_still_for_its_whole_life_is_free(node: Node) -> None:
    first, second = node.agent(HERE), node.agent(ELSEWHERE)
    first.renew()
    assert not second.renew()
    assert not second.renew(after=LASTS)
    assert second.renew(after=1)
    assert second.holds()


def test_who_was_paused_until_another_took_over_stands_back(node: Node) -> None:
    first, second = node.agent(HERE), node.agent(ELSEWHERE)
    first.renew()
    second.renew()
    second.renew(after=LASTS + 1)
    assert not first.renew(after=LASTS + 1)
    assert first.tenure.complaints()
    assert second.renew(after=10)
    assert second.holds()


def test_a_successor_in_the_same_seat_need_not_wait(node: Node) -> None:
    killed, successor = node.agent(HERE), node.agent(HERE)
    killed.renew()
    assert successor.renew()
    assert successor.holds()


def test_a_predecessor_in_the_same_seat_does_not_take_it_back(node: Node) -> None:
    old, new = node.agent(HERE), node.agent(HERE)
    old.renew()
    new.renew()
    assert not old.renew(after=10)
    assert new.renew(after=10)


def test_a_lease_that_its_agent_left_is_free_after_a_moment(node: Node) -> None:
    first, second = node.agent(HERE), node.agent(ELSEWHERE)
    first.renew()
    first.keeper._leave()
    assert not second.renew()
    assert second.renew(after=2)


def test_a_lease_that_somebody_edited_or_deleted_is_renewed(node: Node, watched: Watched) -> None:
    agent = node.agent(HERE)
    agent.renew()
    watched.cluster.kubectl("annotate", "lease", node.name, "-n", NAMESPACE, "a.example/b=c")
    assert agent.renew(after=10)
    watched.cluster.kubectl("delete", "lease", node.name, "-n", NAMESPACE)
    assert agent.renew(after=10)
    assert agent.holds()


def test_audits_of_before_a_restored_backup_prove_nothing_of_claims_stamped_after_it(
    node: Node, watched: Watched
) -> None:
    """Numbers are given a second time then: the agent goes on under a new name, and without waiting for itself."""
    agent, stamps = node.agent(HERE), set()
    agent.audit(times=4)
    backup = watched.lease()
    agent.audit(times=4)
    for number in (8, 9):
        restore(watched, backup)
        stamps.add(agent.mark().holder)
        assert agent.renew(after=10)
        assert agent.mark().holder not in stamps
        assert agent.mark().audit == number  # of an audit from before: the next one but one proves
        stamps.add(agent.audit().holder)
        assert agent.holds()
    assert len(stamps) == 3
    assert all(is_in_seat(holder, HERE) for holder in stamps)


def test_an_agent_whose_lease_another_had_after_a_restored_backup_is_a_new_holder_too(
    node: Node, watched: Watched
) -> None:
    agent, other = node.agent(HERE), node.agent(ELSEWHERE)
    stamp = agent.audit()
    backup = watched.lease()
    agent.audit(times=2)
    restore(watched, backup)
    other.renew()
    assert other.renew(after=LASTS + 1)
    other.audit(times=3)  # its numbers are none of the other one's
    assert not agent.renew(after=10)
    assert agent.renew(after=LASTS + 1)
    assert agent.mark().holder not in (stamp.holder, other.keeper.holder)


def test_edits_and_a_lost_answer_cost_no_claim_its_stamp(node: Node, watched: Watched) -> None:
    agent = node.agent(HERE)
    stamp = agent.audit(times=2)
    watched.cluster.kubectl("annotate", "lease", node.name, "-n", NAMESPACE, "a.example/b=c")
    assert agent.audit().holder == stamp.holder
    node.client.apply(Ref(LEASE, node.name, NAMESPACE), agent.keeper.body(agent.proofs.show()))  # never heard of
    assert agent.audit() == AuditMark(holder=stamp.holder, audit=4)


def test_a_holder_names_its_seat() -> None:
    holder = unique_holder("n" * 253, HERE)
    assert len(holder) == 128
    assert is_in_seat(holder, HERE)
    assert not is_in_seat(holder, ELSEWHERE)
    assert not is_in_seat(unique_holder("n1"), "")


def test_a_seat_is_one_machine_since_its_start_and_its_connections(tmp_path: Path) -> None:
    boot, other = tmp_path / "boot", tmp_path / "other"
    boot.write_text("1\n")
    other.write_text("2\n")
    assert seat(["a", "b"], boot) == seat(["b", "a"], boot)
    assert len({seat(["a"], boot), seat(["b"], boot), seat(["a"], other)}) == 3
    assert seat(["a"], tmp_path / "none") == ""


def test_a_second_program_under_the_same_name_writes_nothing_and_says_why(
    watched: Watched, start_agent: StartAgent, tmp_path: Path
) -> None:
    # Its Lease lasts 40 s: one of 4 s is free after a machine stood still for as long.
    start_agent(watched, "--connection=test:///default", "--lease-interval=10")
    watched.wait_report()
    other = tmp_path / "second.xml"
    other.write_text(Path(__file__).with_name("second-host.xml").read_text())
    second = start_agent(watched, f"--connection=second=test://{other}")
    second.wait_said("another agent serves node")
    code, complaints = second.probe("/readyz")
    assert (code, "correct --node-name" in complaints) == (503, True)
    second.wait_audits_in_all(2)  # what the first one found would have been told before the next one begins
    found = json.loads(watched.cluster.kubectl("get", "computenodes", "-o", "json"))["items"]
    assert f"{watched.name}--second" not in {each["metadata"]["name"] for each in found}


class TestServed:
    """Which records the agent serves: it says so of its own, and of those of its node that it has no connection for."""

    def second(self, watched: Watched) -> Watched:
        return Watched(watched.cluster, f"{watched.name}--second")

    def test_a_connection_that_is_gone_is_let_go_and_taken_back(
        self, watched: Watched, start_agent: StartAgent, tmp_path: Path
    ) -> None:
        other = tmp_path / "second.xml"
        other.write_text(Path(__file__).with_name("second-host.xml").read_text())
        both = ("--connection=test:///default", f"--connection=second=test://{other}")
        agent, second = start_agent(watched, *both, "--compare-interval=1"), self.second(watched)
        second.wait_report()
        assert second.condition("HypervisorServed")["status"] == "True"
        agent.terminate(within=STOP_SECONDS)
        before = second.report()

        agent = start_agent(watched, both[0], "--compare-interval=1")
        second.wait("False", lambda: second.condition("HypervisorServed")["status"] == "False")
        assert second.condition("HypervisorServed")["reason"] == "NotServed"
        assert second.report() == before
        assert watched.condition("HypervisorServed")["status"] == "True"
        agent.terminate(within=STOP_SECONDS)

        start_agent(watched, *both, "--compare-interval=1")
        second.wait("True", lambda: second.condition("HypervisorServed")["status"] == "True")

    def test_another_nodes_record_is_none_of_its_business(self, watched: Watched, start_agent: StartAgent) -> None:
        stranger = Watched(watched.cluster, f"{watched.name}-other")
        spec = {
            "hypervisorHostname": "h",
            "hostUUID": "6f2a7f0e-5d0e-4b53-9d2e-0f6c6f9f3b11",
            "nodeName": stranger.name,
        }
        version = "compute.hypertally.dev/v1alpha1"
        watched.cluster.apply_objects(
            {"apiVersion": version, "kind": "ComputeNode", "metadata": {"name": stranger.name}, "spec": spec}
        )
        agent = start_agent(watched, "--connection=test:///default", "--compare-interval=1")
        agent.wait_heard(3)
        assert stranger.condition("HypervisorServed") == {}

    def test_the_lease_tells_which_host_it_found(self, watched: Watched, start_agent: StartAgent) -> None:
        start_agent(watched, "--connection=test:///default")
        key = "compute.hypertally.dev/hosts"

        def told() -> dict[str, dict[str, str]]:
            found = watched.lease()["metadata"].get("annotations", {}).get(key, "{}")
            return dict(json.loads(found))

        watched.wait_report()
        watched.wait("the host in the Lease", lambda: watched.name in told())
        assert told()[watched.name]["hostUUID"] == watched.node()["spec"]["hostUUID"]
