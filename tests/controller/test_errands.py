"""`verify` and `retire`, which the chart runs: once, on a real API server."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from devcluster import Cluster
from hypertally.controller.errands import Finding, retire, verify
from hypertally.controller.settings import Settings
from hypertally.kube.access import find_access
from hypertally.kube.aio import AsyncKubeClient, Deadlines, open_session
from hypertally.kube.errors import Forbidden, KindMissing, NotFound
from tests.conftest import running_cluster
from tests.support import samples, shipped
from tests.support.api_server import Kind
from tests.support.samples import Object, condition

AGENTS = "hypertally-agent"
VERIFY = "hypertally-verify"
NAMESPACE = "hypertally-system"
WELL = [condition(type_) for type_ in ("LibvirtConnected", "InventoryComplete", "Ready")]
GONE = [*WELL[:2], condition("Ready", "Unknown", message="The agent is silent.")]


class Hosts:
    """ComputeNodes as their writers would leave them."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._kind = Kind(cluster, "computenodes", namespaced=False)

    def clear(self) -> None:
        self.cluster.kubectl("delete", "computenodes", "--all")
        self.cluster.kubectl("delete", "daemonsets", "--all", "--namespace", NAMESPACE)

    def put(self, name: str, conditions: list[Object]) -> None:
        body = samples.compute_node(name)
        if name not in self.cluster.kubectl("get", "computenodes", "-o", "name"):
            self._kind.create(body).check()
        self._kind.merge_status(name, {"status": {**body["status"], "conditions": conditions}}).check()

    def run_agents(self) -> None:
        pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
        spec = {"selector": {"matchLabels": {"a": "b"}}, "template": pod}
        metadata = {"name": AGENTS, "namespace": NAMESPACE}
        self.cluster.apply_objects({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec})

    def leave_pod(self) -> None:
        """As `helm test` leaves it: it has ended. On a server without kubelets a Pod that is bound would not go."""
        spec = {"automountServiceAccountToken": False, "containers": [{"name": "a", "image": "a"}]}
        self.cluster.apply_objects(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": VERIFY, "namespace": NAMESPACE}, "spec": spec},
        )

    def have_pod(self) -> bool:
        return VERIFY in self.cluster.kubectl("get", "pods", "--namespace", NAMESPACE, "-o", "name")

    def have_agents(self) -> bool:
        return AGENTS in self.cluster.kubectl("get", "daemonsets", "--namespace", NAMESPACE, "-o", "name")


