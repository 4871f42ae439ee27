"""An Instance's status where a node object is gone, or the status itself is not what this controller wrote."""

from dataclasses import replace as evolve

import pytest
from msgspec.structs import replace

from hypertally.api.instance import Instance, MovePhase, MoveType
from hypertally.ledger.evidence import Sight
from hypertally.ledger.moves import is_clean
from tests.ledger.make import claim, instance, migration, move, size
from tests.ledger.seen import after, at, moving

LIVE, COLD, OBSERVED = MoveType.LIVE, MoveType.COLD, MoveType.OBSERVED
ENDED = MovePhase.ENDED


class TestNodesThatAreGone:
    @pytest.mark.parametrize("where", [instance(home="n0"), instance(bound="n0"), moving(move(LIVE))])
    def test_an_instance_of_which_no_node_is_there_stays_as_it_is(self, where: Instance) -> None:
        assert after(where, [migration(LIVE)]) == where.status

    def test_a_guest_that_is_elsewhere_is_followed_from_a_home_that_is_gone(self) -> None:
        assert after(instance(home="n0"), n1=at(sight=Sight.DEFINED)).move == move(OBSERVED)

    def test_nobody_is_followed_to_a_host_without_a_ledger_which_could_never_end_the_move(self) -> None:
        assert after(instance(home="n0"), n1=evolve(at(sight=Sight.DEFINED), has_ledger=False)).move is None

    def test_a_live_move_whose_source_is_gone_has_arrived_even_while_it_is_paused(self) -> None:
        status = after(moving(move(LIVE)), [migration(LIVE)], n1=at(fresh=Sight.DEFINED))
        assert (status.compute_node_name, status.move) == ("n1", move(LIVE, ENDED))

    def test_an_observed_move_whose_source_is_gone_moves_home(self) -> None:
        assert after(moving(move(OBSERVED)), n1=at(fresh=Sight.DEFINED)).compute_node_name == "n1"

    def test_an_observed_move_whose_target_is_gone_ends_where_it_was(self) -> None:
        status = after(moving(move(OBSERVED)), n0=at(claim("a")))
        assert (status.compute_node_name, status.move) == ("n0", move(OBSERVED, ENDED))

    def test_a_move_whose_ends_are_gone_has_let_go(self) -> None:
        assert is_clean(moving(move(COLD, ENDED), home="n1"), move(COLD, ENDED), {})


def test_an_instance_without_a_home_that_is_followed_is_granted_what_it_asks_for() -> None:
    followed = instance("a", bound="n0", resources=2, move=move(OBSERVED, old=2))
    status = after(followed, n0=at(), n1=at(fresh=Sight.RUNNING))
    assert (status.compute_node_name, status.resources) == ("n1", size(2))


def test_an_instance_whose_granted_size_is_lost_is_not_moved_on_a_guess() -> None:
    lost = instance("a", home="n0")
    lost = replace(lost, status=replace(lost.status, resources=None))
    assert after(lost, [migration(LIVE)], n0=at(claim("a")), n1=at()) == lost.status
