"""The lane's guests, what is declared of them, and what a host's ledger says of them."""

from typing import Any

from devnodes import Node
from devnodes.guest import Guest, numbers
from hypertally.api.names import API_VERSION
from tests.lane.person import Object, Person, condition, eventually, roles

#: On n1 and, in the end, on n2.
ALPHA = Guest(name="alpha", uuid="5a4f0b6e-0c1b-4d7f-9c58-5c2f4c1a0001", memory_mib=96)
#: Nobody ever declares it.
BETA = Guest(name="beta", uuid="5a4f0b6e-0c1b-4d7f-9c58-5c2f4c1a0002", vcpus=2)
#: The example scheduler finds a place for it.
GAMMA = Guest(name="gamma", uuid="5a4f0b6e-0c1b-4d7f-9c58-5c2f4c1a0003")
#: Comes and goes.
DELTA = Guest(name="delta", uuid="5a4f0b6e-0c1b-4d7f-9c58-5c2f4c1a0004", memory_mib=32)


def instance(guest: Guest, node: str | None = None) -> Object:
    spec: Object = {"uuid": guest.uuid, "resources": {"vcpus": guest.vcpus, "memoryMiB": guest.memory_mib}}
    if node:
        spec["computeNodeName"] = node
    return named("Instance", guest.name, spec)


def migration(guest: Guest, target: str) -> Object:
    spec = {"instanceName": guest.name, "type": "Live", "targetComputeNodeName": target}
    return named("Migration", guest.name, spec)


def named(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def hosts_are_ready(person: Person) -> None:
    hosts: list[Object] = person.get("computenodes")
    ready = {host["metadata"]["name"]: condition(host, "Ready").get("status") for host in hosts}
    assert ready == {"n1": "True", "n2": "True"}


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


def charged(person: Person, node: str, *guests: Guest) -> None:
    assert allocated(person, node) == sizes(*guests)


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


def node_says(person: Person, node: str, type_: str, status: str) -> None:
    told = condition(person.node(node), type_)
    assert told.get("status") == status, told


def counts(node: Node, guest: Guest) -> list[int]:
    """What the guest has counted to on that node since it started or came there."""
    return numbers(node.said(guest))


def goes_on_counting(node: Node, guest: Guest) -> None:
    before = len(counts(node, guest))
    eventually(lambda: has_counted(node, guest, before + 2))


def has_counted(node: Node, guest: Guest, many: int) -> None:
    assert len(counts(node, guest)) > many
