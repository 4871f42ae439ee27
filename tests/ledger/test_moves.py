"""An Instance's status, row by row of the design's table."""

import pytest
from msgspec.structs import replace

from hypertally.api.compute_node import Role
from hypertally.api.instance import Instance, MovePhase, MoveType
from hypertally.api.migration import Migration, Outcome
from hypertally.ledger.evidence import Evidence, Sight, gather
from hypertally.ledger.moves import is_clean, next_status
from tests.ledger.make import INCOMING, LEAVING, RESERVED, RUNNING, claim, instance, migration, move, node, size
from tests.ledger.seen import after, at, moving

LIVE, COLD, RESIZE, EVACUATION = MoveType.LIVE, MoveType.COLD, MoveType.RESIZE, MoveType.EVACUATION
OBSERVED = MoveType.OBSERVED
ACCEPTED, MOVED, ENDED = MovePhase.ACCEPTED, MovePhase.MOVED, MovePhase.ENDED


class TestHome:
    def test_it_is_the_bound_node_once_that_holds_running_for_the_present_binding(self) -> None:
        bound = instance(resources=2, generation=3, refused="n0")
        status = after(bound, n0=at(claim("a", resources=2, generation=3)))
        assert (status.compute_node_name, status.resources) == ("n0", size(2))
        assert status.refused_compute_node_name == ""

    def test_a_claim_for_an_earlier_binding_gives_no_home(self) -> None:
        bound = instance(generation=3)
        assert after(bound, n0=at(claim("a", generation=2))) == bound.status

    def test_a_claim_of_an_earlier_instance_gives_no_home(self) -> None:
        bound = instance(generation=3)
        assert after(bound, n0=at(claim("a", generation=3, owner="uid-earlier"))) == bound.status

    def test_another_role_gives_no_home(self) -> None:
        bound = instance(generation=3)
        assert after(bound, n0=at(claim("a", LEAVING, generation=3))) == bound.status

    def test_it_is_removed_when_its_ledger_and_its_report_hold_nothing_any_more(self) -> None:
        status = after(instance(home="n0"), n0=at())
        assert (status.compute_node_name, status.resources) == ("", None)

    @pytest.mark.parametrize(
        "node",
        [
            at(claim("a")),
            at(claim("a", LEAVING)),
            at(sight=Sight.DEFINED),
            at(hidden=True),
            at(current=False),
            Evidence(),
        ],
        ids=["a claim", "what leaves", "a listing", "a list that was cut", "an unseen report", "no node object"],
    )
    def test_it_stays_while_anything_speaks_for_it_or_nothing_is_known(self, node: Evidence) -> None:
        accounted = instance(home="n0")
        assert after(accounted, n0=node) == accounted.status


class TestAcceptance:
    def test_an_open_migration_to_another_node_is_accepted(self) -> None:
        accounted = instance(home="n0", resources=2)
        status = after(accounted, [migration(LIVE)], n0=at(claim("a")), n1=at())
        assert status == replace(accounted.status, move=move(LIVE, old=2))

    def test_a_resize_brings_its_new_size_and_may_stay_on_its_node(self) -> None:
        status = after(instance(home="n0"), [migration(RESIZE, "n0", new=3)], n0=at(claim("a")))
        assert status.move == move(RESIZE, target="n0", old=1, new=3)

    @pytest.mark.parametrize(
        "refused",
        [
            migration(LIVE, "n0"),
            migration(LIVE, "nowhere"),
            migration(LIVE, outcome=Outcome.CANCELLED),
            migration(LIVE, completed=True),
            migration(LIVE, pinned="the-guest-of-an-earlier-instance"),
        ],
        ids=[
            "the target is the source",
            "the target is unknown",
            "it has an outcome",
            "it is completed",
            "not its guest",
        ],
    )
    def test_a_migration_that_leads_nowhere_is_not_accepted(self, refused: Migration) -> None:
        accounted = instance(home="n0")
        assert after(accounted, [refused], n0=at(claim("a")), n1=at()) == accounted.status

    def test_on_a_target_that_has_no_ledger_yet_nothing_would_be_asked_whether_it_fits(self) -> None:
        accounted = instance(home="n0")
        joined = gather(accounted, node("n1", claims=None), None)
        assert after(accounted, [migration(LIVE)], n0=at(claim("a")), n1=joined) == accounted.status

    def test_without_a_home_nothing_is_accepted(self) -> None:
        bound = instance()
        assert after(bound, [migration(LIVE)], n0=at(), n1=at()) == bound.status

    def test_the_first_that_can_be_accepted_is_and_the_second_waits(self) -> None:
        both = [migration(LIVE, "nowhere", name="x"), migration(LIVE, name="m"), migration(COLD, "n2", name="z")]
        first = after(instance(home="n0"), both, n0=at(claim("a")), n1=at(), n2=at())
        assert first.move is not None
        assert first.move.migration_name == "m"
        second = replace(instance(home="n0"), status=first)
        assert after(second, both, n0=at(claim("a")), n1=at(), n2=at()) == first


