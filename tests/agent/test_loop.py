"""Whose last known values stand in for what cannot be read: looks at made-up hosts, told to a real API server."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from devcluster import Cluster
from hypertally.agent.auditor import Auditor
from hypertally.agent.deadline import Deadlines
from hypertally.agent.loop import HostLoop
from hypertally.agent.observer import Observer
from hypertally.agent.publisher import Publisher
from hypertally.agent.reporter import Reporter
from hypertally.agent.shared import Shared
from hypertally.agent.timer import AuditTimer
from hypertally.api.compute_node import ReportContent
from hypertally.hypervisor.capabilities import Capabilities
from hypertally.hypervisor.facts import DiskSpace, Snapshot, Unread
from hypertally.hypervisor.report import Audit, report
from hypertally.kube.access import find_access
from hypertally.kube.client import KubeClient
from hypertally.kube.errors import NotFound
from hypertally.kube.kinds import COMPUTE_NODE, Ref
from tests.support.fleet import find_condition
from tests.support.snapshots import HEALTHY

Object = dict[str, Any]
GIB = 1024**3
ONE, OTHER = ("aaaaaaaa-2222-3333-4444-555555555555", "bbbbbbbb-2222-3333-4444-555555555555")
HANGS = Unread("it hangs")


def host(uuid: str, disk: DiskSpace | Unread) -> Snapshot:
    whose = Capabilities(host_uuid=uuid, cpu=None, cells=(), guest_kinds=frozenset())
    return replace(HEALTHY, capabilities=whose, disk_space=disk)


def of(gib: int) -> DiskSpace:
    return DiskSpace(total=gib * GIB, free=gib * GIB, used=0)


@dataclass
class Connection:
    """Leads to whichever host the test says. Opened, it is the session as well."""

    uri: str = "qemu+tls://hv1/system"
    leads_to: Snapshot = HEALTHY

    def open(self, wake: Callable[[], None]) -> "Connection":
        del wake
        return self

    def is_alive(self) -> bool:
        return True

    def audit(self, previous: ReportContent | None) -> Audit:
        return report(self.leads_to, previous)

    def close(self) -> None: ...


@dataclass
class Agent:
    """One process of it, for one connection; its rounds and its clock are in the test's hand."""

    client: KubeClient
    name: str
    connection: Connection = field(default_factory=Connection)
    now: float = 0.0

    def __post_init__(self) -> None:
        shared = Shared(10**6, clock=lambda: self.now, chance=lambda: 0.5)
        observer = Observer(self.connection, Deadlines(3), 30.0, lambda: None)
        auditor = Auditor(self.name, observer, AuditTimer(60, shared.chance), shared)
        publisher = Publisher(self.client, self.name, self.name, shared.wall)
        self.reporter = Reporter(0, self.connection.uri, publisher, shared)
        self._loop = HostLoop(self.name, auditor, self.reporter, 1000, shared)

    def look_at(self, snapshot: Snapshot) -> None:
        """All that comes of it."""
        self.connection.leads_to, self.now = snapshot, self.now + 100
        self._loop._round()

    def held(self) -> Object:
        return self.client.touch(Ref(COMPUTE_NODE, self.name), "status")

    def disk_mib(self) -> int:
        return int(self.held()["status"]["report"]["capacity"]["diskMiB"])


@pytest.fixture
def client(cluster: Cluster) -> Iterator[KubeClient]:
    client = KubeClient(find_access(str(cluster.kubeconfig)), "hypertally-agent")
    yield client
    client.close()


def test_what_cannot_be_read_is_as_it_was(client: KubeClient, node_name: str) -> None:
    agent = Agent(client, node_name)
    agent.look_at(host(ONE, of(100)))
    agent.look_at(host(ONE, HANGS))
    assert agent.disk_mib() == 100 * 1024
    assert find_condition(agent.held(), "InventoryComplete")["status"] == "False"


def test_a_connection_that_led_elsewhere_for_a_while_brings_no_values_from_there(
    client: KubeClient, node_name: str
) -> None:
    agent = Agent(client, node_name)
    agent.look_at(host(ONE, of(100)))
    agent.look_at(host(OTHER, of(777)))
    agent.look_at(host(ONE, HANGS))
    assert agent.disk_mib() == 100 * 1024


def test_a_machine_that_was_replaced_has_nothing_of_its_predecessor(
    client: KubeClient, node_name: str, cluster: Cluster
) -> None:
    """As its operator is told to, somebody deletes the old record."""
    Agent(client, node_name).look_at(host(ONE, of(100)))
    agent = Agent(client, node_name)
    agent.reporter.read_back()
    agent.look_at(host(OTHER, HANGS))
    assert agent.disk_mib() == 100 * 1024, "of the machine that was there"
    cluster.kubectl("delete", "computenode", node_name)
    with pytest.raises(NotFound):
        agent.held()
    agent.look_at(host(OTHER, HANGS))
    assert agent.held()["spec"]["hostUUID"] == OTHER
    assert "capacity" not in agent.held()["status"]["report"]
