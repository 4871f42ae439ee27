"""Mistakes, and the one line where the person looks who made them."""

import struct
from pathlib import Path

import pytest

from devnodes.images import write_image
from tests.lane.guests import ALPHA, BETA, GAMMA, allocated, hosts_are_ready, node_says, sizes
from tests.lane.person import CHART, NAMESPACE, RELEASE, VALUES, Failed, Person, condition, eventually

pytestmark = pytest.mark.timeout(300)

READ_ONLY_SOCKET = Path("run-libvirt", "libvirt-sock-ro")


def test_a_wrong_value_is_refused_by_helm_which_names_the_key(person: Person) -> None:
    with pytest.raises(Failed, match="replicaz"):
        person.helm("upgrade", RELEASE, CHART, "--values", VALUES, "--set", "controller.replicaz=3")

    assert "deployed" in person.helm("status", RELEASE)


def test_a_socket_without_permission_is_told_in_the_condition(person: Person) -> None:
    socket = person.lab.n1.directory / READ_ONLY_SOCKET
    socket.chmod(0o700)
    replace_agent(person, "n1")

    eventually(lambda: node_says(person, "n1", "LibvirtConnected", "False"), 90)
    assert "Permission denied" in condition(person.node("n1"), "LibvirtConnected")["message"]
    assert allocated(person, "n1") == sizes(BETA)

    socket.chmod(0o777)
    eventually(lambda: hosts_are_ready(person), 120)


def test_a_node_without_libvirt_says_so_in_the_pods_events(person: Person) -> None:
    """Its folder is not there: the kubelet does not even start the agent."""
    n1 = person.lab.n1
    # Lazily: libvirtd has files open in it, and keeps them. It runs on, and would make its folder anew at a guest's
    # next event: a file is in its way.
    n1.run_inside("sh", "-euc", "umount --lazy /run/libvirt; rmdir /run/libvirt; touch /run/libvirt")
    replace_agent(person, "n1")

    eventually(lambda: events_say(person, "n1", "/run/libvirt is not a directory"), 90)
    assert allocated(person, "n1") == sizes(BETA)

    n1.run_inside("sh", "-euc", "rm /run/libvirt; mkdir /run/libvirt")
    n1.run_inside("mount", "--bind", str(n1.directory / "run-libvirt"), "/run/libvirt")
    # The kubelet tries again after at most two minutes; a new Pod is tried at once.
    replace_agent(person, "n1")
    eventually(lambda: hosts_are_ready(person), 120)


def test_an_image_with_programs_of_another_architecture_is_told_by_the_pod(person: Person) -> None:
    archive = person.lab.directory / "foreign.tar"
    write_image(archive, "localhost/hypertally-agent:foreign", foreign_program(), ["/bin/hypertally-agent"])
    for node in person.lab.nodes:
        node.import_image(archive)
    tag = ("--set", "agent.image.tag=foreign")

    person.helm("upgrade", RELEASE, CHART, "--values", VALUES, *tag)
    eventually(lambda: a_pod_says(person, "exec format error"), 120)
    # One agent at a time is replaced: the other host never noticed.
    assert sum(condition(pod, "Ready").get("status") == "True" for pod in person.pods("agent")) == 1

    person.helm("upgrade", RELEASE, CHART, "--values", VALUES, "--wait", "--timeout", "3m")
    eventually(lambda: hosts_are_ready(person), 90)
    assert allocated(person, "n2") == sizes(ALPHA, GAMMA)


def foreign_program() -> bytes:
    """No more than the head of one: ELF, 64 bits, little end first, for aarch64."""
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    return ident + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, 0x400000, 64, 0, 0, 64, 56, 0, 64, 0, 0)


def replace_agent(person: Person, node: str) -> None:
    pod = person.agent_on(node)["metadata"]["name"]
    person.kubectl("delete", "pod", f"-n={NAMESPACE}", pod, "--force", "--grace-period=0")


def events_say(person: Person, node: str, text: str) -> None:
    pod = person.agent_on(node)["metadata"]["name"]
    events = person.get("events", f"-n={NAMESPACE}", f"--field-selector=involvedObject.name={pod}")
    assert any(text in each["message"] for each in events), [each["message"] for each in events]


def a_pod_says(person: Person, text: str) -> None:
    """In the status that `kubectl describe pod` shows."""
    states = [
        str(status[each]) for pod in person.pods("agent") for status in pod["status"].get("containerStatuses", [])
        for each in ("state", "lastState")
    ]  # fmt: skip
    assert any(text in state for state in states), states
