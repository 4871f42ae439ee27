"""Typed copies: the newest version wins, whoever brings it."""

import json
from typing import Any

from hypertally.api.compute_node import ComputeNode
from hypertally.controller.store import Store
from tests.support.samples import compute_node


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


def test_the_answer_to_a_write_is_known_at_once_and_brings_back_nothing_that_is_gone() -> None:
    held = Held()
    held.store.put(node(1))
    held.store.renew(node(2))
    held.store.renew(node(3, uid="u2"))
    assert held.changes == [("", "1"), ("1", "2")]
    held.store.remove(node(2))
    held.store.renew(node(4))
    assert held.store.get("n1") is None


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
    held.store.keep(held.store.take([node(7)]))
    assert held.changes[2:] == [("50", "7"), ("51", "")]
    assert len(held.store) == 1


def test_a_list_drops_what_it_has_not_but_nothing_that_came_after_it() -> None:
    held = Held()
    held.store.put(node(9, "old", "u1"))
    held.store.put(node(11, "kept", "u2"))
    held.store.put(node(21, "young", "u3"))
    held.store.keep_only(frozenset({"u2"}), "20")
    assert sorted(one.metadata.name for one in held.store) == ["kept", "young"]


def test_what_objects_have_in_common_is_kept_once() -> None:
    held, fresh = Held(), json.dumps(compute_node("n1"))
    held.store.put(json.loads(fresh) | {"metadata": {"name": "n1", "uid": "u1", "resourceVersion": "1"}})
    held.store.put(json.loads(fresh) | {"metadata": {"name": "n2", "uid": "u2", "resourceVersion": "2"}})
    one, other = (node.status for node in held.store)
    assert one.report is not None
    assert other.report is not None
    assert one.ledger is not None
    assert one.conditions[0].message is other.conditions[0].message
    assert one.report.guests[0].uuid is other.report.guests[0].uuid is one.ledger.claims[0].uuid


def test_an_object_of_another_shape_is_left_out_and_hinders_nobody() -> None:
    held = Held()
    broken = [{"status": []}, {"status": {"conditions": 1, "report": {"guests": [1], "cpu": {"features": [1]}}}}, []]
    held.store.take([node(1), *broken])  # type: ignore[list-item]  # what a server would never send
    assert len(held.store) == 1


def test_a_version_that_is_held_already_is_not_read_again() -> None:
    held = Held()
    held.store.put(node(5))
    repeated = node(5)
    del repeated["spec"]  # would be an error, if it were read
    assert held.store.take([repeated]) == {"n1"}
    held.store.put(repeated)
    assert held.changes == [("", "5")]
