"""The decision table of deletion: with every guard open a record goes; each guard alone is enough to keep it."""

from typing import Any

import pytest
from msgspec.structs import replace as changed

from hypertally.api.compute_node import ComputeNode, NodeCondition
from hypertally.api.conditions import Condition, Status
from hypertally.ledger.collection import (
    Facts,
    Guard,
    Life,
    decide,
    finding,
    fleet_quota,
    is_candidate,
    refusals,
)
from tests.ledger.make import INCOMING, LEAVING, RESERVED, RUNNING, claim, guest, node


def let_go(on: ComputeNode) -> ComputeNode:
    """Its agent says that it serves the host no longer."""
    said = Condition(type=NodeCondition.HYPERVISOR_SERVED, status=Status.FALSE, reason="NotServed")
    others = tuple(c for c in on.status.conditions if c.type != said.type)
    return changed(on, status=changed(on.status, conditions=(*others, said)))


def going(on: ComputeNode | None = None, **other: Any) -> Facts:
    """A host that went without a word, with every guard open."""
    facts: dict[str, Any] = {
        "node": on or node(), "switched_on": True, "kept_by_annotation": False, "lists_complete": True,
        "agent": Life.SILENT, "node_exists": False, "records_alive": (), "accounted": (), "instances": (),
        "migrations": (), "gone_for": 1800.0, "keep": 1800.0, "confirmed": True, "quota": 1,
    }  # fmt: skip
    return Facts(**(facts | other))


def released(on: ComputeNode | None = None, **other: Any) -> Facts:
    """One that its agent let go, with every guard open: nobody asked for Kubernetes nodes, and no time has passed."""
    facts: dict[str, Any] = {"agent": Life.LIVES, "node_exists": True, "gone_for": 0.0}
    return going(let_go(on or node()), **(facts | other))


def shut(facts: Facts) -> list[Guard]:
    return [verdict.guard for verdict in refusals(decide(facts))]


def test_a_silent_host_whose_node_is_gone_goes_after_its_time() -> None:
    assert shut(going()) == []


def test_a_host_that_its_living_agent_let_go_goes_without_the_wait() -> None:
    assert shut(released()) == []


DELETED = changed(node(), metadata=changed(node().metadata, deletion_timestamp="2026-11-22T15:00:00Z"))
ALONE: list[tuple[Guard, dict[str, Any]]] = [
    (Guard.PAUSED, {"switched_on": False}),
    (Guard.PAUSED, {"kept_by_annotation": True}),
    (Guard.LISTS_INCOMPLETE, {"lists_complete": False}),
    (Guard.BEING_DELETED, {"on": DELETED}),
    (Guard.ORPHANS_LISTED, {"on": node(guests=[guest("a")])}),
    (Guard.ORPHANS_LISTED, {"on": node(omitted=1)}),
    (Guard.CLAIMS_STAY, {"on": node(claims=[claim("a", RUNNING)])}),
    (Guard.CLAIMS_STAY, {"on": node(claims=[claim("a", INCOMING)])}),
    (Guard.CLAIMS_STAY, {"on": node(claims=[claim("a", RESERVED)])}),
    (Guard.INSTANCES_NAME_IT, {"instances": ("default/a",)}),
    (Guard.MIGRATIONS_NAME_IT, {"migrations": ("default/m",)}),
    (Guard.UNCONFIRMED, {"confirmed": False}),
    (Guard.FLEET_LIMIT, {"quota": 0}),
]
ON_THE_LONG_WAY: list[tuple[Guard, dict[str, Any]]] = [
    (Guard.SERVED, {"agent": Life.LIVES}),
    (Guard.AGENT_UNCERTAIN, {"agent": Life.UNKNOWN}),
    (Guard.NODE_UNKNOWN, {"node_exists": None}),
    (Guard.NODE_EXISTS, {"node_exists": True}),
    (Guard.HOST_UUID_IN_USE, {"records_alive": ("n1",)}),
    (Guard.KEPT_A_WHILE, {"gone_for": 1799.0}),
]


