"""The ledger of one node where it is easily one off: the last place, the one claim that must keep its age."""

import pytest

from hypertally.api.amounts import AllocationRatios, Amounts, ReservedAmounts
from hypertally.api.bounds import CLAIMS_MAX
from hypertally.api.compute_node import Claim, ComputeNode
from hypertally.api.instance import Instance
from hypertally.ledger.admission import Shortage
from hypertally.ledger.proof import AgentLook
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger
from tests.ledger.make import (
    INCOMING,
    LEAVING,
    RESERVED,
    RUNNING,
    claim,
    guest,
    instance,
    look,
    move,
    node,
    node_spec,
)


def reconcile(on: ComputeNode, *owners: Instance, lease: AgentLook | None = None, frozen: str = "") -> Outcome:
    inputs = Inputs(node=on, owners={i.spec.uuid: i for i in owners}, look=lease, frozen=set(frozen))
    outcome = next_ledger(inputs)
    assert outcome is not None
    return outcome


def test_a_write_says_what_may_be_given_away_with_reserve_and_ratio() -> None:
    spec = node_spec(reserved=ReservedAmounts(vcpus=2), ratios=AllocationRatios(vcpus=3000, memory_mib=1000))
    written = reconcile(node(capacity=Amounts(vcpus=8, memory_mib=512, disk_mib=7), spec=spec)).ledger
    assert written.allocatable == Amounts(vcpus=18, memory_mib=0, disk_mib=7)


@pytest.mark.parametrize("resources", [1, 5], ids=["there is room", "listed, and there is no room"])
def test_the_last_place_of_a_ledger_is_given_away(resources: int) -> None:
    others = [claim(f"g{n:03}", LEAVING, 0) for n in range(CLAIMS_MAX - 1)]
    outcome = reconcile(node(capacity=4, claims=others, guests=[guest("a", resources)]), instance(resources=resources))
    assert len(outcome.ledger.claims) == CLAIMS_MAX
    assert not outcome.refusals


def test_beyond_the_last_place_the_next_guest_is_told_that_there_is_none() -> None:
    others = [claim(f"g{n:03}", LEAVING, 0) for n in range(CLAIMS_MAX - 1)]
    younger = instance("b", born="2026-02-02T00:00:00Z")
    outcome = reconcile(node(capacity=4, claims=others), instance("a"), younger)
    assert outcome.refusals == {"b": (Shortage("claims", 1, 0),)}


def test_a_claim_taken_without_room_keeps_its_age_so_that_its_guest_can_be_proven_to_have_arrived() -> None:
    """If it were made anew in each write, its stamp would be young for ever."""
    coming = claim("a", INCOMING, 5, since=5, overcommitted=True, migration="uid-m")
    on = node(claims=[coming], guests=[guest("a", 5)])
    arriving = instance("a", home="n9", granted=5, move=move(source="n9", target="n0", old=5))
    assert reconcile(on, arriving, lease=look(6)).ledger.claims == (coming,)


@pytest.mark.parametrize(
    "held",
    [
        claim("a", RUNNING, 2),
        claim("a", LEAVING, 2, since=1),
        claim("a", INCOMING, 2, since=3),
        claim("a", RESERVED, 2),
        claim("a", RUNNING, 9, overcommitted=True),
    ],
    ids=lambda c: c.role,
)
def test_what_an_instance_holds_that_cannot_be_read_stays_as_it_is_whatever_is_proven(held: Claim) -> None:
    on = node(claims=[held, claim("b", RUNNING)], guests=[guest("a", 2)])
    after = reconcile(on, lease=look(9), frozen="a").ledger.claims
    assert after == (held, claim("b", LEAVING))


def test_what_leaves_says_no_longer_which_binding_it_was_made_for() -> None:
    on = node(claims=[claim("a", RUNNING, 2, generation=4)])
    assert reconcile(on).ledger.claims == (claim("a", LEAVING, 2, generation=0),)


def test_without_a_lease_a_claim_that_waits_for_proof_waits_on() -> None:
    leaves = claim("a", LEAVING, 2)
    assert reconcile(node(claims=[leaves])).ledger.claims == (leaves,)


def test_what_was_granted_is_entered_by_age_as_far_as_there_are_places() -> None:
    granted = [
        instance(f"g{n:03}", home="n0", born=f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z") for n in range(CLAIMS_MAX + 5)
    ]
    entered = reconcile(node(claims=None), *reversed(granted)).ledger.claims
    assert [c.uuid for c in entered] == [i.spec.uuid for i in granted[:CLAIMS_MAX]]
