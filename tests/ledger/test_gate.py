"""The operator's word: what begins is refused with his reason; what runs, was granted or is listed stays charged."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from hypertally.api.compute_node import Claim, ComputeNode, Guest, Maintenance, MaintenanceMode, Schedulable
from hypertally.api.decode import decode
from hypertally.api.instance import Instance, InstanceStatus, MovePhase, MoveType
from hypertally.ledger.conditions import Finding
from hypertally.ledger.evidence import Evidence, gather
from hypertally.ledger.gate import Bar, bar
from hypertally.ledger.instance_conditions import findings
from hypertally.ledger.migration_conditions import findings as migration_findings
from hypertally.ledger.moves import next_status
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger
from tests.ledger.make import INCOMING, RESERVED, RUNNING, claim, guest, instance, migration, move, node, node_spec

CORDONED: dict[str, object] = {"schedulable": Schedulable.DISABLED}
DRAINED: dict[str, object] = {"maintenance": Maintenance(mode=MaintenanceMode.DRAIN, reason="a new disk")}
FROZEN: dict[str, object] = {"maintenance": Maintenance(mode=MaintenanceMode.FROZEN, reason="firmware")}

each_word = pytest.mark.parametrize("word", [CORDONED, DRAINED, FROZEN], ids=["cordoned", "drained", "frozen"])


def barred(
    word: dict[str, object], name: str = "n0", claims: Iterable[Claim] = (), guests: Iterable[Guest] = ()
) -> ComputeNode:
    return node(name, 4, claims, guests, spec=replace(node_spec(name), **word))


def reconcile(on: ComputeNode, *instances: Instance) -> Outcome:
    outcome = next_ledger(Inputs(node=on, owners={i.spec.uuid: i for i in instances}))
    assert outcome is not None
    return outcome


def roles(outcome: Outcome) -> list[tuple[str, str]]:
    return [(c.uuid, c.role) for c in outcome.ledger.claims]


@each_word
def test_what_begins_is_refused_however_much_is_free(word: dict[str, object]) -> None:
    outcome = reconcile(barred(word), instance("a"))
    assert roles(outcome) == []
    (refused,) = outcome.refusals["a"]
    assert isinstance(refused, Bar)


@each_word
def test_what_runs_stays_charged(word: dict[str, object]) -> None:
    outcome = reconcile(barred(word, claims=[claim("a")], guests=[guest("a")]), instance("a", home="n0"))
    assert roles(outcome) == [("a", RUNNING)]
    assert not outcome.refusals


@each_word
def test_what_was_granted_is_entered_again(word: dict[str, object]) -> None:
    assert roles(reconcile(barred(word), instance("a", home="n0"))) == [("a", RUNNING)]


@each_word
def test_what_the_report_lists_is_accounted(word: dict[str, object]) -> None:
    assert roles(reconcile(barred(word, guests=[guest("a")]), instance("a"))) == [("a", RUNNING)]


@each_word
def test_a_move_towards_it_gets_no_place(word: dict[str, object]) -> None:
    moving = instance("a", home="n1", bound="n1", move=move(source="n1", target="n0"))
    outcome = reconcile(barred(word), moving)
    assert roles(outcome) == []
    assert isinstance(outcome.refusals["a"][0], Bar)


@each_word
def test_a_place_that_a_move_has_stays(word: dict[str, object]) -> None:
    moving = instance("a", home="n1", bound="n1", move=move(source="n1", target="n0"))
    assert roles(reconcile(barred(word, claims=[claim("a", INCOMING)]), moving)) == [("a", INCOMING)]


@each_word
def test_a_reserve_for_a_way_back_is_no_news(word: dict[str, object]) -> None:
    moved = instance("a", home="n1", bound="n0", move=move(MoveType.COLD, MovePhase.MOVED, source="n0", target="n1"))
    assert roles(reconcile(barred(word), moved)) == [("a", RESERVED)]


def test_an_open_node_bars_nothing() -> None:
    assert bar(node()) is None


def test_maintenance_goes_before_a_cordon_and_names_its_reason() -> None:
    found = bar(barred(CORDONED | DRAINED))
    assert found is not None
    text = "n0 takes nothing new: its operator has it in maintenance (Drain: a new disk)."
    assert found == Bar("node", 1, 0, "Maintenance", text)
    assert str(found) == text


def test_a_cordon_names_its_field() -> None:
    found = bar(barred(CORDONED))
    assert found is not None
    assert found == Bar("node", 1, 0, "Cordoned", "n0 takes nothing new: its spec.schedulable is Disabled.")


def test_words_that_a_newer_version_knows_restrict() -> None:
    spec = {
        "hypervisorHostname": "h", "hostUUID": "u", "nodeName": "n",
        "schedulable": "Sometimes", "maintenance": {"mode": "Nightly", "reason": "r"},
    }  # fmt: skip
    read = decode({"metadata": {"name": "n"}, "spec": spec}, ComputeNode).spec
    assert read.schedulable is Schedulable.DISABLED
    assert read.maintenance is not None
    assert read.maintenance.mode is MaintenanceMode.FROZEN


def claimed(on: ComputeNode, one: Instance) -> Finding:
    missing = reconcile(on, one).refusals.get(one.spec.uuid, ())
    return findings(one, InstanceStatus(), on, missing=missing)[0]


@pytest.mark.parametrize(("word", "reason"), [(CORDONED, "Cordoned"), (DRAINED, "Maintenance")])
def test_an_instance_is_told_the_operators_word(word: dict[str, object], reason: str) -> None:
    assert claimed(barred(word), instance("a")).reason == reason


def evidence(*nodes: ComputeNode) -> dict[str, Evidence]:
    return {on.metadata.name: gather(instance("a"), on, None) for on in nodes}


HOME = node("n0", claims=[claim("a")], guests=[guest("a")])


@each_word
def test_no_move_begins_towards_it(word: dict[str, object]) -> None:
    one = instance("a", home="n0")
    assert next_status(one, evidence(HOME, barred(word, "n1")), [migration()]).move is None


@each_word
def test_a_guest_that_is_there_already_has_moved(word: dict[str, object]) -> None:
    one = instance("a", home="n0")
    found = next_status(one, evidence(HOME, barred(word, "n1", guests=[guest("a")])), [migration(MoveType.EVACUATION)])
    assert found.move is not None


@pytest.mark.parametrize(("word", "begins"), [(CORDONED, True), (DRAINED, True), (FROZEN, False)])
def test_only_frost_keeps_what_is_there(word: dict[str, object], begins: bool) -> None:
    one, source = instance("a", home="n0"), barred(word, claims=[claim("a")], guests=[guest("a")])
    assert (next_status(one, evidence(source, node("n1")), [migration()]).move is not None) is begins


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        (HOME, barred(CORDONED, "n1"), "Cordoned"),
        (HOME, barred(DRAINED, "n1"), "Maintenance"),
        (barred(FROZEN, claims=[claim("a")]), node("n1"), "SourceFrozen"),
        (HOME, node("n1"), "Pending"),
    ],
)
def test_a_migration_is_told_what_it_waits_for(source: ComputeNode, target: ComputeNode, reason: str) -> None:
    one = instance("a", home="n0")
    said = migration_findings(migration(), one, evidence(source, target), frozenset({"n0", "n1"}))
    assert said[0].reason == reason


def test_an_accepted_migration_is_told_that_its_target_was_closed() -> None:
    one = instance("a", home="n0", move=move())
    target = barred(CORDONED, "n1")
    closed = bar(target)
    assert closed is not None
    known = frozenset({"n0", "n1"})
    said = migration_findings(migration(), one, evidence(HOME, target), known, missing=(closed,))
    assert said[0].reason == "Cordoned"
    assert "Do not move the guest" in said[0].message
