"""What an Instance is granted beyond amounts, such as CPUs of its own: with a home, through a move and after it."""

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.instance import Instance, InstanceStatus, Move, MovePhase, MoveType
from hypertally.api.migration import Migration, Outcome
from hypertally.api.placement import CpuPolicy, PlacementRequest, ThreadPolicy
from hypertally.ledger.evidence import Evidence, Sight
from tests.ledger.make import claim, migration
from tests.ledger.seen import after, at
from tests.ledger.test_placed_claims import asks

PINNED = PlacementRequest(cpu_policy=CpuPolicy.DEDICATED)
ISOLATED = replace(PINNED, thread_policy=ThreadPolicy.ISOLATE)
HELD = at(claim("a"))
SEEN = at(fresh=Sight.RUNNING)
WITHOUT_SIZE = [MoveType.LIVE, MoveType.COLD, MoveType.EVACUATION]


def resize(placement: PlacementRequest | None, outcome: Outcome | None = None) -> Migration:
    """To n1, with two CPUs, of its own or not."""
    plain = migration(MoveType.RESIZE, new=2, outcome=outcome)
    return replace(plain, spec=replace(plain.spec, placement=placement))


def changed_since(accounted: Instance, placement: PlacementRequest | None) -> Instance:
    """The spec asks for something else than was granted."""
    return replace(accounted, spec=replace(accounted.spec, placement=placement))


def then(of: Instance, *migrations: Migration, n0: Evidence = HELD, n1: Evidence = SEEN) -> Instance:
    """Once its status is written."""
    return replace(of, status=after(of, list(migrations), n0=n0, n1=n1))


def begun(of: Instance, *migrations: Migration, n0: Evidence = HELD, n1: Evidence | None = None) -> Move:
    move = then(of, *migrations, n0=n0, n1=n1 or at()).status.move
    assert move is not None
    return move


def places(move: Move) -> tuple[PlacementRequest | None, PlacementRequest | None]:
    return move.old_placement, move.new_placement


def granted(of: Instance) -> tuple[str, Amounts | None, PlacementRequest | None]:
    status = of.status
    return status.compute_node_name, status.resources, status.placement


class TestHome:
    def test_brings_the_placement_that_its_claim_was_made_for(self) -> None:
        bound = asks("a", PINNED, vcpus=2)
        settled = then(bound, n0=at(claim("a", resources=bound.spec.amounts(), generation=1)), n1=at())
        assert granted(settled) == ("n0", Amounts(pcpus=2, memory_mib=1024), PINNED)

    def test_takes_the_placement_with_it_when_it_is_lost(self) -> None:
        assert then(asks("a", PINNED, home="n0"), n0=at(), n1=at()).status == InstanceStatus()


class TestAMoveThatBringsNoSize:
    accounted = changed_since(asks("a", PINNED, home="n0"), ISOLATED)
    size = Amounts(pcpus=1, memory_mib=1024)

    @pytest.mark.parametrize("type_", WITHOUT_SIZE)
    def test_is_of_what_was_granted_whatever_the_spec_asks_for_by_now(self, type_: MoveType) -> None:
        move = begun(self.accounted, migration(type_))
        assert (move.old_resources, move.new_resources) == (self.size, self.size)
        assert places(move) == (PINNED, PINNED)

    @pytest.mark.parametrize("type_", WITHOUT_SIZE)
    def test_keeps_the_placement_where_it_arrives(self, type_: MoveType) -> None:
        accepted = then(self.accounted, migration(type_), n1=at())
        assert granted(then(accepted, migration(type_), n0=at())) == ("n1", self.size, PINNED)

    @pytest.mark.parametrize("type_", WITHOUT_SIZE)
    def test_keeps_the_placement_where_it_was_when_it_is_cancelled(self, type_: MoveType) -> None:
        accepted = then(self.accounted, migration(type_), n1=at())
        cancelled = then(accepted, migration(type_, outcome=Outcome.CANCELLED), n1=at())
        assert granted(cancelled) == ("n0", self.size, PINNED)


