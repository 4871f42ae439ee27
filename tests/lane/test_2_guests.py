"""Guests that somebody starts, Instances that a scheduler binds, and a guest that moves while it works."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from devnodes import Node
from devnodes.guest import Guest, numbers
from tests.lane.person import ROOT, Object, Person, condition, eventually, roles

pytestmark = pytest.mark.timeout(300)

GROUP = "compute.hypertally.dev/v1alpha1"

#: On n1 and, in the end, on n2.
ALPHA = Guest(name="alpha", uuid="5a4f0b6e-0c1b-4d7f-9c58-5c2f4c1a0001", memory_mib=96)
#: Nobody ever declares it.
BETA = Guest(name="beta", uuid="5a4f0b6e-0c1b-4d7f-9c58-5c2f4c1a0002", vcpus=2)
GAMMA = Guest(name="gamma", uuid="5a4f0b6e-0c1b-4d7f-9c58-5c2f4c1a0003")

#: MiB a second, of which the guest has 16 that nothing shortens: long enough to look at both ends.
BANDWIDTH = 2


def test_guests_that_virsh_starts_show_as_orphans_and_are_charged(person: Person) -> None:
    n1 = person.lab.n1
    n1.start_guest(ALPHA)
    n1.start_guest(BETA)

    eventually(lambda: orphans_are(person, "n1", [ALPHA, BETA]))
    orphans_are(person, "n2", [])


def test_an_instance_that_stands_for_a_guest_takes_it_over(person: Person) -> None:
    person.apply(instance(ALPHA, "n1"))

    eventually(lambda: instance_is_ready(person, ALPHA, "n1"))
    eventually(lambda: orphans_are(person, "n1", [BETA]))
    assert allocated(person, "n1") == sizes(ALPHA, BETA)


def test_the_example_scheduler_binds_an_instance_and_its_guest_is_started_there(person: Person) -> None:
    person.apply(instance(GAMMA))
    with scheduler(person):
        eventually(lambda: claimed(person, GAMMA))
    chosen = person.get("instance", GAMMA.name)["status"]["computeNodeName"]
    node = next(each for each in person.lab.nodes if each.name == chosen)
    # The host with more room: nothing is on it yet.
    assert chosen == "n2"
    assert allocated(person, chosen) == sizes(GAMMA)

    node.start_guest(GAMMA)

    eventually(lambda: instance_is_ready(person, GAMMA, chosen))
    assert allocated(person, chosen) == sizes(GAMMA)


def test_an_instance_that_fits_nowhere_is_told_what_is_missing(person: Person) -> None:
    body = instance(Guest(name="huge", uuid="5a4f0b6e-0c1b-4d7f-9c58-5c2f4c1a0004", memory_mib=1_000_000), "n1")
    person.apply(body)

    eventually(lambda: says(person, "huge", "Claimed", "memoryMiB"))
    person.kubectl("delete", "instance", "huge")


def test_a_guest_moves_live_and_both_ends_are_charged_until_it_has(person: Person) -> None:
    n1, n2 = person.lab.nodes
    person.apply(migration(ALPHA, "n2"))
    eventually(lambda: holds(person, "n2", ALPHA, {"Incoming"}))
    eventually(lambda: ticks(n1))

    seen = set()
    moving = n1.migrate(ALPHA, n2, bandwidth_mib=BANDWIDTH)
    while moving.poll() is None:
        seen.add((frozenset(roles(person.node("n1"), ALPHA.uuid)), frozenset(roles(person.node("n2"), ALPHA.uuid))))
    said = moving.communicate()[0]

    assert moving.returncode == 0, said
    # At each look: the source held it, and so did the target.
    assert (frozenset({"Running"}), frozenset({"Incoming"})) in seen
    assert all(source and target for source, target in seen), seen


def test_after_the_move_it_counts_on_and_only_its_new_host_holds_it(person: Person) -> None:
    n1, n2 = person.lab.nodes

    eventually(lambda: instance_is_ready(person, ALPHA, "n2"))
    eventually(lambda: holds(person, "n2", ALPHA, {"Running"}))
    eventually(lambda: holds(person, "n1", ALPHA, set()))
    eventually(lambda: says(person, ALPHA.name, "Completed", "", kind="migration"))
    eventually(lambda: ticks(n2))
    before, after = numbers(n1.said(ALPHA)), numbers(n2.said(ALPHA))
    assert after[0] > before[-1]
    assert after == list(range(after[0], after[0] + len(after)))
    assert allocated(person, "n1") == sizes(BETA)
    assert allocated(person, "n2") == sizes(ALPHA, GAMMA)


def instance(guest: Guest, node: str | None = None) -> Object:
    spec: Object = {"uuid": guest.uuid, "resources": {"vcpus": guest.vcpus, "memoryMiB": guest.memory_mib}}
    if node:
        spec["computeNodeName"] = node
    return named("Instance", guest.name, spec)


def migration(guest: Guest, target: str) -> Object:
    spec = {"instanceName": guest.name, "type": "Live", "targetComputeNodeName": target}
    return named("Migration", guest.name, spec)


def named(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec}


@contextmanager
def scheduler(person: Person) -> Iterator[None]:
    """The one in examples/, as a program of its own."""
    environment = {**os.environ, "KUBECONFIG": str(person.lab.cluster.kubeconfig)}
    with (person.lab.directory / "scheduler.log").open("wb") as log:
        program = str(ROOT / "examples" / "scheduler" / "scheduler.py")
        running = subprocess.Popen([sys.executable, program], env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            running.kill()
            running.wait()


def orphans_are(person: Person, node: str, guests: list[Guest]) -> None:
    host = person.node(node)
    listed = {each["uuid"] for each in host["status"]["report"].get("guests", [])}
    orphans = host["status"]["ledger"]["orphans"]
    assert {guest.uuid for guest in guests} <= listed
    assert orphans["count"] == len(guests)
    assert {key: orphans["resources"][key] for key in ("vcpus", "memoryMiB")} == sizes(*guests)


def allocated(person: Person, node: str) -> dict[str, int]:
    held = person.node(node)["status"]["ledger"]["allocated"]
    return {key: held[key] for key in ("vcpus", "memoryMiB")}


def sizes(*guests: Guest) -> dict[str, int]:
    return {"vcpus": sum(each.vcpus for each in guests), "memoryMiB": sum(each.memory_mib for each in guests)}


def claimed(person: Person, guest: Guest) -> None:
    assert condition(person.get("instance", guest.name), "Claimed").get("status") == "True"


def instance_is_ready(person: Person, guest: Guest, node: str) -> None:
    found: dict[str, Any] = person.get("instance", guest.name)
    assert found["status"]["computeNodeName"] == node
    assert condition(found, "Ready").get("status") == "True", condition(found, "Ready")


def holds(person: Person, node: str, guest: Guest, expected: set[str]) -> None:
    assert roles(person.node(node), guest.uuid) == expected


def says(person: Person, name: str, type_: str, text: str, kind: str = "instance") -> None:
    told = condition(person.get(kind, name), type_)
    assert text in told.get("message", "") if text else told.get("status") == "True", told


def ticks(node: Node) -> None:
    assert len(numbers(node.said(ALPHA))) > 2
