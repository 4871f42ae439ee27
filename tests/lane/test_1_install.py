"""From two bare nodes to two Ready hosts."""

import re
from pathlib import Path

import pytest

from devnodes import Lab
from tests.lane.person import CHART, NAMESPACE, RELEASE, VALUES, Object, Person, condition, eventually

pytestmark = pytest.mark.timeout(400)

#: The version that everything is upgraded from later: the same chart, as if it were the one before.
PREVIOUS = "0.0.1"


def test_two_kubernetes_nodes_are_ready(lab: Lab) -> None:
    nodes = {node["metadata"]["name"]: node for node in lab.get("nodes")}

    assert set(nodes) == {"n1", "n2"}
    assert all(condition(node, "Ready")["status"] == "True" for node in nodes.values())


def test_helm_installs_it_and_waits_until_it_runs(person: Person, previous: Path) -> None:
    person.helm("install", RELEASE, previous, "--create-namespace", "--values", VALUES, "--wait", "--timeout", "3m")

    assert {pod["spec"]["nodeName"] for pod in person.pods("agent")} == {"n1", "n2"}
    assert len(person.pods("controller")) == 2


def test_both_hosts_are_ready_with_the_numbers_that_libvirt_and_the_kernel_tell(person: Person) -> None:
    eventually(lambda: hosts_are_ready(person))

    for node in person.lab.nodes:
        host = person.node(node.name)
        info = dict(re.findall(r"^([^:]+): +(.*)$", node.virsh("nodeinfo"), re.MULTILINE))
        report = host["status"]["report"]
        assert host["spec"]["hostUUID"] == node.host_uuid
        assert host["spec"]["hypervisorHostname"] == node.virsh("hostname")
        assert report["capacity"]["vcpus"] == int(info["CPU(s)"])
        assert report["capacity"]["memoryMiB"] == total_memory_mib(node.virsh("nodememstats"))
        assert report["hypervisor"]["hostIP"] == node.address.host
        assert report.get("guests", []) == []


def test_kubectl_get_shows_both_at_a_glance(person: Person) -> None:
    rows = [line.split() for line in person.kubectl("get", "computenodes").splitlines()]

    assert [row[:2] for row in rows] == [["NAME", "READY"], ["n1", "True"], ["n2", "True"]]


def test_helm_test_passes(person: Person) -> None:
    said = person.helm("test", RELEASE, "--timeout", "2m")

    assert "Succeeded" in said


@pytest.fixture(scope="session")
def previous(person: Person, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("chart")
    person.helm("package", CHART, "--version", PREVIOUS, "--destination", target)
    return target / f"hypertally-{PREVIOUS}.tgz"


def hosts_are_ready(person: Person) -> None:
    hosts: list[Object] = person.get("computenodes")
    assert {host["metadata"]["name"]: condition(host, "Ready").get("status") for host in hosts} == {
        "n1": "True", "n2": "True"
    }, NAMESPACE  # fmt: skip


def total_memory_mib(stats: str) -> int:
    found = re.search(r"^total *: *(\d+) KiB$", stats, re.MULTILINE)
    assert found is not None
    return int(found[1]) // 1024
