"""Guests that somebody moved without a Migration are followed."""

import pytest

from hypertally.api.instance import MovePhase, MoveType
from hypertally.ledger.evidence import Sight
from tests.ledger.make import INCOMING, LEAVING, claim, instance, migration, move
from tests.ledger.seen import after, at, moving

COLD, OBSERVED, ENDED = MoveType.COLD, MoveType.OBSERVED, MovePhase.ENDED


class TestObservedMoves:
    """Guests that somebody moved are followed."""

    def test_a_better_sight_elsewhere_begins_one(self) -> None:
        status = after(instance(home="n0"), n0=at(claim("a"), sight=Sight.DEFINED), n1=at(sight=Sight.RUNNING))
        assert status.move == move(OBSERVED)
        assert status.compute_node_name == "n0"

    def test_an_instance_without_a_home_is_followed_from_its_bound_node(self) -> None:
        status = after(instance(resources=2), n0=at(), n1=at(sight=Sight.DEFINED))
        assert status.move == move(OBSERVED, old=2)

    @pytest.mark.parametrize("sight", [Sight.ABSENT, Sight.DEFINED, Sight.RUNNING])
    def test_an_equal_sight_does_not(self, sight: Sight) -> None:
        accounted = instance(home="n0")
        assert after(accounted, n0=at(claim("a"), sight=sight), n1=at(sight=sight)) == accounted.status

    def test_the_shadow_of_something_older_does_not(self) -> None:
        accounted = instance(home="n0")
        shadow = at(claim("a", LEAVING), sight=Sight.RUNNING, settled=False)
        assert after(accounted, n0=at(claim("a")), n1=shadow) == accounted.status

    def test_a_guest_that_may_be_at_home_beyond_the_list_is_not_followed(self) -> None:
        accounted = instance(home="n0")
        assert after(accounted, n0=at(claim("a"), hidden=True), n1=at(sight=Sight.RUNNING)) == accounted.status

    def test_an_unbound_instance_is_followed_nowhere(self) -> None:
        unbound = instance(bound="")
        assert after(unbound, n1=at(sight=Sight.RUNNING)) == unbound.status

    def test_what_a_silent_host_listed_last_is_no_evidence_against_running_elsewhere(self) -> None:
        dead = at(claim("a"), sight=Sight.RUNNING, silent=True)
        assert after(instance(home="n0"), n0=dead, n1=at(sight=Sight.RUNNING)).move == move(OBSERVED)
        accounted = instance(home="n0")
        assert after(accounted, n0=dead, n1=at(sight=Sight.DEFINED)) == accounted.status

    def test_what_a_silent_host_listed_last_begins_none(self) -> None:
        accounted = instance(home="n0")
        assert after(accounted, n0=at(claim("a")), n1=at(sight=Sight.RUNNING, silent=True)) == accounted.status

    def test_a_target_that_falls_silent_before_it_looked_again_ends_it_where_it_was(self) -> None:
        dead = at(claim("a", INCOMING), sight=Sight.RUNNING, silent=True)
        status = after(moving(move(OBSERVED)), n0=at(), n1=dead)
        assert (status.compute_node_name, status.move) == ("n0", move(OBSERVED, ENDED))

    def test_a_declared_move_comes_first(self) -> None:
        status = after(instance(home="n0"), [migration(COLD)], n0=at(claim("a")), n1=at(sight=Sight.RUNNING))
        assert status.move == move(COLD)

    def test_it_moves_home_when_a_report_newer_than_its_claim_says_so(self) -> None:
        status = after(moving(move(OBSERVED)), n0=at(sight=Sight.DEFINED), n1=at(fresh=Sight.RUNNING))
        assert (status.compute_node_name, status.move) == ("n1", move(OBSERVED, ENDED))

    def test_it_moves_home_away_from_a_silent_host(self) -> None:
        dead = at(sight=Sight.RUNNING, silent=True)
        assert after(moving(move(OBSERVED)), n0=dead, n1=at(fresh=Sight.RUNNING)).compute_node_name == "n1"

    @pytest.mark.parametrize("fresh", [Sight.ABSENT, Sight.DEFINED, Sight.RUNNING])
    def test_it_ends_where_it_was_when_the_guest_came_back(self, fresh: Sight) -> None:
        status = after(moving(move(OBSERVED)), n0=at(sight=Sight.RUNNING), n1=at(fresh=fresh))
        assert (status.compute_node_name, status.move) == ("n0", move(OBSERVED, ENDED))

    def test_it_ends_when_nothing_of_it_is_left_at_the_target(self) -> None:
        status = after(moving(move(OBSERVED)), n0=at(), n1=at())
        assert (status.compute_node_name, status.move) == ("n0", move(OBSERVED, ENDED))

    def test_it_waits_while_the_target_has_not_looked_again(self) -> None:
        watching = moving(move(OBSERVED))
        assert after(watching, n0=at(), n1=at(claim("a", INCOMING), sight=Sight.RUNNING)) == watching.status
