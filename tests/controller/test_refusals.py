"""What nodes refuse is counted once for all who wait."""

from unittest.mock import patch

from msgspec.structs import replace

from hypertally.api.compute_node import ComputeNode
from hypertally.api.instance import Instance
from hypertally.controller import refusals
from hypertally.controller.refusals import Refusals
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger
from tests.ledger.make import claim, instance, node


def version(of: ComputeNode, number: int) -> ComputeNode:
    return replace(of, metadata=replace(of.metadata, resource_version=str(number)))


class Counted:
    """How often a node was counted."""

    def __init__(self) -> None:
        self.refusals = Refusals()
        self.times = 0

    def ask(self, on: ComputeNode, *owners: Instance) -> set[str]:
        def count(inputs: Inputs) -> Outcome | None:
            self.times += 1
            return next_ledger(inputs)

        with patch.object(refusals, "next_ledger", count):
            return set(self.refusals.of(on, {o.spec.uuid: o for o in owners}))


FULL = version(node(capacity=1, claims=[claim("held")]), 1)
HELD = instance("held", home="n0")


def test_all_who_wait_are_answered_by_one_count() -> None:
    counted, waiting = Counted(), [HELD, *(instance(uuid) for uuid in "abc")]
    assert [counted.ask(FULL, *waiting) for _ in waiting] == [{"a", "b", "c"}] * 4
    assert counted.times == 1


def test_one_that_was_told_that_it_waits_changes_no_count() -> None:
    counted, waiting = Counted(), instance("a")
    counted.ask(FULL, HELD, waiting)
    told = replace(
        waiting,
        metadata=replace(waiting.metadata, resource_version="7"),
        status=replace(waiting.status, refused_compute_node_name="n0"),
    )
    assert counted.ask(FULL, HELD, told) == {"a"}
    assert counted.times == 1


def test_another_version_of_the_node_or_another_owner_is_counted_again() -> None:
    counted = Counted()
    assert counted.ask(FULL, HELD, instance("a")) == {"a"}
    assert counted.ask(version(node(capacity=2, claims=[claim("held")]), 2), HELD, instance("a")) == set()
    assert counted.ask(FULL, HELD, instance("a"), instance("b")) == {"a", "b"}
    smaller = replace(instance("a", resources=0), metadata=replace(instance("a").metadata, generation=2))
    assert counted.ask(FULL, HELD, smaller) == set()
    assert counted.times == 4


def test_a_node_of_the_same_name_made_anew_is_another() -> None:
    counted = Counted()
    counted.ask(FULL, HELD, instance("a"))
    other = replace(FULL, metadata=replace(FULL.metadata, uid="another"))
    counted.ask(other, HELD, instance("a"))
    assert counted.times == 2


def test_only_the_nodes_that_were_asked_for_last_are_kept() -> None:
    counted = Counted()
    for number in range(refusals._NODES_MAX + 1):
        counted.ask(version(node(f"n{number}", capacity=1), 1), instance("a", bound=f"n{number}"))
    counted.ask(version(node("n0", capacity=1), 1), instance("a", bound="n0"))
    assert counted.times == refusals._NODES_MAX + 2
