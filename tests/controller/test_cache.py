"""Which objects each change concerns."""

import json
from typing import Any

import pytest

from hypertally.api.names import HOSTS_ANNOTATION
from hypertally.controller.cache import Cache
from hypertally.controller.queue import Subject, Task
from tests.support.samples import NOW, condition, guest, report, uuid

NODE_1, NODE_2 = Task(Subject.NODE, "n1"), Task(Subject.NODE, "n2")
INSTANCE, MIGRATION = Task(Subject.INSTANCE, "ns/i"), Task(Subject.MIGRATION, "ns/m")
TWIN = Task(Subject.INSTANCE, "ns/twin")


class Told:
    def __init__(self) -> None:
        self.tasks: set[Task] = set()
        self.now = 0.0
        self.cache = Cache(self.tasks.add, lambda: self.now, 50.0)

    def grow_silent(self) -> None:
        """No agent has a Lease for longer than the grace."""
        self.now += 51.0
        self.cache.agents.confirm([])
        self.cache.notice_silence()

    def since(self) -> set[Task]:
        """What was enqueued since the last question."""
        found = set(self.tasks)
        self.tasks.clear()
        return found


@pytest.fixture
def told() -> Told:
    return Told()


def meta(name: str, version: int, namespace: str = "") -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "uid": f"u-{name}", "resourceVersion": str(version)}


def node(name: str, version: int = 1, host: str = "") -> dict[str, Any]:
    return {
        "metadata": meta(name, version),
        "spec": {"hypervisorHostname": name, "hostUUID": host or f"h-{name}", "nodeName": f"k-{name}"},
    }


def instance(node: str, version: int = 1, name: str = "i") -> dict[str, Any]:
    spec = {"uuid": uuid(1), "resources": {"vcpus": 1, "memoryMiB": 1}, "computeNodeName": node}
    return {"metadata": meta(name, version, "ns"), "spec": spec}


def migration(target: str) -> dict[str, Any]:
    spec = {"instanceName": "i", "type": "Live", "targetComputeNodeName": target}
    return {"metadata": meta("m", 1, "ns"), "spec": spec}


def test_who_begins_to_work_looks_at_everything_once(told: Told) -> None:
    told.cache.nodes.put(node("n1"))
    told.cache.instances.put(instance("n1"))
    told.cache.migrations.put(migration("n2"))
    told.since()
    told.cache.enqueue_everything()
    assert told.since() == {NODE_1, INSTANCE, MIGRATION}


def test_who_begins_to_work_looks_first_at_hosts_that_somebody_waits_for() -> None:
    tasks: list[Task] = []
    cache = Cache(tasks.append, lambda: 0.0, 50.0)
    for name in ("n1", "n2", "n3"):
        cache.nodes.put(node(name))
    cache.instances.put(instance("n3"))
    cache.instances.put(instance("n1", name="at-home") | {"status": {"computeNodeName": "n1"}})
    tasks.clear()
    cache.enqueue_everything()
    assert [task.key for task in tasks if task.subject is Subject.NODE] == ["n3", "n1", "n2"]


def test_an_instance_concerns_itself_and_the_nodes_it_names_and_named(told: Told) -> None:
    told.cache.instances.put(instance("n1"))
    assert told.since() == {INSTANCE, NODE_1}
    told.cache.instances.put(instance("n2", 2))
    assert told.since() == {INSTANCE, NODE_1, NODE_2}
    told.cache.instances.remove(instance("n2", 3))
    assert told.since() == {INSTANCE, NODE_2}


def test_what_is_only_told_of_an_instance_concerns_no_node(told: Told) -> None:
    told.cache.instances.put(instance("n1"))
    told.since()
    claimed = {"type": "Claimed", "status": "True", "reason": "Granted", "lastTransitionTime": NOW}
    told.cache.instances.put(instance("n1", 2) | {"status": {"powerState": "Running", "conditions": [claimed]}})
    assert told.since() == {INSTANCE}
    told.cache.instances.put(instance("n1", 3) | {"status": {"computeNodeName": "n1"}})
    assert told.since() == {INSTANCE, NODE_1}


def test_an_instance_concerns_others_of_its_uuid(told: Told) -> None:
    told.cache.instances.put(instance("n1", name="twin"))
    told.since()
    told.cache.instances.put(instance("n1"))
    assert told.since() == {INSTANCE, TWIN, NODE_1}


