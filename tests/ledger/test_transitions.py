"""What becomes of the claims that one guest holds on a node."""

from collections.abc import Mapping

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim, Role
from hypertally.api.instance import Instance
from hypertally.ledger.transitions import Held, carry_over, make
from hypertally.ledger.wants import Want
from tests.ledger.make import INCOMING, LEAVING, RESERVED, RUNNING, claim, instance, size

A = instance("a", home="n0")


def carry(
    have: list[Claim],
    want: Mapping[Role, int | Want],
    *,
    owner: Instance | None = A,
    listed: bool = False,
    proven: bool = False,
) -> Held:
    wanted = {role: w if isinstance(w, Want) else Want(size(w)) for role, w in want.items()}
    return carry_over({c.role: c for c in have}, wanted, owner, listed=listed, is_proven=lambda _: proven)


def numbers(held: Held) -> dict[Role, int]:
    return {role: c.resources.vcpus for role, c in held.items()}


def test_a_claim_that_is_wanted_as_it_is_stands_untouched() -> None:
    held = claim("a", INCOMING, 2, since=7)
    assert carry([held], {INCOMING: 2}) == {INCOMING: held}


def test_a_claim_that_nobody_wants_leaves_and_its_proof_starts_anew() -> None:
    assert carry([claim("a", INCOMING, 2, since=7)], {}, proven=True) == {LEAVING: claim("a", LEAVING, 2)}


def test_a_claim_of_a_deleted_instance_leaves() -> None:
    assert numbers(carry([claim("a", RUNNING, 2)], {}, owner=None)) == {LEAVING: 2}


def test_a_claim_of_an_earlier_instance_with_the_same_uuid_leaves() -> None:
    earlier = claim("a", RUNNING, 2, owner="uid-earlier")
    assert numbers(carry([earlier], {RUNNING: 2})) == {LEAVING: 2}


def test_what_leaves_goes_with_proof_of_absence() -> None:
    assert carry([claim("a", LEAVING, 2, since=1)], {}, proven=True) == {}


def test_what_leaves_stays_without_proof_of_absence() -> None:
    leaves = claim("a", LEAVING, 2, since=1)
    assert carry([leaves], {}) == {LEAVING: leaves}


def test_one_claim_leaves_per_guest_and_it_is_the_greatest_in_each_amount() -> None:
    have = [
        claim("a", RUNNING, Amounts(vcpus=1, memory_mib=5, disk_mib=0)),
        claim("a", INCOMING, Amounts(vcpus=4, memory_mib=1, disk_mib=0)),
        claim("a", LEAVING, Amounts(vcpus=0, memory_mib=0, disk_mib=9), since=3),
    ]
    stands = carry(have, {})
    assert stands == {LEAVING: claim("a", LEAVING, Amounts(vcpus=4, memory_mib=5, disk_mib=9))}


def test_what_leaves_is_the_same_in_whatever_order_the_claims_were_read() -> None:
    have = [claim("a", RUNNING, 1, owner="uid-earlier"), claim("a", INCOMING, 2, migration="uid-m")]
    assert carry(have, {}) == carry(have[::-1], {})


def test_an_arrived_guest_turns_incoming_into_running_in_one_write() -> None:
    stands = carry([claim("a", INCOMING, 3, since=4, migration="uid-m")], {RUNNING: 2})
    assert stands == {RUNNING: claim("a", RUNNING, 2)}


def test_a_moved_guest_turns_running_into_a_reserve_in_one_write() -> None:
    want = Want(size(2), migration_uid="uid-m")
    stands = carry([claim("a", RUNNING, 2)], {RESERVED: want})
    assert stands == {RESERVED: claim("a", RESERVED, 2, migration="uid-m")}


def test_a_reverted_move_turns_the_reserve_into_running_in_one_write() -> None:
    assert carry([claim("a", RESERVED, 2)], {RUNNING: 2}) == {RUNNING: claim("a", RUNNING, 2)}


def test_on_one_node_both_claims_of_a_resize_change_roles_together() -> None:
    have = [claim("a", RUNNING, 1), claim("a", INCOMING, 3)]
    assert numbers(carry(have, {RUNNING: 3, RESERVED: 1})) == {RUNNING: 3, RESERVED: 1}


def test_a_reverted_resize_on_one_node_takes_the_old_size_back_and_lets_the_new_one_leave() -> None:
    have = [claim("a", RUNNING, 3), claim("a", RESERVED, 1)]
    assert numbers(carry(have, {RUNNING: 1})) == {RUNNING: 1, LEAVING: 3}


def test_a_confirmed_resize_on_one_node_lets_the_old_size_leave() -> None:
    have = [claim("a", RUNNING, 3), claim("a", RESERVED, 1)]
    assert numbers(carry(have, {RUNNING: 3})) == {RUNNING: 3, LEAVING: 1}


def test_a_claim_too_small_for_the_new_role_does_not_change_into_it() -> None:
    assert numbers(carry([claim("a", INCOMING, 1)], {RUNNING: 2})) == {LEAVING: 1}
    assert numbers(carry([claim("a", RUNNING, 1)], {RESERVED: 2})) == {LEAVING: 1}


def test_a_claim_greater_than_its_new_role_leaves_beside_it_instead_of_being_cut_down_without_proof() -> None:
    assert numbers(carry([claim("a", RESERVED, 2)], {RUNNING: 1})) == {LEAVING: 2}
    assert numbers(carry([claim("a", RUNNING, 2)], {RESERVED: 1})) == {LEAVING: 2}


def test_running_of_another_size_is_not_cut_down_in_place() -> None:
    assert numbers(carry([claim("a", RUNNING, 3)], {RUNNING: 2})) == {LEAVING: 3}


def test_without_a_home_running_is_made_anew_for_a_new_binding_at_the_same_charge() -> None:
    stands = carry([claim("a", RUNNING, 2, generation=1)], {RUNNING: Want(size(2), binding=2)})
    assert stands == {RUNNING: claim("a", RUNNING, 2, generation=2)}


def test_with_a_home_the_generation_of_the_binding_is_of_no_matter() -> None:
    held = claim("a", RUNNING, 2, generation=1)
    assert carry([held], {RUNNING: 2}) == {RUNNING: held}


def test_a_claim_taken_without_room_lasts_while_its_guest_is_listed() -> None:
    held = claim("a", RUNNING, 2, overcommitted=True)
    assert carry([held], {RUNNING: 2}, listed=True) == {RUNNING: held}
    assert carry([held], {RUNNING: 2}, listed=False) == {}


def test_a_claim_taken_without_room_leaves_nothing_behind() -> None:
    assert carry([claim("a", RUNNING, 2, overcommitted=True)], {}, listed=True) == {}


def test_room_that_was_never_there_is_not_there_in_another_role_either() -> None:
    stands = carry([claim("a", INCOMING, 2, overcommitted=True)], {RUNNING: 2}, listed=True)
    assert stands == {RUNNING: claim("a", RUNNING, 2, overcommitted=True)}


def test_a_new_claim_carries_its_own_copy_of_what_it_was_made_for() -> None:
    owner = instance("a", uid="uid-1", generation=4)
    made = make(owner, INCOMING, Want(size(2), migration_uid="uid-m"))
    assert made == claim("a", INCOMING, 2, owner="uid-1", migration="uid-m")
    assert make(owner, RUNNING, Want(size(2), binding=4)).instance_generation == 4
