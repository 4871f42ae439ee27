"""What whoever moves a guest is told: is the target's place held, and is the move over."""

import pytest

from hypertally.api.compute_node import Claim, ComputeNode, Role
from hypertally.api.conditions import Status
from hypertally.api.instance import Instance, Move, MovePhase, MoveType
from hypertally.api.migration import Migration, Outcome
from hypertally.ledger.conditions import Finding
from hypertally.ledger.evidence import gather
from hypertally.ledger.migration_conditions import findings, lock_of
from hypertally.ledger.shortage import Shortage
from tests.ledger.make import INCOMING, LEAVING, RESERVED, RUNNING, claim, instance, migration, move, node


def said(of: Migration, on: Instance | None, *nodes: ComputeNode) -> dict[str, Finding]:
    evidence = {n.metadata.name: gather(on, n, None) for n in nodes} if on else {}
    known = frozenset(n.metadata.name for n in nodes)
    return {finding.type: finding for finding in findings(of, on, evidence, known)}


def claimed(of: Migration, on: Instance | None, *nodes: ComputeNode) -> tuple[Status, str]:
    found = said(of, on, *nodes)["Claimed"]
    return found.status, found.reason


def completed(of: Migration, on: Instance | None, *nodes: ComputeNode) -> Status:
    return said(of, on, *nodes)["Completed"].status


def n(name: str, *claims: Claim) -> ComputeNode:
    return node(name, claims=claims)


HOME = instance("a", home="n0")
MOVING = instance("a", home="n0", move=move())
BOTH = (n("n0", claim("a")), n("n1"))


class TestRefusal:
    def test_of_an_instance_that_is_not_there(self) -> None:
        assert claimed(migration(), None, *BOTH) == (Status.FALSE, "InstanceNotFound")

    def test_of_an_unknown_target(self) -> None:
        assert claimed(migration(target="nowhere"), HOME, *BOTH) == (Status.FALSE, "NodeNotFound")

    def test_of_a_second_migration_names_the_first(self) -> None:
        second = said(migration(name="second"), MOVING, *BOTH)["Claimed"]
        assert (second.status, second.reason) == (Status.FALSE, "MoveInProgress")
        assert second.message == "Another move is under way: Migration m. This one waits for it."

    def test_while_a_move_is_followed_that_nobody_declared(self) -> None:
        followed = instance("a", home="n0", move=move(MoveType.OBSERVED))
        assert "nobody declared" in said(migration(), followed, *BOTH)["Claimed"].message

    def test_of_an_instance_that_is_not_accounted(self) -> None:
        assert claimed(migration(), instance("a"), *BOTH) == (Status.FALSE, "InstanceNotAccounted")

    def test_of_a_target_that_equals_the_source(self) -> None:
        assert claimed(migration(target="n0"), HOME, *BOTH) == (Status.FALSE, "TargetIsSource")

    def test_of_one_that_was_accepted_for_the_guest_of_an_earlier_instance(self) -> None:
        stale = said(migration(pinned="b"), HOME, *BOTH)
        assert (stale["Claimed"].status, stale["Claimed"].reason) == (Status.FALSE, "InstanceReplaced")
        assert (stale["Completed"].status, stale["Completed"].reason) == (Status.TRUE, "InstanceDeleted")

    def test_is_not_of_a_resize_on_one_node(self) -> None:
        assert claimed(migration(MoveType.RESIZE, "n0", new=2), HOME, *BOTH) == (Status.FALSE, "Pending")

    def test_is_not_of_what_will_be_accepted(self) -> None:
        assert claimed(migration(), HOME, *BOTH) == (Status.FALSE, "Pending")


class TestClaimed:
    def test_once_the_target_holds_incoming(self) -> None:
        assert claimed(migration(), MOVING, n("n0"), n("n1", claim("a", INCOMING))) == (Status.TRUE, "Claimed")

    def test_by_a_claim_that_was_taken_without_room_with_a_warning(self) -> None:
        forced = claim("a", INCOMING, overcommitted=True)
        found = said(migration(), MOVING, n("n0"), n("n1", forced))["Claimed"]
        assert (found.status, found.reason) == (Status.TRUE, "Overcommitted")
        assert found.message == "n1 lists the guest already and has no room for it: it is charged all the same."

    @pytest.mark.parametrize("role", [RUNNING, RESERVED, LEAVING])
    def test_not_by_a_claim_in_another_role(self, role: Role) -> None:
        assert claimed(migration(), MOVING, n("n0"), n("n1", claim("a", role))) == (Status.FALSE, "NoRoom")

    def test_not_by_the_claim_of_an_earlier_instance_with_the_same_uuid(self) -> None:
        earlier = claim("a", INCOMING, owner="uid-earlier")
        assert claimed(migration(), MOVING, n("n0"), n("n1", earlier)) == (Status.FALSE, "NoRoom")

    def test_not_by_a_claim_at_the_source(self) -> None:
        assert claimed(migration(), MOVING, n("n0", claim("a", INCOMING)), n("n1")) == (Status.FALSE, "NoRoom")

    @pytest.mark.parametrize("phase", [MovePhase.MOVED, MovePhase.ENDED])
    def test_says_where_it_is_accounted_after_it_moved(self, phase: MovePhase) -> None:
        found = said(migration(), instance("a", home="n1", move=move(phase=phase)), *BOTH)["Claimed"]
        assert (found.status, found.reason) == (Status.TRUE, "Moved")
        assert "n1" in found.message

    def test_a_target_without_room_says_what_is_missing_and_what_to_do(self) -> None:
        evidence = {"n1": gather(MOVING, n("n1"), None)}
        found, _ = findings(migration(), MOVING, evidence, frozenset({"n1"}), missing=[Shortage("memoryMiB", 9, 4)])
        assert (found.status, found.reason) == (Status.FALSE, "NoRoom")
        assert found.message == (
            "n1 has no room: memoryMiB: asked 9, free 4. It would fit with memoryMiB 4. "
            "Do not move the guest: wait for room, or set spec.outcome to Cancelled."
        )

    def test_a_target_that_was_not_looked_at_yet_holds_nothing_yet(self) -> None:
        assert said(migration(), MOVING, n("n0"), n("n1"))["Claimed"].message == (
            "n1 does not hold a place for it yet."
        )  # fmt: skip