def test_a_migration_concerns_itself_and_its_instance_and_changes_with_it(told: Told) -> None:
    told.cache.migrations.put(migration("n2"))
    assert told.since() == {MIGRATION, INSTANCE}
    told.cache.instances.put(instance("n1"))
    assert told.since() == {INSTANCE, MIGRATION, NODE_1}


def test_a_node_that_comes_or_goes_concerns_who_names_it(told: Told) -> None:
    told.cache.instances.put(instance("n1"))
    told.cache.migrations.put(migration("n2"))
    told.since()
    told.cache.nodes.put(node("n1"))
    assert told.since() == {NODE_1, INSTANCE, MIGRATION}
    told.cache.nodes.put(node("n1", 2))
    assert told.since() == {NODE_1}
    told.cache.nodes.put(node("n2"))
    assert told.since() == {NODE_2, MIGRATION, INSTANCE}, "who accepts the move"
    told.cache.nodes.remove(node("n1", 3))
    assert told.since() == {NODE_1, INSTANCE, MIGRATION}


def test_an_agent_that_falls_silent_concerns_its_node_and_who_names_it_once(told: Told) -> None:
    told.cache.nodes.put(node("n1"))
    told.cache.instances.put(instance("n1"))
    told.cache.notice_silence()
    told.since()
    told.grow_silent()
    assert told.since() == {NODE_1, INSTANCE}
    told.cache.notice_silence()
    assert told.since() == set()


def test_an_agent_that_comes_back_and_falls_silent_again_between_two_looks_is_noticed(told: Told) -> None:
    told.cache.nodes.put(node("n1"))
    told.cache.notice_silence()
    told.grow_silent()
    told.since()
    told.cache.agents.put({"metadata": {"name": "k-n1", "resourceVersion": "2"}, "spec": {"holderIdentity": "h"}})
    assert told.since() == {NODE_1}, "it is back"
    told.now = 102.0
    told.cache.agents.confirm([{"metadata": {"name": "k-n1", "resourceVersion": "2"}, "spec": {"holderIdentity": "h"}}])
    told.cache.notice_silence()
    assert told.since() == {NODE_1}, "and silent again"


def test_a_record_that_comes_goes_or_is_let_go_concerns_others_of_its_host(told: Told) -> None:
    told.cache.nodes.put(node("n1", host="h"))
    told.since()
    told.cache.nodes.put(node("n2", host="h"))
    assert told.since() == {NODE_1, NODE_2}
    told.cache.nodes.put(node("n2", 2, host="h") | {"status": {"conditions": [condition("HypervisorServed", "False")]}})
    assert told.since() == {NODE_1, NODE_2}
    told.cache.nodes.remove(node("n2", 3, host="h"))
    assert told.since() == {NODE_1, NODE_2}


def test_a_host_that_an_agent_finds_concerns_the_record_that_stands_for_it(told: Told) -> None:
    told.cache.nodes.put(node("n1"))
    told.cache.nodes.put(node("n2"))
    told.since()
    found = json.dumps({"n2": {"hostUUID": "h-n1", "hypervisorHostname": "x"}})
    lease = {"name": "k-n2", "resourceVersion": "1", "annotations": {HOSTS_ANNOTATION: found}}
    told.cache.agents.put({"metadata": lease, "spec": {}})
    assert told.since() >= {NODE_1, NODE_2}


def test_a_word_of_the_operator_concerns_who_waits_for_it(told: Told) -> None:
    told.cache.instances.put(instance("n1"))
    told.cache.migrations.put(migration("n1"))
    told.cache.nodes.put(node("n1"))
    told.since()
    closed = node("n1", 2)
    closed["spec"]["schedulable"] = "Disabled"
    told.cache.nodes.put(closed)
    assert told.since() == {NODE_1, INSTANCE, MIGRATION}


def test_a_name_that_a_crowd_has_costs_nothing(told: Told) -> None:
    for number in range(60):
        told.cache.nodes.put(
            node(f"n{number}") | {"spec": node(f"n{number}")["spec"] | {"hypervisorHostname": "localhost"}}
        )
    told.since()
    told.cache.nodes.put(node("last") | {"spec": node("last")["spec"] | {"hypervisorHostname": "localhost"}})
    assert told.since() == {Task(Subject.NODE, "last")}