class TestArrival:
    """The target's Incoming stands, and a report newer than that claim lists the guest."""

    @pytest.mark.parametrize(
        ("type_", "fresh", "source", "arrived"),
        [
            (LIVE, Sight.RUNNING, Sight.RUNNING, True),
            (LIVE, Sight.DEFINED, Sight.RUNNING, False),
            (LIVE, Sight.DEFINED, Sight.DEFINED, False),
            (LIVE, Sight.DEFINED, Sight.ABSENT, True),
            (LIVE, Sight.ABSENT, Sight.ABSENT, False),
            (COLD, Sight.DEFINED, Sight.DEFINED, True),
            (COLD, Sight.ABSENT, Sight.ABSENT, False),
            (EVACUATION, Sight.DEFINED, Sight.RUNNING, True),
            (EVACUATION, Sight.ABSENT, Sight.DEFINED, False),
        ],
    )
    def test_is_seen_by_type(self, type_: MoveType, fresh: Sight, source: Sight, arrived: bool) -> None:
        status = after(moving(move(type_)), [migration(type_)], n0=at(claim("a"), sight=source), n1=at(fresh=fresh))
        assert (status.compute_node_name == "n1") is arrived

    @pytest.mark.parametrize("type_", [LIVE, COLD, EVACUATION])
    def test_a_listing_that_may_be_older_than_the_claim_is_none(self, type_: MoveType) -> None:
        accepted = moving(move(type_))
        assert after(accepted, [migration(type_)], n0=at(), n1=at(sight=Sight.RUNNING)) == accepted.status

    def test_a_paused_guest_has_not_arrived_while_the_source_may_have_it_beyond_its_list(self) -> None:
        accepted = moving(move(LIVE))
        nodes = {"n0": at(claim("a"), hidden=True), "n1": at(fresh=Sight.DEFINED)}
        assert next_status(accepted, nodes, [migration(LIVE)]) == accepted.status

    @pytest.mark.parametrize(("type_", "phase"), [(LIVE, ENDED), (EVACUATION, ENDED), (COLD, MOVED), (RESIZE, MOVED)])
    def test_ends_the_move_unless_an_outcome_is_awaited(self, type_: MoveType, phase: MovePhase) -> None:
        open_ = migration(type_, new=2 if type_ is RESIZE else None)
        status = after(moving(move(type_, new=2)), [open_], n0=at(), n1=at(fresh=Sight.RUNNING))
        assert (status.compute_node_name, status.resources) == ("n1", size(2))
        assert status.move == move(type_, phase, new=2)

    @pytest.mark.parametrize(("listed", "arrived"), [(1, False), (2, False), (3, True)])
    def test_on_one_node_is_the_new_size(self, listed: int, arrived: bool) -> None:
        status = after(
            moving(move(RESIZE, target="n0", old=1, new=3)),
            [migration(RESIZE, "n0", new=3)],
            n0=at(claim("a"), fresh=Sight.RUNNING, listed=size(listed)),
        )
        assert (status.resources == size(3)) is arrived

    def test_on_one_node_a_resize_to_the_same_size_waits_for_its_outcome(self) -> None:
        accepted = moving(move(RESIZE, target="n0", old=1, new=1))
        here = at(claim("a"), fresh=Sight.RUNNING, listed=size(1))
        assert after(accepted, [migration(RESIZE, "n0", new=1)], n0=here) == accepted.status