class TestAResize:
    old = Amounts(pcpus=1, memory_mib=1024)
    new = Amounts(pcpus=2, memory_mib=2, disk_mib=2)
    accounted = asks("a", PINNED, home="n0")
    accepted = then(accounted, resize(ISOLATED), n1=at())

    def test_brings_a_placement_of_its_own(self) -> None:
        assert places(begun(self.accounted, resize(ISOLATED))) == (PINNED, ISOLATED)

    def test_to_cpus_of_its_own_is_charged_in_those(self) -> None:
        move = begun(asks("a", None, home="n0"), resize(PINNED))
        assert (places(move), move.new_resources) == ((None, PINNED), self.new)

    def test_without_a_placement_lets_the_guest_float(self) -> None:
        move = begun(self.accounted, resize(None))
        assert (places(move), move.new_resources) == ((PINNED, None), Amounts(vcpus=2, memory_mib=2, disk_mib=2))

    def test_leaves_what_was_granted_until_it_arrives(self) -> None:
        assert granted(self.accepted) == ("n0", self.old, PINNED)

    def test_grants_the_new_placement_with_the_new_size_when_it_arrives(self) -> None:
        assert granted(then(self.accepted, resize(ISOLATED))) == ("n1", self.new, ISOLATED)

    def test_grants_both_when_it_is_confirmed_before_the_arrival_was_seen(self) -> None:
        confirmed = then(self.accepted, resize(ISOLATED, Outcome.CONFIRMED), n1=at())
        assert granted(confirmed) == ("n1", self.new, ISOLATED)

    def test_keeps_both_when_it_is_confirmed_after_it(self) -> None:
        confirmed = then(then(self.accepted, resize(ISOLATED)), resize(ISOLATED, Outcome.CONFIRMED))
        assert granted(confirmed) == ("n1", self.new, ISOLATED)

    @pytest.mark.parametrize("outcome", [Outcome.REVERTED, Outcome.CANCELLED])
    @pytest.mark.parametrize("seen", [at(), SEEN], ids=["before it arrived", "after it arrived"])
    def test_gives_the_old_placement_back_with_the_old_size(self, outcome: Outcome, seen: Evidence) -> None:
        moving = then(self.accepted, resize(ISOLATED), n1=seen)
        assert granted(then(moving, resize(ISOLATED, outcome))) == ("n0", self.old, PINNED)

    def test_can_bring_a_guest_that_floated_back_to_floating(self) -> None:
        moved = then(then(asks("a", None, home="n0"), resize(PINNED), n1=at()), resize(PINNED))
        assert granted(moved) == ("n1", self.new, PINNED)
        reverted = then(moved, resize(PINNED, Outcome.REVERTED))
        assert granted(reverted) == ("n0", Amounts(vcpus=1, memory_mib=1024), None)


class TestAMoveThatNobodyDeclared:
    elsewhere = at(sight=Sight.RUNNING)
    size = Amounts(pcpus=1, memory_mib=1024)

    def test_keeps_what_was_granted_whatever_the_spec_asks_for_by_now(self) -> None:
        accounted = changed_since(asks("a", PINNED, home="n0"), ISOLATED)
        assert places(begun(accounted, n1=self.elsewhere)) == (PINNED, PINNED)
        followed = then(then(accounted, n1=self.elsewhere), n0=at())
        assert granted(followed) == ("n1", self.size, PINNED)

    def test_keeps_a_guest_floating_that_was_granted_nothing_more(self) -> None:
        accounted = changed_since(asks("a", None, home="n0"), PINNED)
        assert places(begun(accounted, n1=self.elsewhere)) == (None, None)

    def test_of_a_guest_without_a_home_is_of_what_it_asks_for(self) -> None:
        bound = asks("a", PINNED)
        move = begun(bound, n0=at(), n1=self.elsewhere)
        assert (places(move), move.type) == ((PINNED, PINNED), MoveType.OBSERVED)
        followed = then(then(bound, n0=at(), n1=self.elsewhere), n0=at())
        assert granted(followed) == ("n1", self.size, PINNED)
        assert followed.status.move == replace(move, phase=MovePhase.ENDED)
