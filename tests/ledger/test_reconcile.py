"""The ledger of one node, row by row of the design's table."""

from collections.abc import Iterable

from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import CLAIMS_MAX
from hypertally.api.compute_node import AuditMark, ComputeNode, Role
from hypertally.api.instance import Instance, MovePhase, MoveType
from hypertally.ledger.proof import AgentLook
from hypertally.ledger.reconcile import Inputs, Outcome, is_lowered, next_ledger, same_content
from hypertally.ledger.shortage import Shortage
from tests.ledger.make import (
    HOLDER,
    INCOMING,
    LEAVING,
    RESERVED,
    RUNNING,
    claim,
    guest,
    instance,
    ledger,
    look,
    move,
    node,
    size,
)

Entry = tuple[str, Role, int]


def reconcile(
    on: ComputeNode, *owners: Instance, lease: AgentLook | None = None, declared: Iterable[str] = ()
) -> Outcome:
    inputs = Inputs(node=on, owners={i.spec.uuid: i for i in owners}, declared=set(declared), look=lease)
    outcome = next_ledger(inputs)
    assert outcome is not None
    return outcome


def entries(outcome: Outcome, *, overcommitted: bool = False) -> list[Entry]:
    claims = outcome.ledger.claims
    return [(c.uuid, c.role, c.resources.vcpus) for c in claims if c.overcommitted is overcommitted]


def test_a_bound_instance_that_fits_holds_running() -> None:
    outcome = reconcile(node(), instance(resources=3, generation=5))
    assert outcome.ledger.claims == (claim("a", RUNNING, 3, generation=5),)
    assert outcome.ledger.free == size(1)


def test_no_room_and_not_listed_holds_nothing_and_says_what_is_missing() -> None:
    outcome = reconcile(node(capacity=Amounts(vcpus=4, memory_mib=2, disk_mib=4)), instance(resources=3))
    assert outcome.ledger.claims == ()
    assert outcome.refusals == {"a": (Shortage("memoryMiB", 3, 2),)}


def test_no_room_but_listed_is_taken_all_the_same_and_marked_so() -> None:
    outcome = reconcile(node(guests=[guest("a", 5)]), instance(resources=5))
    assert entries(outcome, overcommitted=True) == [("a", RUNNING, 5)]
    assert outcome.ledger.free == size(-1)
    assert not outcome.refusals


def test_it_lasts_while_the_guest_is_listed() -> None:
    forced = claim("a", RUNNING, 5, overcommitted=True)
    assert entries(reconcile(node(claims=[forced]), instance(home="n0", resources=5))) == []


def test_a_claim_taken_without_room_gets_it_as_soon_as_there_is_some() -> None:
    forced = claim("a", RUNNING, 2, overcommitted=True)
    outcome = reconcile(node(claims=[forced], guests=[guest("a", 2)]), instance(home="n0", resources=2))
    assert entries(outcome) == [("a", RUNNING, 2)]


def test_the_second_claim_of_a_guest_is_never_taken_without_room() -> None:
    both = instance(home="n0", granted=3, move=move(MoveType.RESIZE, target="n0", old=3, new=4))
    on = node(claims=[claim("a", RUNNING, 3)], guests=[guest("a", 3)])
    outcome = reconcile(on, both)
    assert entries(outcome) == [("a", RUNNING, 3)]
    assert outcome.refusals == {"a": tuple(Shortage(k, 4, 1) for k in ("vcpus", "memoryMiB", "diskMiB"))}


def test_an_accepted_move_holds_incoming_at_the_target_if_it_fits() -> None:
    moving = instance(home="n9", granted=2, move=move(source="n9", target="n0", old=2))
    assert entries(reconcile(node(), moving)) == [("a", INCOMING, 2)]
    assert entries(reconcile(node(capacity=1), moving)) == []


def test_a_moved_instance_keeps_a_reserve_at_the_source_where_running_was() -> None:
    moved = instance(home="n9", move=move(MoveType.COLD, MovePhase.MOVED, target="n9"))
    assert entries(reconcile(node(claims=[claim("a")]), moved)) == [("a", RESERVED, 1)]


def test_claims_beyond_these_leave() -> None:
    gone = instance(home="n9")
    assert entries(reconcile(node(claims=[claim("a", resources=2)]), gone)) == [("a", LEAVING, 2)]
    assert entries(reconcile(node(claims=[claim("a", resources=2)]))) == [("a", LEAVING, 2)]


def test_what_leaves_is_stamped_with_the_audit_that_was_published_after_it_stood() -> None:
    leaves = claim("a", LEAVING)
    assert reconcile(node(claims=[leaves]), lease=look(7)).ledger.claims[0].since == AuditMark(holder=HOLDER, audit=7)


def test_what_begins_to_leave_is_not_stamped_in_the_same_write() -> None:
    """The Lease was read before the claim stood: an audit in flight may be two later and still have begun before."""
    assert reconcile(node(claims=[claim("a")]), lease=look(7)).ledger.claims[0].since is None


def test_what_leaves_goes_with_proof_of_absence_and_makes_room_in_the_same_write() -> None:
    on = node(claims=[claim("a", LEAVING, 4, since=5)])
    assert entries(reconcile(on, instance("b", resources=4), lease=look(7))) == [("b", RUNNING, 4)]
    assert entries(reconcile(on, instance("b", resources=4), lease=look(6))) == [("a", LEAVING, 4)]


