"""What one node's ledger and report say about one guest."""

import pytest
from msgspec.structs import replace

from hypertally.api.compute_node import Claim, GuestState, Role
from hypertally.ledger.evidence import Evidence, Sight, gather, is_better, sight_of
from tests.ledger.make import INCOMING, LEAVING, RESERVED, RUNNING, claim, guest, instance, look, node, size

A = instance("a", home="n0")


@pytest.mark.parametrize(
    ("state", "sight"),
    [(s, Sight.RUNNING if s in (GuestState.RUNNING, GuestState.BLOCKED) else Sight.DEFINED) for s in GuestState],
)
def test_only_a_guest_that_gets_cpu_time_counts_as_running(state: GuestState, sight: Sight) -> None:
    assert sight_of(guest("a", state=state)) is sight


def test_a_running_guest_is_better_evidence_than_a_defined_one_and_that_than_none() -> None:
    assert Sight.RUNNING > Sight.DEFINED > Sight.ABSENT
    assert sight_of(None) is Sight.ABSENT


def test_without_a_node_there_is_nothing() -> None:
    seen = gather(A, None, look(9))
    assert seen == Evidence()
    assert not seen.has_ledger
    assert seen.nothing


def test_a_node_without_a_ledger_is_told_from_one_whose_ledger_is_empty() -> None:
    assert not gather(A, node(claims=None), None).has_ledger
    assert gather(A, node(), None).has_ledger


def test_the_listing_of_the_guest_is_seen_with_its_size() -> None:
    seen = gather(A, node(guests=[guest("b", 9), guest("a", 3)]), None)
    assert (seen.sight, seen.size, seen.fresh) == (Sight.RUNNING, size(3), None)
    assert not seen.nothing


def test_a_listing_is_fresh_only_when_newer_than_the_incoming_claim_of_this_instance() -> None:
    def fresh(*claims: Claim, audit: int = 7) -> Sight | None:
        return gather(A, node(claims=claims, guests=[guest("a")]), look(audit)).fresh

    assert fresh(claim("a", INCOMING, since=5)) is Sight.RUNNING
    assert fresh(claim("a", INCOMING, since=5), audit=6) is None
    assert fresh(claim("a", INCOMING)) is None
    assert fresh(claim("a", INCOMING, since=5, owner="uid-earlier")) is None
    assert fresh(claim("a", LEAVING, since=5)) is None
    assert fresh() is None


def test_a_guest_that_a_fresh_report_does_not_list_is_freshly_absent() -> None:
    seen = gather(A, node(claims=[claim("a", INCOMING, since=5)]), look(7))
    assert seen.fresh is Sight.ABSENT


@pytest.mark.parametrize("role", [RUNNING, INCOMING, RESERVED])
def test_a_claim_that_stays_unsettles_the_listing(role: Role) -> None:
    seen = gather(A, node(claims=[claim("a", role)], guests=[guest("a")]), look(99))
    assert not seen.settled
    assert seen.stays


def test_what_leaves_unsettles_the_listing_until_it_is_proven() -> None:
    def settled(audit: int) -> bool:
        return gather(A, node(claims=[claim("a", LEAVING, since=5)]), look(audit)).settled

    assert not settled(6)
    assert settled(7)


def test_what_leaves_does_not_stay_but_is_not_nothing() -> None:
    seen = gather(A, node(claims=[claim("a", LEAVING)]), None)
    assert not seen.stays
    assert not seen.nothing
    assert seen.holds(LEAVING, RUNNING)
    assert not seen.holds(RUNNING)


def test_claims_of_other_guests_are_not_seen() -> None:
    assert gather(A, node(claims=[claim("b")]), None).nothing


def test_a_node_is_current_when_its_ledger_has_seen_the_report_that_was_read() -> None:
    assert gather(A, node(seen=1), None).current
    assert not gather(A, node(seen=0), None).current
    assert not gather(A, node(claims=None), None).current
    bare = node()
    assert not gather(A, replace(bare, status=replace(bare.status, report=None)), None).current


def test_a_guest_may_hide_in_the_part_of_the_list_that_was_cut() -> None:
    cut = gather(A, node(omitted=1), None)
    assert cut.sight is Sight.ABSENT
    assert cut.hidden
    assert not cut.gone
    assert not cut.nothing
    assert not gather(A, node(omitted=1, guests=[guest("a")]), None).hidden
    assert gather(A, node(), None).gone


@pytest.mark.parametrize(
    ("there", "than", "better"),
    [
        (Sight.DEFINED, Evidence(sight=Sight.ABSENT), True),
        (Sight.DEFINED, Evidence(sight=Sight.DEFINED), False),
        (Sight.RUNNING, Evidence(sight=Sight.DEFINED), True),
        (Sight.RUNNING, Evidence(sight=Sight.RUNNING), False),
        (Sight.RUNNING, Evidence(sight=Sight.ABSENT, hidden=True), False),
        (Sight.RUNNING, Evidence(sight=Sight.RUNNING, silent=True), True),
        (Sight.RUNNING, Evidence(sight=Sight.ABSENT, hidden=True, silent=True), True),
        (Sight.DEFINED, Evidence(sight=Sight.DEFINED, silent=True), False),
        (Sight.DEFINED, Evidence(sight=Sight.ABSENT, silent=True), True),
    ],
)
def test_a_sight_is_better_than_all_that_another_node_may_have(there: Sight, than: Evidence, better: bool) -> None:
    assert is_better(there, than) is better


def test_a_silent_agent_is_told_so() -> None:
    assert gather(A, node(), None, silent=True).silent
    assert not gather(A, node(), None).silent
