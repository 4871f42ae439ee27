"""From two bare nodes to two Ready hosts and back again, by the pages' own commands."""

import json
import re
from pathlib import Path

import pytest

from devnodes import Lab, readme
from tests.lane.guests import hosts_are_ready
from tests.lane.person import CHART, NAMESPACE, RELEASE, VALUES, Person, condition, eventually

pytestmark = pytest.mark.timeout(400)

#: What an image has of itself.
BILL = "/opt/hypertally/share/sbom.cdx.json"
INSTALLED = "import importlib.metadata as m, json; print(json.dumps([[d.name, d.version] for d in m.distributions()]))"


def test_two_kubernetes_nodes_are_ready(lab: Lab) -> None:
    nodes = {node["metadata"]["name"]: node for node in lab.get("nodes")}

    assert set(nodes) == {"n1", "n2"}
    assert all(condition(node, "Ready")["status"] == "True" for node in nodes.values())


@pytest.mark.parametrize("command", readme.on_the_cluster(), ids=str)
def test_the_readmes_command_does_what_it_is_there_for(person: Person, command: str) -> None:
    """Nothing is added to it. What comes before these builds the images, and is run by `python -m devnodes.prepare`."""
    said = person.type(command)

    if "get computenodes" in command:
        rows = [line.split()[:2] for line in said.splitlines()]
        assert rows == [["NAME", "READY"], ["n1", "True"], ["n2", "True"]]
    if command.startswith("helm test"):
        assert "Succeeded" in said


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


def test_every_pod_runs_and_is_where_it_belongs(person: Person) -> None:
    assert {pod["spec"]["nodeName"] for pod in person.pods("agent")} == {"n1", "n2"}
    assert len(person.pods("controller")) == 2


@pytest.mark.parametrize("program", ["agent", "controller"])
def test_the_bill_of_materials_in_the_image_names_what_is_installed_there(
    person: Person, images: Path, program: str
) -> None:
    pod = person.pods(program)[0]["metadata"]["name"]
    inside = ("exec", f"-n={NAMESPACE}", pod, "--")
    bill = json.loads(person.kubectl(*inside, "cat", BILL))
    installed = json.loads(person.kubectl(*inside, "/opt/hypertally/bin/python", "-c", INSTALLED))
    packages = person.kubectl(*inside, "dpkg-query", "--show", "--showformat=${Package} ${Version}\\n")

    parts = {
        kind: {(plain(each["name"]), each["version"]) for each in bill["components"] if each["purl"].startswith(kind)}
        for kind in ("pkg:pypi/", "pkg:deb/")
    }
    whole = (RELEASE, re.sub("^v", "", str(bill["metadata"]["component"]["version"])))
    assert parts["pkg:pypi/"] == {(plain(name), version) for name, version in installed} - {whole}
    assert parts["pkg:deb/"] == {(plain(name), version) for name, version in map(str.split, packages.splitlines())}
    assert bill == json.loads(next(images.glob(f"*-{program}-*.cdx.json")).read_text())


def test_settings_are_changed_by_a_file_of_values(person: Person) -> None:
    """From here on everything that has a time has a short one: an uninstall waits for the silence of the agents."""
    person.helm("upgrade", RELEASE, CHART, "--values", VALUES, "--wait", "--timeout", "3m")

    eventually(lambda: hosts_are_ready(person))


@pytest.mark.parametrize("command", readme.uninstalling(), ids=str)
def test_the_install_pages_command_takes_away_what_it_is_there_for(person: Person, command: str) -> None:
    person.type(command)

    eventually(lambda: nothing_is_left(person), 90)


def test_then_the_cluster_has_nothing_that_it_had_not_before(person: Person) -> None:
    """Of all kinds that its API server serves."""

    def as_it_was() -> None:
        assert person.added() == []

    eventually(as_it_was)


def nothing_is_left(person: Person) -> None:
    assert person.left() == []


def plain(name: str) -> str:
    """As names of Python packages are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def total_memory_mib(stats: str) -> int:
    found = re.search(r"^total *: *(\d+) KiB$", stats, re.MULTILINE)
    assert found is not None
    return int(found[1]) // 1024