@pytest.fixture(scope="module")
def server() -> Iterator[Hosts]:
    with running_cluster("errands") as cluster:
        cluster.apply_objects({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        yield Hosts(cluster)


@pytest.fixture
def hosts(server: Hosts) -> Hosts:
    server.clear()
    return server


def run(hosts: Hosts, errand: Callable[[AsyncKubeClient], Awaitable[Finding]], user: str = "") -> Finding:
    async def go() -> Finding:
        path = hosts.cluster.kubeconfig_for(user) if user else hosts.cluster.kubeconfig
        access = find_access(str(path), "")
        async with open_session(access, "test") as session:
            return await errand(AsyncKubeClient(access, session, "test", Deadlines()))

    return asyncio.run(go())


class TestVerify:
    def look(self, hosts: Hosts, seconds: float = 0.0) -> Finding:
        return run(hosts, lambda client: verify(client, Settings(), seconds))

    def test_a_cluster_without_a_host_is_not_as_it_should_be(self, hosts: Hosts) -> None:
        assert self.look(hosts) == Finding(["There is no ComputeNode: no agent has reported a host yet."], good=False)

    def test_hosts_that_are_looked_after_are_fine(self, hosts: Hosts) -> None:
        hosts.put("a", WELL)
        hosts.put("b", [*WELL[:2], condition("Ready", "False", reason="InMaintenance")])

        assert self.look(hosts) == Finding(["a: looked after", "b: looked after"], good=True)

    @pytest.mark.parametrize(
        ("conditions", "trouble"),
        [
            (GONE, "Ready is Unknown: The agent is silent."),
            (WELL[:2], "Ready is not told yet"),
            (WELL[1:], "LibvirtConnected is not told yet"),
            (
                [WELL[0], condition("InventoryComplete", "False", message="disk unread"), WELL[2]],
                "InventoryComplete is False: disk unread",
            ),
        ],
    )
    def test_what_is_amiss_with_a_host_is_said(self, hosts: Hosts, conditions: list[Object], trouble: str) -> None:
        hosts.put("a", conditions)

        assert self.look(hosts) == Finding([f"a: {trouble}"], good=False)

    def test_a_host_that_comes_late_is_waited_for(self, hosts: Hosts) -> None:
        async def later(client: AsyncKubeClient) -> Finding:
            waiting = asyncio.create_task(verify(client, Settings(), 30))
            await asyncio.sleep(0.5)
            await asyncio.to_thread(hosts.put, "a", WELL)
            return await waiting

        assert run(hosts, later).good

    def test_the_program_ends_with_1_for_what_it_finds(self, hosts: Hosts) -> None:
        command = [*shipped.command("hypertally.controller"), "verify"]
        hosts.put("a", WELL)

        done = subprocess.run(
            [*command, "--kubeconfig", str(hosts.cluster.kubeconfig)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

        assert (done.returncode, done.stdout) == (0, "a: looked after\n")


class TestRetire:
    def look(self, hosts: Hosts, user: str = "", pod: str = "") -> Finding:
        settings = Settings(agent_grace=0, lease_namespace=NAMESPACE)
        return run(hosts, lambda client: retire(client, settings, AGENTS, pod, margin=0.0), user)

    def test_the_agents_end_and_every_host_has_been_told_so(self, hosts: Hosts) -> None:
        hosts.run_agents()
        hosts.put("a", GONE)

        assert self.look(hosts) == Finding(["Every ComputeNode says that nobody looks after it."], good=True)
        assert not hosts.have_agents()

    def test_it_waits_until_the_controller_has_seen_it(self, hosts: Hosts) -> None:
        hosts.put("a", WELL)

        async def later(client: AsyncKubeClient) -> Finding:
            settings = Settings(agent_grace=30, lease_namespace=NAMESPACE)
            waiting = asyncio.create_task(retire(client, settings, AGENTS))
            await asyncio.sleep(0.5)
            assert not waiting.done()
            await asyncio.to_thread(hosts.put, "a", GONE)
            return await waiting

        assert run(hosts, later).lines == ["Every ComputeNode says that nobody looks after it."]

    def test_records_whose_kinds_somebody_deleted_before_keep_nothing_from_its_end(self) -> None:
        class Bare:
            async def get(self, ref: object) -> Object:
                raise NotFound(str(ref))

            async def list(self, kind: object) -> Object:
                raise KindMissing(str(kind))

        bare: Any = Bare()
        settings = Settings(agent_grace=0, lease_namespace=NAMESPACE)
        found = asyncio.run(retire(bare, settings, AGENTS, margin=0.0))
        assert found == Finding(["Every ComputeNode says that nobody looks after it."], good=True)

    def test_a_host_whose_agent_runs_elsewhere_is_named_and_keeps_nothing_from_its_end(self, hosts: Hosts) -> None:
        hosts.put("a", GONE)
        hosts.put("b", WELL)

        assert self.look(hosts) == Finding(["b: still looked after"], good=True)

    def test_agents_that_are_gone_already_are_no_trouble(self, hosts: Hosts) -> None:
        assert self.look(hosts).good

    def test_the_pod_of_helm_test_goes_too(self, hosts: Hosts) -> None:
        hosts.leave_pod()

        assert self.look(hosts, pod=VERIFY).good
        assert not hosts.have_pod()

    def test_a_pod_that_nobody_has_made_is_no_trouble(self, hosts: Hosts) -> None:
        assert self.look(hosts, pod=VERIFY).good

    def test_without_the_right_to_end_the_agents_it_fails_and_says_so(self, hosts: Hosts) -> None:
        hosts.run_agents()

        with pytest.raises(Forbidden, match='User "nobody" cannot get resource "daemonsets"'):
            self.look(hosts, user="nobody")
        assert hosts.have_agents()

    @pytest.mark.parametrize("named", [[], ["daemonset", AGENTS, "pod"], ["daemonset", AGENTS, "pod", "--all"]])
    def test_what_it_is_to_end_has_to_be_named(self, named: list[str]) -> None:
        command = [*shipped.command("hypertally.controller"), "retire", *named, "--kubeconfig", "x"]

        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        assert done.returncode == 2
        assert done.stderr.strip() == (
            "hypertally-controller: usage: hypertally-controller retire daemonset NAME [pod NAME] "
            "[the controller's flags]"
        )