def test_a_guest_is_accounted_once_its_instance_has_a_home(told: Told) -> None:
    told.cache.instances.put(instance("n1"))
    assert uuid(1) in told.cache.declared
    assert uuid(1) not in told.cache.accounted
    told.cache.instances.put(instance("n1", 2) | {"status": {"computeNodeName": "n1"}})
    assert uuid(1) in told.cache.accounted
    assert uuid(2) not in told.cache.accounted


def accounted(version: int, devices: int, *claims: dict[str, Any]) -> dict[str, Any]:
    """A node with so many free devices and no room besides."""
    none = {"vcpus": 0, "memoryMiB": 0, "diskMiB": 0}
    pool = {"vendorID": "8086", "productID": "10ed", "type": "VF", "free": devices}
    ledger = {
        "generation": version, "observedReportGeneration": version, "observedGeneration": 1, "claims": claims,
        "allocatable": none, "allocated": none, "free": none, "instances": 0,
        "orphans": {"count": 0, "resources": none}, "freeDevices": [pool],
    }  # fmt: skip
    return node("n1", version) | {"status": {"ledger": ledger}}


def test_an_instance_that_waits_for_room_is_looked_at_when_devices_alone_become_free(told: Told) -> None:
    """What it is told of them would stay as it was when it came."""
    told.cache.instances.put(instance("n1"))
    told.cache.nodes.put(accounted(1, devices=0))
    told.since()
    told.cache.nodes.put(accounted(2, devices=0))
    assert told.since() == {NODE_1}
    told.cache.nodes.put(accounted(3, devices=1))
    assert told.since() == {NODE_1, INSTANCE}


@pytest.mark.parametrize(("overcommitted", "concerned"), [(False, {NODE_1}), (True, {NODE_1, INSTANCE})])
def test_an_instance_at_home_is_looked_at_when_room_changes_only_if_it_is_told_of_it(
    told: Told, overcommitted: bool, concerned: set[Task]
) -> None:
    """By how much the host is above what is allocatable stood there as it was when the claim came."""
    claim = {
        "uuid": uuid(1), "role": "Running", "namespace": "ns", "name": "i", "instanceUID": "u-i",
        "resources": {"vcpus": 1, "memoryMiB": 1, "diskMiB": 0}, "overcommitted": overcommitted,
    }  # fmt: skip
    told.cache.instances.put(instance("n1") | {"status": {"computeNodeName": "n1"}})
    told.cache.nodes.put(accounted(1, 0, claim))
    told.since()
    told.cache.nodes.put(accounted(2, 1, claim))
    assert told.since() == concerned


def test_an_instance_at_home_without_a_claim_is_looked_at_when_room_changes(told: Told) -> None:
    told.cache.instances.put(instance("n1") | {"status": {"computeNodeName": "n1"}})
    told.cache.nodes.put(accounted(1, devices=0))
    told.since()
    told.cache.nodes.put(accounted(2, devices=1))
    assert told.since() == {NODE_1, INSTANCE}


def test_a_host_that_is_no_longer_served_concerns_who_names_it(told: Told) -> None:
    """What it listed last is no evidence any more against a guest elsewhere: a move may end with that."""
    told.cache.instances.put(instance("n1"))
    told.cache.nodes.put(node("n1"))
    told.since()
    told.cache.nodes.put(node("n1", 2) | {"status": {"conditions": [condition("HypervisorServed", "False")]}})
    assert told.since() == {NODE_1, INSTANCE}


def seen(version: int, *, of_ledger: int, of_report: int) -> dict[str, Any]:
    """A node without claims whose ledger has seen one report and which has that one."""
    found = accounted(version, 0)
    found["status"]["ledger"]["observedReportGeneration"] = of_ledger
    found["status"]["report"] = report(of_report, guests=[])
    return found


def test_a_ledger_that_catches_up_concerns_who_is_at_home_there_without_a_claim(told: Told) -> None:
    """Only a ledger that has seen its report is believed to hold nothing for him, and nothing else need be new then."""
    told.cache.instances.put(instance("n1") | {"status": {"computeNodeName": "n1"}})
    told.cache.nodes.put(seen(1, of_ledger=5, of_report=6))
    told.since()
    told.cache.nodes.put(seen(2, of_ledger=6, of_report=6))
    assert told.since() == {NODE_1, INSTANCE}
    told.cache.nodes.put(seen(3, of_ledger=6, of_report=6))
    assert told.since() == {NODE_1}


