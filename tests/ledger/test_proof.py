"""Proof of absence: an audit that began after the claim was written has been published."""

import pytest
from msgspec.structs import replace

from hypertally.api.compute_node import Role
from hypertally.api.conditions import Status
from hypertally.ledger.proof import AUDITS_BEGUN_LATER, AgentLook, is_proven, needs_stamp
from tests.ledger.make import HOLDER, INCOMING, LEAVING, RESERVED, RUNNING, claim, look, node


@pytest.mark.parametrize(
    ("audit", "proven"),
    [(5, False), (6, False), (7, True), (8, True), (4, False)],
    ids=["the same", "the next, which may have begun before", "two later", "three later", "an older one"],
)
def test_only_the_audit_after_the_next_is_sure_to_have_begun_later(audit: int, proven: bool) -> None:
    assert is_proven(claim("a", LEAVING, since=5), node(), look(audit)) is proven
    assert AUDITS_BEGUN_LATER == 2


def test_a_claim_that_was_never_stamped_is_never_proven() -> None:
    assert not is_proven(claim("a", LEAVING), node(), look(10**6))


def test_without_the_lease_nothing_is_proven() -> None:
    assert not is_proven(claim("a", LEAVING, since=1), node(), None)


def test_another_agent_process_does_not_count_on() -> None:
    assert not is_proven(claim("a", LEAVING, since=1), node(), look(9, holder="agent-2"))


def test_a_lease_that_speaks_of_another_report_proves_nothing() -> None:
    assert not is_proven(claim("a", LEAVING, since=1), node(), look(9, generation=2))


def test_a_lease_that_speaks_of_an_earlier_node_object_proves_nothing() -> None:
    assert not is_proven(claim("a", LEAVING, since=1), node(), look(9, uid="uid-of-the-deleted-one"))


@pytest.mark.parametrize("status", [Status.FALSE, Status.UNKNOWN])
def test_an_agent_that_did_not_see_the_whole_host_proves_nothing(status: Status) -> None:
    assert not is_proven(claim("a", LEAVING, since=1), node(agent=status), look(9))


def test_a_list_that_was_cut_proves_nothing() -> None:
    assert not is_proven(claim("a", LEAVING, since=1), node(omitted=1), look(9))


@pytest.mark.parametrize("role", [INCOMING, LEAVING])
def test_a_claim_that_waits_for_proof_is_stamped_once(role: Role) -> None:
    assert needs_stamp(claim("a", role), node(), look(1))
    assert not needs_stamp(claim("a", role, since=1), node(), look(9))


def test_it_is_stamped_anew_when_another_agent_process_audits() -> None:
    assert needs_stamp(claim("a", LEAVING, since=1), node(), look(9, holder="agent-2"))


def test_a_stamp_from_the_future_is_replaced_so_that_nobody_keeps_a_claim_for_ever_by_hand() -> None:
    assert needs_stamp(claim("a", LEAVING, since=8), node(), look(7))
    assert not needs_stamp(claim("a", LEAVING, since=7), node(), look(7))


@pytest.mark.parametrize("role", [RUNNING, RESERVED])
def test_claims_that_need_no_proof_are_not_stamped(role: Role) -> None:
    assert not needs_stamp(claim("a", role), node(), look(1))


def test_nothing_is_stamped_without_a_lease_or_by_that_of_another_node_object() -> None:
    assert not needs_stamp(claim("a", LEAVING), node(), None)
    assert not needs_stamp(claim("a", LEAVING), node(), look(1, uid="uid-of-the-deleted-one"))


def test_the_mark_names_the_process_and_its_last_published_audit() -> None:
    mark = look(7).mark
    assert (mark.holder, mark.audit) == (HOLDER, 7)


def test_a_node_without_a_report_is_answered_by_no_audit() -> None:
    bare = node()
    bare = replace(bare, status=replace(bare.status, report=None))
    found: AgentLook = look(9)
    assert not found.answers(bare)
