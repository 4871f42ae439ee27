"""A machine dies for good, and in the end the person takes Hypertally away again."""

import pytest

from devcluster import ClusterError
from devnodes.guest import Guest
from tests.lane.guests import ALPHA, BETA, GAMMA, allocated, holds, instance_is_ready, named, node_says, sizes
from tests.lane.person import RELEASE, Object, Person, condition, eventually

pytestmark = pytest.mark.timeout(300)

MOVED = (ALPHA, GAMMA)


def test_a_node_that_died_is_unknown_and_its_record_stays_while_instances_name_it(person: Person) -> None:
    person.lab.n2.power_off()
    person.kubectl("delete", "node", "n2")

    eventually(lambda: node_says(person, "n2", "Ready", "Unknown"), 90)
    eventually(lambda: node_says(person, "n2", "Vanished", "True"), 90)
    assert allocated(person, "n2") == sizes(*MOVED)
    assert condition(person.node("n1"), "Ready")["status"] == "True"


def test_its_guests_are_evacuated(person: Person) -> None:
    person.apply(*map(evacuation, MOVED))
    for guest in MOVED:
        eventually(lambda guest=guest: holds(person, "n1", guest, {"Incoming"}))  # type: ignore[misc]
        person.lab.n1.start_guest(guest)

    for guest in MOVED:
        eventually(lambda guest=guest: instance_is_ready(person, guest, "n1"))  # type: ignore[misc]
    assert allocated(person, "n1") == sizes(BETA, *MOVED)


def test_then_the_dead_hosts_record_goes_by_itself(person: Person) -> None:
    eventually(lambda: is_gone(person, "n2"), 120)

    assert [host["metadata"]["name"] for host in person.get("computenodes")] == ["n1"]
    assert allocated(person, "n1") == sizes(BETA, *MOVED)


def test_uninstalled_it_leaves_records_and_instances_and_says_that_nobody_looks(person: Person) -> None:
    ledger = person.node("n1")["status"]["ledger"]

    person.helm("uninstall", RELEASE, "--wait", "--timeout", "4m")

    assert person.pods("agent") == person.pods("controller") == []
    left = person.node("n1")
    assert left["status"]["ledger"] == ledger
    assert condition(left, "Ready")["status"] == "Unknown"
    assert {each["metadata"]["name"] for each in person.get("instances")} == {guest.name for guest in MOVED}
    # The cluster takes away the Pods of a node that is gone after a minute.
    eventually(lambda: nothing_is_left(person), 120)


def evacuation(guest: Guest) -> Object:
    spec = {"instanceName": guest.name, "type": "Evacuation", "targetComputeNodeName": "n1"}
    return named("Migration", f"{guest.name}-evacuation", spec)


def is_gone(person: Person, node: str) -> None:
    try:
        found = person.node(node)
    except ClusterError as error:
        assert "not found" in str(error)  # noqa: PT017
    else:
        raise AssertionError(found["status"]["conditions"])


def nothing_is_left(person: Person) -> None:
    assert person.left() == []
