"""What holds of every charge, every admission and every change of an Instance's status."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hypertally.api.amounts import DEFAULT_RATIOS, AllocationRatios, Amounts, ReservedAmounts
from hypertally.api.bounds import AMOUNT_MAX
from hypertally.api.compute_node import Claim, Role
from hypertally.api.conditions import Condition, Status
from hypertally.api.instance import Instance, InstanceStatus, MovePhase, MoveType
from hypertally.api.migration import Migration, Outcome
from hypertally.ledger.admission import Desk
from hypertally.ledger.charges import charge
from hypertally.ledger.conditions import Finding, aged
from hypertally.ledger.evidence import Evidence, Sight
from hypertally.ledger.moves import next_status
from hypertally.ledger.policy import Policy, allocatable
from hypertally.ledger.vectors import KEYS, add, covers, greatest, subtract, total
from tests.ledger.make import guest, node_spec, report
from tests.ledger.strategies import amounts, claims, evidences, instances, migrations
from tests.support.drawn import Drawn

PHASES = list(MovePhase)
of_a = st.sampled_from(Role).flatmap(lambda role: claims("a", role))
nodes_seen = st.fixed_dictionaries({"n0": evidences(), "n1": evidences()})
some_migrations = st.lists(migrations(), max_size=2)
an_instance = instances("a")
each_step = Drawn(an_instance, nodes_seen, some_migrations)


@given(amounts, amounts)
def test_what_is_subtracted_is_what_was_added(a: Amounts, b: Amounts) -> None:
    assert subtract(add(a, b), b) == a


@given(st.lists(amounts), amounts)
def test_the_greatest_covers_each_and_is_covered_by_the_sum(each: list[Amounts], other: Amounts) -> None:
    assert all(covers(greatest(each), a) for a in each)
    assert covers(total(each), greatest(each))
    assert covers(total([*each, other]), total(each))


@given(st.lists(of_a, max_size=4), amounts)
def test_a_guest_is_charged_at_least_what_is_listed_and_at_most_all_together(
    held: list[Claim], listed: Amounts
) -> None:
    charged = charge(held, listed)
    assert covers(charged, listed)
    assert covers(total([*(c.resources for c in held), listed]), charged)


@given(st.lists(of_a, max_size=4), of_a, amounts)
def test_one_claim_more_never_lowers_a_charge(held: list[Claim], more: Claim, listed: Amounts) -> None:
    assert covers(charge([*held, more], listed), charge(held, listed))


@given(st.lists(of_a, max_size=4), amounts, amounts)
def test_a_greater_listing_never_lowers_a_charge(held: list[Claim], listed: Amounts, more: Amounts) -> None:
    assert covers(charge(held, add(listed, more)), charge(held, listed))


@given(st.integers(0, AMOUNT_MAX), st.integers(0, AMOUNT_MAX), st.integers(1, 10**6))
def test_allocatable_is_never_more_than_what_is_there_times_the_ratio(capacity: int, reserve: int, ratio: int) -> None:
    spec = node_spec(reserved=ReservedAmounts(vcpus=reserve), ratios=AllocationRatios(vcpus=ratio))
    given_away = allocatable(Amounts(vcpus=capacity), spec).vcpus
    exact = (capacity - reserve) * ratio
    assert given_away * 1000 <= exact < (given_away + 1) * 1000


@given(amounts, st.lists(of_a, max_size=3, unique_by=lambda c: c.role), amounts, of_a)
def test_a_claim_without_shortages_exceeds_nothing_that_it_asks_for(
    room: Amounts, held: list[Claim], listed: Amounts, asked: Claim
) -> None:
    desk = Desk(report(0, [guest("a", resources=listed)]), Policy(room, DEFAULT_RATIOS, Amounts()))
    for each in held:
        desk.put(each)
    shortages = desk.shortages(asked)
    desk.put(asked)
    over = {
        key for key in KEYS if getattr(asked.resources, key) > 0 and getattr(subtract(room, desk.allocated), key) < 0
    }
    assert len(over) == len(shortages)


@each_step
def test_a_moves_phase_never_goes_back(
    instance: Instance, nodes: dict[str, Evidence], migrations: list[Migration]
) -> None:
    before, after = instance.status.move, next_status(instance, nodes, migrations).move
    if before is None:
        assert after is None or after.phase is MovePhase.ACCEPTED
    elif after is None:
        assert before.phase is MovePhase.ENDED
    else:
        assert PHASES.index(after.phase) >= PHASES.index(before.phase)


@each_step
def test_a_move_keeps_its_ends_its_sizes_and_its_migration(
    instance: Instance, nodes: dict[str, Evidence], migrations: list[Migration]
) -> None:
    before, after = instance.status.move, next_status(instance, nodes, migrations).move
    if before is not None and after is not None:
        assert replace(after, phase=before.phase) == before


@each_step
def test_one_write_does_one_thing(instance: Instance, nodes: dict[str, Evidence], migrations: list[Migration]) -> None:
    """A new move leaves home as it is; a new home comes from the binding, or from a move that stands."""
    before, after = instance.status, next_status(instance, nodes, migrations)
    if before.move is None and after.move is not None:
        assert (after.compute_node_name, after.resources) == (before.compute_node_name, before.resources)
    if before.move is None and after.compute_node_name != before.compute_node_name:
        assert after.move is None
        assert after.compute_node_name in ("", instance.spec.compute_node_name)
    if before.move is not None:
        ends = {before.compute_node_name, before.move.source, before.move.target}
        assert after.compute_node_name in ends


@each_step
def test_home_moves_only_with_a_claim_a_proof_or_an_outcome(
    instance: Instance, nodes: dict[str, Evidence], migrations: list[Migration]
) -> None:
    before, after = instance.status, next_status(instance, nodes, migrations)
    home = after.compute_node_name
    if home and home != before.compute_node_name:
        claim_stands = any(c.role is Role.RUNNING for c in nodes[home].claims)
        proven = nodes[home].fresh is not None and nodes[home].fresh is not Sight.ABSENT
        decided = any(m.spec.outcome is not None for m in migrations)
        assert (before.move is None and claim_stands) or (before.move is not None and (proven or decided))


@each_step
def test_a_home_comes_with_its_size_and_goes_with_it(
    instance: Instance, nodes: dict[str, Evidence], migrations: list[Migration]
) -> None:
    after = next_status(instance, nodes, migrations)
    assert bool(after.compute_node_name) == (after.resources is not None)


@each_step
def test_a_home_is_never_given_up_while_anything_is_held_or_may_be_listed_there(
    instance: Instance, nodes: dict[str, Evidence], migrations: list[Migration]
) -> None:
    before, after = instance.status, next_status(instance, nodes, migrations)
    if before.compute_node_name and not after.compute_node_name:
        assert nodes[before.compute_node_name].nothing


@each_step
def test_the_order_of_the_nodes_is_of_no_matter(
    instance: Instance, nodes: dict[str, Evidence], migrations: list[Migration]
) -> None:
    backwards = dict(reversed(nodes.items()))
    assert next_status(instance, backwards, migrations) == next_status(instance, nodes, migrations)


@each_step
def test_with_the_same_evidence_a_status_comes_to_rest(
    instance: Instance, nodes: dict[str, Evidence], migrations: list[Migration]
) -> None:
    """Unless the world changes: a move ends, its Migration would be told, and what it held would be let go."""
    seen: list[InstanceStatus] = []
    for _ in range(6):
        status = next_status(instance, nodes, migrations)
        if status == instance.status:
            return
        seen.append(status)
        instance = replace(instance, status=status)
    begins = [s for s in seen if s.move is not None and s.move.phase is MovePhase.ACCEPTED]
    assert begins, "only a move that begins anew keeps a status busy"
    assert all(s.move is not None and s.move.type is MoveType.OBSERVED for s in begins)


@each_step
def test_no_move_begins_by_a_migration_with_an_outcome(
    instance: Instance, nodes: dict[str, Evidence], migrations: list[Migration]
) -> None:
    decided = [replace(m, spec=replace(m.spec, outcome=Outcome.CANCELLED)) for m in migrations]
    if instance.status.move is None:
        after = next_status(instance, nodes, decided).move
        assert after is None or after.type is MoveType.OBSERVED


statuses = st.sampled_from(Status)


@given(statuses, statuses)
def test_a_condition_is_dated_anew_exactly_when_its_status_changes(before: Status, after: Status) -> None:
    stood = Condition(type="Ready", status=before, reason="R", last_transition_time="then")
    (found,) = aged([Finding("Ready", after, "R")], (stood,), "now", 1)
    assert (found.last_transition_time == "now") is (before is not after)