class TestAwaited:
    """What has to happen next, and who does it."""

    @pytest.mark.parametrize(
        ("what", "text"),
        [
            (move(), "Waits for a report of n1 that lists the guest."),
            (
                move(MoveType.RESIZE, target="n0", new=2),
                "Waits for a report of n0 that lists the guest with its new size.",
            ),
            (
                move(MoveType.COLD, MovePhase.MOVED),
                "n1 has the guest: spec.outcome is awaited, Confirmed or Reverted.",
            ),
            (
                move(phase=MovePhase.ENDED),
                "It is accounted on n0; waits for n1 to let go of its claim.",
            ),
            (
                move(MoveType.RESIZE, MovePhase.ENDED, target="n0"),
                "It is accounted on n0; waits for n0 to let go of its claim.",
            ),
        ],
    )  # fmt: skip
    def test_an_open_move_says_what_it_waits_for(self, what: Move, text: str) -> None:
        on = instance("a", home="n0", move=what)
        held = (n("n0", claim("a", INCOMING)), n("n1", claim("a", RUNNING)))
        found = said(migration(what.type, what.target), on, *held)["Completed"]
        assert (found.status, found.reason, found.message) == (Status.FALSE, "InProgress", text)

    def test_what_was_not_accepted_has_not_begun(self) -> None:
        assert said(migration(), HOME, *BOTH)["Completed"].message == "It has not begun."
        assert said(migration(), None)["Completed"].message == "It has not begun."


class TestCompleted:
    def test_a_move_that_ended_and_let_go_at_both_ends(self) -> None:
        ended = instance("a", home="n1", move=move(phase=MovePhase.ENDED))
        assert completed(migration(), ended, n("n0", claim("a", LEAVING)), n("n1", claim("a"))) is Status.TRUE

    def test_not_while_an_end_still_holds_something(self) -> None:
        ended = instance("a", home="n1", move=move(phase=MovePhase.ENDED))
        assert completed(migration(), ended, n("n0", claim("a")), n("n1", claim("a"))) is Status.FALSE

    def test_not_while_the_move_goes_on(self) -> None:
        assert completed(migration(), MOVING, *BOTH) is Status.FALSE

    def test_not_while_it_waits_to_be_accepted(self) -> None:
        assert completed(migration(), HOME, *BOTH) is Status.FALSE
        assert completed(migration(name="second"), MOVING, *BOTH) is Status.FALSE

    def test_one_with_an_outcome_that_was_never_accepted(self) -> None:
        assert completed(migration(outcome=Outcome.CANCELLED), HOME, *BOTH) is Status.TRUE

    def test_one_whose_instance_was_deleted_after_it_was_accepted(self) -> None:
        found = said(migration(pinned="a"), None)["Completed"]
        assert (found.status, found.reason) == (Status.TRUE, "InstanceDeleted")

    def test_one_with_an_outcome_whose_instance_is_gone_before_it_was_accepted(self) -> None:
        assert completed(migration(outcome=Outcome.CANCELLED), None) is Status.TRUE

    def test_not_one_whose_instance_may_still_come(self) -> None:
        found = said(migration(), None)["Completed"]
        assert (found.status, found.reason) == (Status.FALSE, "Open")

    def test_one_that_is_completed_stays_so(self) -> None:
        assert completed(migration(completed=True), MOVING, *BOTH) is Status.TRUE


def test_a_move_belongs_to_the_migration_whose_uid_it_carries() -> None:
    assert lock_of(migration(), MOVING) == MOVING.status.move
    assert lock_of(migration(name="other"), MOVING) is None
    assert lock_of(migration(), HOME) is None
    assert lock_of(migration(), None) is None
