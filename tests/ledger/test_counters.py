"""What a scheduler weighs hosts by: Instances by state, and what is under way."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.api.compute_node import GuestState, InstanceStates, Role, Workload
from hypertally.ledger.counters import states, workload
from hypertally.ledger.reconcile import Inputs, next_ledger
from tests.ledger.make import INCOMING, LEAVING, RESERVED, RUNNING, claim, guest, instance, node


def test_a_claim_whose_guest_is_not_listed_yet_is_a_start_in_progress() -> None:
    assert workload([claim("a"), claim("b")], [guest("a")]) == Workload(starting=1)


def test_moves_are_counted_by_what_they_hold_whether_their_guest_is_listed_or_not() -> None:
    claims = [claim("a", INCOMING), claim("b", INCOMING), claim("c", RESERVED), claim("d", LEAVING)]
    assert workload(claims, [guest("b"), guest("c")]) == Workload(incoming=2, reserved=1, leaving=1)


def test_a_resize_on_its_own_host_is_a_move_and_no_start() -> None:
    assert workload([claim("a", INCOMING), claim("a", RUNNING)], [guest("a")]) == Workload(incoming=1)


def test_guests_that_nobody_claims_are_no_workload_and_no_instances() -> None:
    assert workload([], [guest("orphan")]) == Workload()
    assert states([], [guest("orphan")]) == InstanceStates()


@pytest.mark.parametrize("state", GuestState)
def test_every_state_of_a_guest_has_a_counter_of_its_name(state: GuestState) -> None:
    counted = msgspec.to_builtins(states([claim("a")], [guest("a", state=state)]))
    assert counted == {state.value[0].lower() + state.value[1:]: 1}


def test_an_instance_that_is_not_listed_is_counted_so() -> None:
    assert states([claim("a")], []) == InstanceStates(not_listed=1)


def test_an_instance_with_two_claims_is_one_and_one_that_only_leaves_is_none() -> None:
    claims = [claim("a", INCOMING), claim("a", RUNNING), claim("b", LEAVING)]
    assert states(claims, [guest("a"), guest("b")]) == InstanceStates(running=1)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(Role)), unique=True),
    st.dictionaries(st.sampled_from("abcde"), st.sampled_from(GuestState)),
)
def test_the_states_add_up_to_the_instances_and_the_workload_to_no_more_than_the_claims(
    held: list[tuple[str, Role]], listed: dict[str, GuestState]
) -> None:
    claims = [claim(uuid, role) for uuid, role in held]
    guests = [guest(uuid, state=state) for uuid, state in listed.items()]
    stay = {uuid for uuid, role in held if role is not LEAVING}
    assert sum(msgspec.structs.astuple(states(claims, guests))) == len(stay)
    assert sum(msgspec.structs.astuple(workload(claims, guests))) <= len(claims)


def test_a_ledger_carries_them() -> None:
    on = node(claims=[claim("a"), claim("b", LEAVING)], guests=[guest("a", state=GuestState.PAUSED), guest("b")])
    outcome = next_ledger(Inputs(node=on, owners={"a": instance(home="n0")}))
    assert outcome is not None
    assert (outcome.ledger.states, outcome.ledger.workload) == (InstanceStates(paused=1), Workload(leaving=1))