@pytest.mark.parametrize(("guard", "facts"), [*ALONE, *ON_THE_LONG_WAY])
def test_each_guard_alone_keeps_a_silent_host(guard: Guard, facts: dict[str, Any]) -> None:
    assert shut(going(**facts)) == [guard]


@pytest.mark.parametrize(("guard", "facts"), ALONE)
def test_each_guard_alone_keeps_a_host_that_was_let_go(guard: Guard, facts: dict[str, Any]) -> None:
    assert shut(released(**facts)) == [guard]


def test_the_table_has_every_guard() -> None:
    assert {guard for guard, _ in (*ALONE, *ON_THE_LONG_WAY)} == set(Guard)


def test_a_shut_guard_says_what_would_open_it() -> None:
    for guard, facts in (*ALONE, *ON_THE_LONG_WAY):
        (verdict,) = refusals(decide(going(**facts)))
        assert verdict.says.endswith("."), guard
        assert verdict.needs, guard


@pytest.mark.parametrize("life", [Life.SILENT, Life.UNKNOWN])
def test_the_word_of_an_agent_that_may_be_dead_opens_no_short_way(life: Life) -> None:
    """It may have said so long ago, under another configuration."""
    kept = released(agent=life)
    assert {Guard.NODE_EXISTS, Guard.KEPT_A_WHILE} <= set(shut(kept))


def test_what_leaves_does_not_keep_a_record() -> None:
    assert shut(going(node(claims=[claim("a", LEAVING)]))) == []


def test_guests_that_are_accounted_elsewhere_do_not_keep_a_record() -> None:
    assert shut(going(node(guests=[guest("a")]), accounted={"a"})) == []


def test_a_guest_whose_instance_is_accounted_nowhere_keeps_the_record_of_the_only_host_that_lists_it() -> None:
    """An Instance that no scheduler has bound names no record, and this one may be where its guest lives."""
    assert shut(going(node(guests=[guest("a")]), accounted=())) == [Guard.ORPHANS_LISTED]


def test_a_host_without_report_and_ledger_may_go() -> None:
    bare = changed(node(), status=changed(node().status, report=None, ledger=None))
    assert shut(going(bare)) == []


def test_only_a_sign_makes_a_candidate() -> None:
    assert is_candidate(going())
    assert is_candidate(released())
    assert not is_candidate(going(node_exists=True))
    assert not is_candidate(going(node_exists=None))
    assert not is_candidate(going(agent=Life.LIVES))


@pytest.mark.parametrize(
    ("facts", "status", "reason"),
    [
        (going(), Status.TRUE, "Collectable"),
        (going(gone_for=0.0), Status.UNKNOWN, "KeptAWhile"),
        (released(confirmed=False), Status.TRUE, "Unconfirmed"),
        (going(node(claims=[claim("a")])), Status.TRUE, "ClaimsStay"),
        (released(agent=Life.UNKNOWN), Status.UNKNOWN, "AgentUncertain"),
    ],
)
def test_the_condition_tells_a_host_that_is_gone_from_one_that_may_come_back(
    facts: Facts, status: Status, reason: str
) -> None:
    said = finding(decide(facts))
    assert (said.type, said.status, said.reason) == ("Vanished", status, reason)


def test_the_condition_names_every_guard_that_is_shut() -> None:
    said = finding(decide(going(node(claims=[claim("a")]), instances=("default/a",), migrations=("default/m",))))
    assert said.message == (
        "Its ledger holds claims of Instances default/a. Instances name it: default/a. "
        "Open Migrations lead to it: default/m."
    )


def test_many_names_are_cut() -> None:
    said = finding(decide(going(instances=[f"default/{n}" for n in range(5)])))
    assert said.message == "Instances name it: default/0, default/1, default/2 and 2 more."


@pytest.mark.parametrize(("records", "quota"), [(0, 1), (1, 1), (19, 1), (20, 2), (10_000, 1000)])
def test_a_pass_deletes_at_most_a_tenth_of_the_fleet(records: int, quota: int) -> None:
    assert fleet_quota(records) == quota
