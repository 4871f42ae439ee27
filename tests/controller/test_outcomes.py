"""The next ledger of a node, and what it refuses, is counted once for all who ask."""

from typing import Any
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from hypertally.api.compute_node import ComputeNode, Role
from hypertally.api.instance import Instance
from hypertally.controller import outcomes
from hypertally.controller.outcomes import Outcomes
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger
from tests.ledger.make import claim, guest, instance, node
from tests.ledger.make import look as at_audit


def version(of: ComputeNode, number: int) -> ComputeNode:
    return replace(of, metadata=replace(of.metadata, resource_version=str(number)))


class Counted:
    """How often a node was counted."""

    def __init__(self) -> None:
        self.outcomes = Outcomes()
        self.times = 0
        self.outcome: Outcome | None = None

    def ask(self, on: ComputeNode, *owners: Instance, **more: Any) -> set[str]:
        def count(inputs: Inputs) -> Outcome | None:
            self.times += 1
            return next_ledger(inputs)

        with patch.object(outcomes, "next_ledger", count):
            self.outcome = self.outcomes.of(Inputs(on, {o.spec.uuid: o for o in owners}, **more))
        return set(self.outcome.refusals) if self.outcome else set()

    def orphans(self) -> int:
        assert self.outcome is not None
        return self.outcome.ledger.orphans.count


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


def test_another_content_is_another_node_whatever_its_version_says() -> None:
    counted = Counted()
    assert counted.ask(FULL, HELD, instance("a")) == {"a"}
    assert counted.ask(version(node(capacity=2, claims=[claim("held")]), 1), HELD, instance("a")) == set()
    assert counted.times == 2


def test_a_guest_that_becomes_declared_is_counted_again_and_others_are_not() -> None:
    counted, listing = Counted(), version(node(capacity=2, guests=[guest("g")]), 1)
    counted.ask(listing, declared={"elsewhere"})
    assert counted.orphans() == 1
    counted.ask(listing, declared={"somewhere"})
    assert counted.times == 1
    counted.ask(listing, declared={"g"})
    assert counted.orphans() == 0
    assert counted.times == 2


@pytest.mark.parametrize("owners", [(), (HELD,)])
def test_what_is_frozen_is_counted_again(owners: tuple[Instance, ...]) -> None:
    counted = Counted()
    counted.ask(FULL, *owners)
    counted.ask(FULL, *owners, frozen={"elsewhere"})
    assert counted.times == 1
    counted.ask(FULL, *owners, frozen={"held"})
    assert counted.times == 2


def test_the_agents_lease_counts_where_something_waits_for_its_proof() -> None:
    counted, waiting = Counted(), version(node(capacity=1, claims=[claim("gone", Role.LEAVING)]), 1)
    for look in (None, at_audit(1), at_audit(2), at_audit(2)):
        counted.ask(waiting, look=look)
    assert counted.times == 3
    for look in (None, at_audit(1), at_audit(2)):
        counted.ask(FULL, HELD, look=look)
    assert counted.times == 4


def test_no_ledger_is_remembered_like_any_other_outcome() -> None:
    counted, unknown = Counted(), version(node(capacity=None), 1)
    counted.ask(unknown)
    counted.ask(unknown)
    assert counted.outcome is None
    assert counted.times == 1


def test_only_the_nodes_that_were_asked_for_last_are_kept() -> None:
    counted = Counted()
    for number in range(outcomes._NODES_MAX + 1):
        counted.ask(version(node(f"n{number}", capacity=1), 1), instance("a", bound=f"n{number}"))
    counted.ask(version(node("n0", capacity=1), 1), instance("a", bound="n0"))
    assert counted.times == outcomes._NODES_MAX + 2
