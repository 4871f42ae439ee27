"""Writing to a real API server whose answers get lost, that refuses, or where somebody else writes in between."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from devcluster import Cluster
from hypertally.agent.looks import Lost, Seen
from hypertally.agent.proofs import Proofs
from hypertally.agent.publisher import Publisher
from hypertally.agent.reporter import Reporter
from hypertally.agent.shared import Shared
from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Hypervisor, ReportContent
from hypertally.hypervisor.identity import Identity
from hypertally.kube.access import find_access
from hypertally.kube.client import KubeClient
from hypertally.kube.errors import Forbidden, Invalid, TooManyRequests, Unreachable
from hypertally.kube.kinds import Ref
from tests.support.fleet import find_condition

Object = dict[str, Any]
UUID = "11111111-2222-3333-4444-555555555555"


def content(vcpus: int, version: str = "7.2.0") -> ReportContent:
    software = Hypervisor(type="QEMU", version=version, libvirt_version="9.0.0")
    return ReportContent(hypervisor=software, capacity=Amounts(vcpus=vcpus))


@dataclass
class Faulty:
    """A real client; `before` and `after` the next apply something happens, once."""

    client: KubeClient
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None
    applies: int = 0

    def apply(self, ref: Ref, body: Mapping[str, Any], subresource: str = "") -> Object:
        self.applies += 1
        before, self.before = self.before, None
        if before:
            before()
        answer = self.client.apply(ref, body, subresource)
        after, self.after = self.after, None
        if after:
            after()
        return answer

    def touch(self, ref: Ref, subresource: str = "") -> Object:
        return self.client.touch(ref, subresource)


@dataclass
class Desk:
    """A reporter at work, its clock in the test's hand."""

    server: Faulty
    name: str
    now: float = 0.0
    proofs: Proofs = field(default_factory=Proofs)

    def __post_init__(self) -> None:
        shared = Shared(300, self.proofs, clock=lambda: self.now, chance=lambda: 0.5)
        publisher = Publisher(self.server, self.name, self.name, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        self.reporter = Reporter(0, "qemu:///system", publisher, shared)

    def tell(self, vcpus: int = 4, *, hostname: str = "host", version: str = "7.2.0") -> None:
        look = Seen(self.proofs.next_number(self.name), Identity(UUID, hostname), content(vcpus, version))
        self.reporter.hear(look, from_nothing=False)
        self.work()

    def work(self) -> None:
        if self.reporter.due_at() <= self.now:
            self.reporter.work()

    def wait(self) -> float:
        """Until the next thing is due; how long that was."""
        waited = self.reporter.due_at() - self.now
        self.now = self.reporter.due_at()
        self.work()
        return waited

    def held(self) -> Object:
        ref = self.reporter._publisher._ref
        found: Object = self.server.touch(ref, "status")["status"]["report"]
        return found

    def generation(self) -> int:
        return int(self.held()["generation"])

    def condition(self, type_: str) -> Object:
        return find_condition(self.server.touch(self.reporter._publisher._ref, "status"), type_)


@pytest.fixture
def server(cluster: Cluster) -> Iterator[Faulty]:
    client = KubeClient(find_access(str(cluster.kubeconfig)), "hypertally-agent")
    yield Faulty(client)
    client.close()


@pytest.fixture
def desk(server: Faulty, node_name: str) -> Desk:
    return Desk(server, node_name)


def raise_(error: Exception) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


def test_a_write_whose_answer_was_lost_is_not_counted_twice(desk: Desk, server: Faulty) -> None:
    desk.tell(4)
    server.after = raise_(Unreachable("no answer"))
    desk.tell(8)
    assert desk.wait() == pytest.approx(1)
    assert (desk.generation(), desk.held()["capacity"]["vcpus"]) == (2, 8)


def test_a_change_after_a_lost_answer_has_the_number_after_the_lost_one(desk: Desk, server: Faulty) -> None:
    desk.tell(4)
    server.after = raise_(Unreachable("no answer"))
    desk.tell(8)
    desk.tell(16)
    desk.wait()
    assert (desk.generation(), desk.held()["capacity"]["vcpus"]) == (3, 16)


def test_an_edit_in_the_middle_of_a_write_is_planned_anew_at_once(desk: Desk, server: Faulty) -> None:
    desk.tell(4)

    def edit() -> None:
        edited = {**desk.held(), "generation": 2, "capacity": {"vcpus": 99, "memoryMiB": 0, "diskMiB": 0}}
        server.client.apply(desk.reporter._publisher._ref, {"status": {"report": edited}}, "status")

    server.before = edit
    desk.tell(8)
    assert (desk.generation(), desk.held()["capacity"]["vcpus"]) == (3, 8)


def test_what_the_schema_refuses_is_told_and_not_said_again_and_again(
    desk: Desk, server: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    desk.tell(4)
    before = server.applies
    desk.tell(4, version="seven")
    assert server.applies == before + 1
    assert "cannot be published: " in caplog.text
    assert "status.report.hypervisor.version" in caplog.text
    assert desk.generation() == 1
    desk.tell(8)
    desk.wait()
    assert desk.generation() == 2


def test_while_the_server_is_away_the_waits_grow_and_the_last_look_is_said(desk: Desk, server: Faulty) -> None:
    desk.tell(4)
    server.before = raise_(Unreachable("refused"))
    desk.tell(8)
    waits = []
    for vcpus in (16, 32, 64):
        server.before = raise_(Unreachable("refused"))
        desk.tell(vcpus)
        waits.append(desk.wait())
    assert waits == pytest.approx([1, 2, 4])
    desk.wait()
    assert (desk.generation(), desk.held()["capacity"]["vcpus"]) == (2, 64)


def test_what_a_restarted_agent_can_no_longer_see_is_told_beside_what_was_known_before(
    desk: Desk, server: Faulty
) -> None:
    """It saw the host while the server was away; then libvirt is gone, and then the server is back."""
    desk.reporter.hear(Seen(1, Identity(UUID, "host"), content(4), ("disk: it hangs",)), from_nothing=True)
    desk.work()
    restarted = Desk(server, desk.name)
    restarted.reporter.hear(Seen(1, Identity(UUID, "host"), content(8)), from_nothing=True)
    assert restarted.reporter.work()
    restarted.reporter.hear(Lost(2, "Refused", "connection refused"), from_nothing=False)
    assert not restarted.reporter.work()
    assert (desk.generation(), desk.held()["capacity"]["vcpus"]) == (1, 4)
    assert desk.condition("LibvirtConnected")["status"] == "False"
    assert "it hangs" in desk.condition("InventoryComplete")["message"], "of the report that stands"


def test_a_loaded_server_is_left_alone_as_long_as_it_asks(desk: Desk, server: Faulty) -> None:
    loaded = TooManyRequests("later")
    loaded.retry_after = 30.0
    server.before = raise_(loaded)
    desk.tell(4)
    assert desk.wait() == 30
    assert desk.generation() == 1


def test_rights_that_come_later_are_enough(desk: Desk, server: Faulty) -> None:
    server.before = raise_(Forbidden("no"))
    desk.tell(4)
    desk.wait()
    assert desk.generation() == 1


def test_a_node_that_was_replaced_by_another_of_its_name_is_not_written_blindly(desk: Desk, server: Faulty) -> None:
    desk.tell(4)
    ref = desk.reporter._publisher._ref
    other = {"hostUUID": UUID.replace("1", "9"), "hypervisorHostname": "h", "nodeName": desk.name}

    def replace() -> None:
        server.client._pool.request(
            "DELETE",
            f"{server.client._access.server}{ref.path()}",
            headers={"Authorization": f"Bearer {server.client._access.tokens.token()}"},
        )
        server.client.apply(ref, {"metadata": {"name": ref.name}, "spec": other})

    server.before = replace
    desk.tell(8)
    assert "status" not in server.touch(ref)
    assert desk.proofs.show() == {}


def test_only_what_the_server_acknowledged_is_proven(desk: Desk, server: Faulty) -> None:
    server.before = raise_(Unreachable("refused"))
    desk.tell(4)
    assert desk.proofs.show() == {}
    desk.wait()
    assert desk.proofs.show()[desk.name].report_generation == 1


def test_an_unchanged_report_proves_the_newer_look_without_a_request(desk: Desk, server: Faulty) -> None:
    desk.tell(4)
    desk.proofs.leased(desk.proofs.show())
    before = server.applies
    desk.tell(4)
    assert server.applies == before
    assert desk.proofs.show()[desk.name].audit == 2


@pytest.mark.parametrize("hostname", ["under_scored", "Host.Example.", "-dash", "a" * 200])
def test_a_host_name_that_is_no_dns_name_is_reported_as_it_is(
    desk: Desk, server: Faulty, caplog: pytest.LogCaptureFixture, hostname: str
) -> None:
    desk.tell(4, hostname=hostname)
    assert server.touch(desk.reporter._publisher._ref)["spec"]["hypervisorHostname"] == hostname
    assert f"the host name {hostname!r} is no DNS name: it is reported as it is" in caplog.text


def test_a_status_that_nobody_touched_is_compared_and_not_written(desk: Desk, server: Faulty) -> None:
    desk.tell(4)
    before = server.applies
    assert 240 <= desk.wait() <= 360
    desk.wait()
    assert server.applies == before


def test_every_refusal_of_the_rules_is_of_the_type_that_is_planned_for(desk: Desk, server: Faulty) -> None:
    desk.tell(4)
    wrong = {**desk.held(), "generation": 7}
    with pytest.raises(Invalid, match=r"generation must be the present one \+ 1"):
        server.client.apply(desk.reporter._publisher._ref, {"status": {"report": wrong}}, "status")
