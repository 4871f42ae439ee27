"""What holds of every next ledger, whatever stood before and whatever is asked."""

from collections.abc import Collection
from typing import TypeVar
from unittest.mock import patch

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim, ComputeNode, Ledger, Report, Role
from hypertally.ledger.charges import allocated, charge, sizes
from hypertally.ledger.proof import NEEDS_PROOF, is_proven
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger, same_content
from hypertally.ledger.transitions import STAYS
from hypertally.ledger.vectors import KEYS, ZERO, add, covers, greatest, most
from hypertally.ledger.wants import wants
from tests.ledger.strategies import inputs
from tests.support.drawn import Drawn, chance

T = TypeVar("T")
any_case, with_a_ledger = Drawn(inputs()), Drawn(inputs(without_ledger=False))


def after(case: Inputs) -> Outcome:
    outcome = next_ledger(case)
    assert outcome is not None
    return outcome


def report_of(case: Inputs) -> Report:
    report = case.node.status.report
    assert report is not None
    return report


def held(node: ComputeNode) -> tuple[Claim, ...]:
    return node.status.ledger.claims if node.status.ledger else ()


def written(case: Inputs, ledger: Ledger) -> Inputs:
    node = case.node
    return replace_node(case, replace(node, status=replace(node.status, ledger=ledger)))


def replace_node(case: Inputs, node: ComputeNode) -> Inputs:
    return Inputs(node=node, owners=case.owners, declared=case.declared, look=case.look)


def charges(case: Inputs, claims: tuple[Claim, ...]) -> dict[str, Amounts]:
    listed = sizes(report_of(case).guests)
    uuids = {c.uuid for c in claims} | listed.keys()
    return {u: charge((c for c in claims if c.uuid == u), listed.get(u, ZERO)) for u in uuids}


@any_case
def test_free_and_allocated_make_up_allocatable(case: Inputs) -> None:
    ledger = after(case).ledger
    assert add(ledger.free, ledger.allocated) == ledger.allocatable


@any_case
def test_allocated_is_the_sum_of_all_charges(case: Inputs) -> None:
    report, ledger = report_of(case), after(case).ledger
    assert ledger.allocated == allocated(ledger.claims, sizes(report.guests), report.omitted_resources or ZERO)


@any_case
def test_no_guest_is_charged_below_what_is_listed(case: Inputs) -> None:
    now = charges(case, after(case).ledger.claims)
    assert all(covers(now[uuid], size) for uuid, size in sizes(report_of(case).guests).items())


@any_case
def test_no_guest_is_charged_below_what_it_is_granted(case: Inputs) -> None:
    """The claims that are wanted and stand have the wanted size, unless they were taken without room."""
    for c in after(case).ledger.claims:
        if c.role in STAYS:
            assert c.resources == wants(case.owners[c.uuid], "n0")[c.role].resources


@with_a_ledger
def test_what_was_held_is_let_go_only_with_proof(case: Inputs) -> None:
    """A guest that arrived is charged at the size at which it arrived, though its `Incoming` may have been greater."""
    ledger = after(case).ledger
    now = charges(case, ledger.claims)
    running = {c.uuid: c for c in ledger.claims if c.role is Role.RUNNING}
    for c in held(case.node):
        proven = c.role is Role.LEAVING and is_proven(c, case.node, case.look)
        arrived = c.role is Role.INCOMING and c.uuid in running and covers(c.resources, running[c.uuid].resources)
        if not (proven or arrived or c.overcommitted):
            assert covers(now.get(c.uuid, ZERO), c.resources), c


@with_a_ledger
def test_a_write_exceeds_allocatable_only_for_guests_that_are_listed(case: Inputs) -> None:
    ledger, listed = after(case).ledger, sizes(report_of(case).guests)
    before, now = charges(case, held(case.node)), charges(case, ledger.claims)
    for key in KEYS:
        if getattr(ledger.free, key) < 0:
            raised = {u for u, c in now.items() if getattr(c, key) > getattr(before.get(u, ZERO), key)}
            assert raised <= changes_roles(case, raised) | listed.keys()


def changes_roles(case: Inputs, uuids: set[str]) -> set[str]:
    """On one node `Running` and `Incoming` may become `ReservedForRevert` and `Running`: both were charged before."""
    return {c.uuid for c in held(case.node) if c.uuid in uuids and c.overcommitted}


@with_a_ledger
def test_a_new_claim_without_the_mark_fits(case: Inputs) -> None:
    ledger, before = after(case).ledger, {(c.uuid, c.role) for c in held(case.node)}
    for c in ledger.claims:
        new = (c.uuid, c.role) not in before and c.uuid not in {u for u, _ in before}
        if new and not c.overcommitted:
            assert all(getattr(ledger.free, key) >= 0 for key in KEYS if getattr(c.resources, key) > 0), c


