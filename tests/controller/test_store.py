"""Typed copies: the newest version wins, whoever brings it."""

from typing import Any

from hypertally.api.compute_node import ComputeNode
from hypertally.controller.store import Store


def node(version: int, name: str = "n1", uid: str = "u1") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": uid, "resourceVersion": str(version)},
        "spec": {"hypervisorHostname": name, "hostUUID": "h", "nodeName": "k"},
    }


class Held:
    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.store = Store(ComputeNode, lambda old, new: self.changes.append((self.version(old), self.version(new))))

    @staticmethod
    def version(one: ComputeNode | None) -> str:
        return one.metadata.resource_version if one else ""


def test_an_older_or_the_same_version_changes_nothing() -> None:
    held = Held()
    for version in (9, 9, 8, 10):
        held.store.put(node(version))
    assert held.changes == [("", "9"), ("9", "10")]


def test_the_deletion_of_another_object_of_that_name_is_not_this_ones() -> None:
    held = Held()
    held.store.put(node(2, uid="new"))
    held.store.remove(node(3, uid="old"))
    assert held.store.get("n1")
    held.store.remove(node(4, uid="new"))
    assert held.changes == [("", "2"), ("2", "")]


def test_one_made_anew_under_its_name_is_told_as_gone_and_come() -> None:
    held = Held()
    held.store.put(node(5, uid="old"))
    held.store.put(node(6, uid="new"))
    assert held.changes == [("", "5"), ("5", ""), ("", "6")]


def test_a_full_list_is_right_even_with_lower_versions_and_what_it_has_not_is_gone() -> None:
    held = Held()
    held.store.put(node(50))
    held.store.put(node(51, "n2", "u2"))
    held.store.replace([node(7)])
    assert held.changes[2:] == [("50", "7"), ("51", "")]
    assert len(held.store) == 1


def test_a_list_drops_what_it_has_not_but_nothing_that_came_after_it() -> None:
    held = Held()
    held.store.put(node(9, "old", "u1"))
    held.store.put(node(11, "kept", "u2"))
    held.store.put(node(21, "young", "u3"))
    held.store.keep_only(frozenset({"u2"}), "20")
    assert sorted(one.metadata.name for one in held.store) == ["kept", "young"]