def test_an_orphan_is_charged_and_counted() -> None:
    outcome = reconcile(node(guests=[guest("x", 3)])).ledger
    assert (outcome.allocated, outcome.free) == (size(3), size(1))
    assert (outcome.orphans.count, outcome.orphans.resources) == (1, size(3))


def test_a_guest_of_an_instance_that_is_accounted_elsewhere_is_charged_and_is_no_orphan() -> None:
    outcome = reconcile(node(guests=[guest("a", 3)]), declared=["a"]).ledger
    assert outcome.allocated == size(3)
    assert outcome.orphans.count == 0


def test_an_instance_that_appears_for_an_orphan_takes_over_its_charge_in_one_write() -> None:
    outcome = reconcile(node(guests=[guest("a", 4)]), instance(resources=4), declared=["a"]).ledger
    assert (outcome.allocated, outcome.instances, outcome.orphans.count) == (size(4), 1, 0)


def test_instances_are_counted_by_guest_and_not_by_claim() -> None:
    claims = [claim("a", RUNNING), claim("a", INCOMING), claim("b", LEAVING)]
    on = node(capacity=9, claims=claims)
    resizing = instance(home="n0", move=move(MoveType.RESIZE, target="n0"))
    assert reconcile(on, resizing).ledger.instances == 1


def test_guests_that_were_cut_from_the_list_take_room() -> None:
    assert reconcile(node(omitted=3)).ledger.free == size(1)


def test_the_older_instance_is_admitted_first_and_the_accounted_before_both() -> None:
    old, new = instance("b", resources=3, born="2025-01-01T00:00:00Z"), instance("a", resources=3)
    granted = instance("c", home="n0", resources=2, born="2027-01-01T00:00:00Z")
    assert entries(reconcile(node(), new, old)) == [("b", RUNNING, 3)]
    assert entries(reconcile(node(), new, old, granted)) == [("c", RUNNING, 2)]


def test_a_node_object_without_a_ledger_enters_all_that_was_granted_before_anything_new() -> None:
    granted = instance("b", home="n0", resources=3)
    moved = instance("c", home="n9", granted=2, move=move(MoveType.COLD, MovePhase.MOVED, target="n9", old=2))
    first = reconcile(node(claims=None), instance("a"), granted, moved)
    assert entries(first) == [("b", RUNNING, 3), ("c", RESERVED, 2)]
    assert first.ledger.generation == 1
    assert first.ledger.free == size(-1)


def test_a_rebuilt_ledger_keeps_to_the_schemas_places_and_what_was_surely_granted_comes_first() -> None:
    granted = [instance(f"g{n:03}", home="n0") for n in range(CLAIMS_MAX - 1)]
    coming = instance("a", home="n9", move=move(source="n9", target="n0"))
    moved = instance("z", home="n9", move=move(MoveType.COLD, MovePhase.MOVED, target="n9"))
    claims = reconcile(node(claims=None), coming, moved, *granted).ledger.claims
    assert len(claims) == CLAIMS_MAX
    assert {c.uuid for c in claims} == {"z", *(i.spec.uuid for i in granted)}


def test_nothing_is_written_while_the_capacity_is_unknown() -> None:
    assert next_ledger(Inputs(node=node(capacity=None), owners={"a": instance()})) is None
    bare = node()
    bare = replace(bare, status=replace(bare.status, report=None))
    assert next_ledger(Inputs(node=bare, owners={"a": instance()})) is None


def test_a_write_names_the_report_and_the_spec_that_it_was_decided_on() -> None:
    on = node(claims=[claim("a")])
    on = replace(on, metadata=replace(on.metadata, generation=8))
    report = on.status.report
    on = replace(on, status=replace(on.status, report=replace(report, generation=5) if report else None))
    written = reconcile(on, instance(home="n0")).ledger
    assert (written.generation, written.observed_report_generation, written.observed_generation) == (2, 5, 8)


def test_a_full_ledger_refuses_further_claims_and_takes_none_without_room() -> None:
    claims = [claim(f"g{n:03}", LEAVING) for n in range(CLAIMS_MAX)]
    outcome = reconcile(node(capacity=10**6, claims=claims, guests=[guest("a")]), instance("a"))
    assert len(outcome.ledger.claims) == CLAIMS_MAX
    assert outcome.refusals == {"a": (Shortage("claims", 1, 0),)}


def test_a_ledger_differs_from_another_by_more_than_its_generation() -> None:
    assert same_content(ledger(generation=1), ledger(generation=2))
    assert not same_content(ledger(), ledger([claim("a")]))
    assert not same_content(None, ledger())


def test_a_claim_that_is_changed_or_gone_is_lowered_and_must_be_decided_on_live_reads() -> None:
    old = ledger([claim("a"), claim("b"), claim("c", LEAVING)])
    assert is_lowered(old, ledger([claim("a"), claim("b", LEAVING)])) == {"b", "c"}
    assert is_lowered(None, ledger([claim("a")])) == set()


def test_a_stamp_or_found_room_lowers_nothing() -> None:
    old = ledger([claim("a", LEAVING), claim("b", overcommitted=True)])
    assert is_lowered(old, ledger([claim("a", LEAVING, since=3), claim("b")])) == set()