def test_an_instance_that_goes_concerns_the_node_of_its_twin(told: Told) -> None:
    """Who is the elder now may take its place, on another node."""
    told.cache.instances.put(instance("n2", name="twin"))
    told.cache.instances.put(instance("n1"))
    told.since()
    told.cache.instances.remove(instance("n1", 2))
    assert told.since() == {INSTANCE, TWIN, NODE_1, NODE_2}


def test_a_host_that_comes_back_concerns_who_it_lists_and_does_not_name_it(told: Told) -> None:
    """What it lists is evidence of where a guest is, now that it is no longer of old."""
    told.cache.instances.put(instance("n2"))
    told.cache.nodes.put(node("n1") | {"status": {"report": report(guests=[guest(1)])}})
    told.cache.notice_silence()
    told.grow_silent()
    told.since()
    told.cache.agents.put({"metadata": {"name": "k-n1", "resourceVersion": "2"}, "spec": {"holderIdentity": "h"}})
    assert told.since() == {NODE_1, INSTANCE}


def test_a_first_sign_of_life_concerns_a_node_without_a_ledger(told: Told) -> None:
    """It may still be told as silent, from before this program started."""
    told.cache.nodes.put(node("n1"))
    told.since()
    told.cache.agents.put({"metadata": {"name": "k-n1", "resourceVersion": "2"}, "spec": {"holderIdentity": "h"}})
    assert told.since() == {NODE_1}


def test_an_agent_that_falls_silent_concerns_the_record_whose_host_it_found(told: Told) -> None:
    told.cache.nodes.put(node("n1"))
    told.cache.nodes.put(node("n2"))
    told.cache.agents.put(finds("k-n1", 1, {"n1": "h-n2"}))
    told.cache.notice_silence()
    told.now = 51.0
    told.cache.agents.put(finds("k-n2", 2, {}))
    told.cache.agents.confirm([finds("k-n1", 1, {"n1": "h-n2"}), finds("k-n2", 2, {})])
    told.since()
    told.cache.notice_silence()
    assert told.since() == {NODE_1, NODE_2}


def test_a_migration_that_is_over_is_not_looked_at_again(told: Told) -> None:
    told.cache.migrations.put(migration("n1") | {"status": {"conditions": [condition("Completed")]}})
    told.since()
    told.cache.nodes.put(node("n1"))
    assert told.since() == {NODE_1}


def test_a_first_ledger_concerns_the_moves_to_its_node(told: Told) -> None:
    """None of them was accepted before."""
    told.cache.migrations.put(migration("n1"))
    told.cache.nodes.put(node("n1") | {"status": {"report": report(1, guests=[])}})
    told.since()
    told.cache.nodes.put(seen(2, of_ledger=1, of_report=1))
    assert told.since() == {NODE_1, MIGRATION, INSTANCE}


def finds(agent: str, version: int, found: dict[str, str]) -> dict[str, Any]:
    """A Lease that says to which host each connection of the agent leads."""
    hosts = {name: {"hostUUID": host, "hypervisorHostname": "x"} for name, host in found.items()}
    annotations = {HOSTS_ANNOTATION: json.dumps(hosts)}
    return {"metadata": {"name": agent, "resourceVersion": str(version), "annotations": annotations}, "spec": {}}


def test_no_agent_hides_a_conflict_of_others_by_what_it_says_of_their_names(told: Told) -> None:
    for name in ("n1", "n2", "n3"):
        told.cache.nodes.put(node(name))
    told.cache.agents.put(finds("k-n1", 1, {"n1": "h-n2"}))
    told.cache.agents.put(finds("k-n3", 2, {"n1": "h-n4", **{f"x{number}": "h-n2" for number in range(60)}}))
    second = told.cache.nodes.get("n2")
    assert second is not None
    assert [peer.name for peer in told.cache.namesakes.neighbours(second, silent=False).same_uuid] == ["n1"]
    assert told.cache.namesakes.of(second) == {"n1"}