@any_case
def test_a_claim_is_taken_without_room_only_for_a_listed_guest(case: Inputs) -> None:
    before = {(c.uuid, c.role) for c in held(case.node) if c.overcommitted}
    listed = sizes(report_of(case).guests)
    for c in after(case).ledger.claims:
        if c.overcommitted:
            assert c.uuid in listed or (c.role is Role.RESERVED_FOR_REVERT and before)


@any_case
def test_every_want_is_held_or_refused_with_a_reason(case: Inputs) -> None:
    outcome = after(case)
    if case.node.status.ledger is None:
        return
    stands = {(c.uuid, c.role) for c in outcome.ledger.claims}
    for uuid, owner in case.owners.items():
        for role in wants(owner, "n0"):
            assert (uuid, role) in stands or outcome.refusals[uuid]


@any_case
def test_nothing_is_held_beyond_the_wants_but_what_leaves(case: Inputs) -> None:
    for c in after(case).ledger.claims:
        wanted = wants(case.owners[c.uuid], "n0") if c.uuid in case.owners else {}
        assert c.role is Role.LEAVING or c.role in wanted


@any_case
def test_only_claims_that_stood_are_stamped_and_only_those_that_wait_for_proof(case: Inputs) -> None:
    before = set(held(case.node))
    for c in after(case).ledger.claims:
        if c.since is not None and c not in before:
            assert c.role in NEEDS_PROOF
            assert replace(c, since=None) in {replace(b, since=None) for b in before}
            assert case.look is not None
            assert c.since == case.look.mark


@with_a_ledger
def test_a_second_pass_changes_nothing_but_a_stamp_and_a_third_nothing(case: Inputs) -> None:
    first = after(case).ledger
    second = after(written(case, first)).ledger
    third = after(written(case, second)).ledger
    unstamped = [replace(c, since=None) for c in second.claims]
    assert unstamped == [replace(c, since=None) for c in first.claims]
    assert same_content(second, third)
    assert (first.allocated, first.orphans) == (second.allocated, second.orphans)


@with_a_ledger
def test_without_a_lease_the_second_pass_changes_nothing(case: Inputs) -> None:
    blind = Inputs(node=case.node, owners=case.owners, declared=case.declared)
    first = after(blind).ledger
    assert same_content(first, after(written(blind, first)).ledger)


@any_case
def test_the_order_of_claims_guests_and_instances_is_of_no_matter(case: Inputs) -> None:
    random = chance(case)

    def shuffled(things: Collection[T]) -> list[T]:
        return random.sample(list(things), len(things))

    node, report, ledger = case.node, report_of(case), case.node.status.ledger
    mixed = replace(
        node.status,
        report=replace(report, guests=tuple(shuffled(report.guests))),
        ledger=replace(ledger, claims=tuple(shuffled(ledger.claims))) if ledger else None,
    )
    other = Inputs(
        node=replace(node, status=mixed),
        owners=dict(shuffled(case.owners.items())),
        declared=case.declared,
        look=case.look,
    )
    assert after(other) == after(case)


@any_case
def test_claims_are_sorted_and_each_guest_holds_each_role_once(case: Inputs) -> None:
    keys = [(c.uuid, c.role) for c in after(case).ledger.claims]
    assert keys == sorted(set(keys))


@given(inputs(), st.integers(1, 4))
def test_a_ledger_never_outgrows_the_schema(case: Inputs, places: int) -> None:
    assume(len(held(case.node)) <= places)
    with patch("hypertally.ledger.admission.CLAIMS_MAX", places):
        assert len(after(case).ledger.claims) <= places


@any_case
def test_the_generation_grows_by_one(case: Inputs) -> None:
    before = case.node.status.ledger
    assert after(case).ledger.generation == (before.generation + 1 if before else 1)


@given(inputs(), st.sampled_from(["a", "b", "c"]))
def test_an_instance_that_names_the_node_no_more_frees_nothing_at_once(case: Inputs, uuid: str) -> None:
    assume(any(c.uuid == uuid for c in held(case.node)))
    others = {u: i for u, i in case.owners.items() if u != uuid}
    gone = Inputs(node=case.node, owners=others, declared=case.declared)
    now = charges(gone, after(gone).ledger.claims)
    kept = greatest(c.resources for c in held(case.node) if c.uuid == uuid and not c.overcommitted)
    assert covers(now.get(uuid, ZERO), most(kept, sizes(report_of(case).guests).get(uuid, ZERO)))