class TestOutcome:
    @pytest.mark.parametrize("type_", [COLD, RESIZE])
    def test_confirmed_moves_home_even_before_the_arrival_was_seen(self, type_: MoveType) -> None:
        confirmed = migration(type_, outcome=Outcome.CONFIRMED)
        status = after(moving(move(type_, new=3)), [confirmed], n0=at(), n1=at())
        assert (status.compute_node_name, status.resources) == ("n1", size(3))
        assert status.move == move(type_, ENDED, new=3)

    def test_confirmed_after_the_arrival_keeps_home(self) -> None:
        status = after(
            moving(move(COLD, MOVED), home="n1"), [migration(COLD, outcome=Outcome.CONFIRMED)], n0=at(), n1=at()
        )
        assert (status.compute_node_name, status.move) == ("n1", move(COLD, ENDED))

    @pytest.mark.parametrize("outcome", [Outcome.REVERTED, Outcome.CANCELLED])
    @pytest.mark.parametrize("phase", [ACCEPTED, MOVED])
    def test_reverted_or_cancelled_brings_home_and_size_back(self, outcome: Outcome, phase: MovePhase) -> None:
        moved = moving(move(RESIZE, phase, old=1, new=3), home="n1", granted=3)
        status = after(moved, [migration(RESIZE, new=3, outcome=outcome)], n0=at(), n1=at(fresh=Sight.RUNNING))
        assert (status.compute_node_name, status.resources) == ("n0", size(1))
        assert status.move == move(RESIZE, ENDED, old=1, new=3)

    def test_confirmed_means_nothing_to_a_live_move(self) -> None:
        accepted = moving(move(LIVE))
        assert after(accepted, [migration(LIVE, outcome=Outcome.CONFIRMED)], n0=at(), n1=at()) == accepted.status

    @pytest.mark.parametrize(("phase", "home"), [(ACCEPTED, "n0"), (MOVED, "n1")])
    def test_a_migration_deleted_while_open_ends_the_move_and_home_stays(self, phase: MovePhase, home: str) -> None:
        status = after(moving(move(COLD, phase), home=home), [], n0=at(), n1=at(fresh=Sight.RUNNING))
        assert (status.compute_node_name, status.move) == (home, move(COLD, ENDED))

    def test_another_migration_of_the_same_name_is_not_the_one_that_was_accepted(self) -> None:
        again = migration(COLD)
        again = replace(again, metadata=replace(again.metadata, uid="uid-of-the-second"))
        status = after(moving(move(COLD)), [again], n0=at(), n1=at())
        assert status.move == move(COLD, ENDED)


class TestForgetting:
    def ended(self, home: str = "n1") -> Instance:
        return moving(move(COLD, ENDED), home=home)

    def test_a_move_goes_once_both_ends_let_go_and_its_migration_was_told(self) -> None:
        done = migration(COLD, outcome=Outcome.CONFIRMED, completed=True)
        status = after(self.ended(), [done], n0=at(claim("a", LEAVING)), n1=at(claim("a")))
        assert status.move is None
        assert status.compute_node_name == "n1"

    def test_it_stays_until_its_migration_was_told(self) -> None:
        waiting = self.ended()
        told = [migration(COLD, outcome=Outcome.CONFIRMED)]
        assert after(waiting, told, n0=at(), n1=at(claim("a"))) == waiting.status

    def test_a_deleted_migration_need_not_be_told(self) -> None:
        assert after(self.ended(), n0=at(), n1=at(claim("a"))).move is None

    @pytest.mark.parametrize("role", [RUNNING, INCOMING, RESERVED])
    def test_it_stays_while_the_end_that_is_not_home_holds_a_claim_that_stays(self, role: Role) -> None:
        assert not is_clean(self.ended(), move(), {"n0": at(claim("a", role)), "n1": at(claim("a"))})

    @pytest.mark.parametrize("role", [INCOMING, RESERVED])
    def test_it_stays_while_home_holds_a_claim_for_the_move(self, role: Role) -> None:
        assert not is_clean(self.ended(), move(), {"n0": at(), "n1": at(claim("a", role))})

    def test_an_end_whose_node_is_gone_has_let_go(self) -> None:
        assert is_clean(self.ended(), move(), {"n1": at(claim("a"))})
