"""What a write of a ComputeNode proves to the Instances that wait for it."""

from collections.abc import Callable

from msgspec.structs import replace

from hypertally.api.compute_node import ComputeNode
from hypertally.api.decode import decode
from hypertally.api.instance import Instance
from hypertally.controller.written import WrittenNodes
from tests.support.samples import Object, uuid


def node(version: str, uid: str = "u") -> Object:
    spec = {"hypervisorHostname": "n", "hostUUID": "h", "nodeName": "k"}
    return {"metadata": {"name": "n", "uid": uid, "resourceVersion": version, "generation": 1}, "spec": spec}


def typed(version: str) -> ComputeNode:
    return decode(node(version), ComputeNode)


def instance(version: str = "5", uid: str = "i") -> Instance:
    resources = {"vcpus": 1, "memoryMiB": 1024, "rootDiskMiB": 10240}
    metadata = {"name": "i", "namespace": "ns", "uid": uid, "resourceVersion": version, "generation": 1}
    return decode({"metadata": metadata, "spec": {"uuid": uuid(1), "resources": resources}}, Instance)


def written(*known: Instance, version: str = "9", clock: Callable[[], float] | None = None) -> WrittenNodes:
    nodes = WrittenNodes(clock or (lambda: 0.0))
    nodes.note(node(version), known)
    return nodes


def test_a_node_that_was_written_after_an_instance_was_known_is_new_enough_for_it() -> None:
    assert written(instance()).is_after(typed("9"), instance())


def test_so_is_any_later_version_of_the_node() -> None:
    assert written(instance()).is_after(typed("12"), instance())


def test_an_instance_that_changed_since_may_have_lost_what_the_node_held_for_it() -> None:
    assert not written(instance("5")).is_after(typed("9"), instance("6"))


def test_another_instance_of_that_version_is_another() -> None:
    assert not written(instance(uid="i")).is_after(typed("9"), instance(uid="j"))


def test_a_node_that_others_wrote_proves_nothing() -> None:
    assert not WrittenNodes(lambda: 0.0).is_after(typed("9"), instance())


def test_a_cache_that_fell_behind_the_write_proves_nothing() -> None:
    assert not written(instance()).is_after(typed("8"), instance())


def test_the_last_write_of_a_node_counts() -> None:
    nodes = written(instance("5"))
    nodes.note(node("11"), [instance("6")])
    assert not nodes.is_after(typed("11"), instance("5"))
    assert nodes.is_after(typed("11"), instance("6"))


def test_versions_are_numbers() -> None:
    assert written(instance(), version="9").is_after(typed("10"), instance())


def test_a_node_that_is_gone_is_forgotten() -> None:
    nodes = written(instance())
    nodes.forget("n")
    assert not nodes.is_after(typed("9"), instance())
    nodes.forget("n")


def test_a_node_with_no_instances_waiting_is_new_enough_for_nobody() -> None:
    gone = replace(instance(), metadata=replace(instance().metadata, uid="gone"))
    assert not written().is_after(typed("9"), gone)


def test_another_node_of_that_name_was_not_written() -> None:
    made_anew = decode(node("12", uid="another"), ComputeNode)
    assert not written(instance()).is_after(made_anew, instance())


def test_a_write_of_long_ago_proves_nothing_for_history_may_have_become_another() -> None:
    times = iter([100.0, 102.0, 102.1])
    nodes = written(instance(), clock=lambda: next(times))
    assert nodes.is_after(typed("9"), instance())
    assert not nodes.is_after(typed("9"), instance())
