"""Mediated devices: what exists, what can be made, what is claimed, and at which parents a guest gets its own."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from hypertally.api.inventory import MdevType
from hypertally.api.placement import HeldMdev
from hypertally.ledger.mdev_fit import fit_mdevs
from hypertally.ledger.mdev_free import free_mdevs
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.numa_free import Holding
from tests.ledger.pci_make import mdev_type, mdevs, with_mdevs
from tests.ledger.pci_oracle import Parents, mdevs_can_be_given

P, Q = "0000:06:00.0", "0000:07:00.0"
SMALL, BIG = "nvidia-35", "nvidia-36"


def claims(owner: str, *held: tuple[str, str, int]) -> Holding:
    return Holding(owner, stays=(with_mdevs(*held),))


def runs(owner: str, *held: tuple[str, str, int], claimed: bool = True) -> Holding:
    """Its devices exist."""
    return Holding(owner, stays=(with_mdevs(*held),) if claimed else (), listed=with_mdevs(*held))


def free(types: Sequence[MdevType], *holdings: Holding) -> list[int]:
    return list(free_mdevs(types, holdings).free.values())


def said(types: Sequence[MdevType], *holdings: Holding) -> list[str]:
    return [str(each) for each in free_mdevs(types, holdings).conflicts]


def test_a_claim_whose_guest_does_not_run_yet_is_counted_beside_what_is_measured() -> None:
    assert free([mdev_type(P, SMALL, 4)], claims("a", (P, SMALL, 1))) == [3]


def test_a_device_that_exists_is_counted_once_though_it_is_claimed_and_measured() -> None:
    assert free([mdev_type(P, SMALL, 3, "u1")], runs("a", (P, SMALL, 1))) == [3]


def test_an_orphans_device_is_taken() -> None:
    assert free([mdev_type(P, SMALL, 3, "u1")], runs("a", (P, SMALL, 1), claimed=False)) == [3]


def test_a_guest_with_more_claimed_than_it_has_yet_is_counted_at_its_claim() -> None:
    growing = Holding("a", stays=(with_mdevs((P, SMALL, 3)),), listed=with_mdevs((P, SMALL, 1)))
    assert free([mdev_type(P, SMALL, 3, "u1")], growing) == [1]


def test_an_existing_device_that_no_guest_has_is_free() -> None:
    assert free([mdev_type(P, SMALL, 0, "u1", "u2")], runs("a", (P, SMALL, 1))) == [1]


def test_two_roles_of_one_guest_share_their_devices() -> None:
    both = Holding(
        "a", stays=(with_mdevs((P, SMALL, 1)), with_mdevs((P, SMALL, 2))), leaves=(with_mdevs((P, SMALL, 1)),)
    )
    assert free([mdev_type(P, SMALL, 4)], both) == [2]


def test_devices_that_one_claim_names_twice_count_twice() -> None:
    assert free([mdev_type(P, SMALL, 4)], claims("a", (P, SMALL, 1), (P, SMALL, 2))) == [1]


def test_all_held_that_there_can_be_is_nothing_to_tell() -> None:
    assert said([mdev_type(P, SMALL, 1, "u1")], runs("a", (P, SMALL, 1)), claims("b", (P, SMALL, 1))) == []


def test_nothing_of_another_type_can_be_made_where_one_is_still_to_be_made() -> None:
    host = [mdev_type(P, SMALL, 4), mdev_type(P, BIG, 2), mdev_type(Q, BIG, 2)]
    assert free(host, claims("a", (P, SMALL, 1))) == [3, 0, 2]


def test_once_it_exists_the_measured_number_of_the_other_type_is_believed() -> None:
    host = [mdev_type(P, SMALL, 3, "u1"), mdev_type(P, BIG, 1)]
    assert free(host, runs("a", (P, SMALL, 1))) == [3, 1]


def test_existing_devices_of_another_type_stay_free_where_one_is_still_to_be_made() -> None:
    host = [mdev_type(P, SMALL, 4), mdev_type(P, BIG, 1, "u1")]
    assert free(host, claims("a", (P, SMALL, 1))) == [3, 1]


def test_more_held_than_there_can_be_is_told_and_leaves_nothing() -> None:
    host = [mdev_type(P, SMALL, 1)]
    owners = [claims("b", (P, SMALL, 1)), claims("a", (P, SMALL, 2))]
    assert free(host, *owners) == [0]
    assert said(host, *owners) == [f"mediated devices {SMALL} at {P}: 3 are held, there can be 1 (held by a, b)"]


def test_a_held_type_that_the_host_no_longer_offers_is_told() -> None:
    assert said([], claims("a", (P, SMALL, 1))) == [
        f"mediated devices {SMALL} at {P}: 1 are held, there can be 0 (held by a)"
    ]


def test_a_guest_that_asks_for_none_holds_none() -> None:
    assert fit_mdevs((), [mdev_type(P, SMALL, 4)], ()) == ()


def test_the_parent_with_most_left_is_taken() -> None:
    host = [mdev_type(P, SMALL, 2), mdev_type(Q, SMALL, 3)]
    assert fit_mdevs([mdevs(SMALL)], host, ()) == (HeldMdev(type=SMALL, parent_address=Q, count=1),)


def test_a_parent_that_has_such_devices_already_keeps_the_others_open_for_other_types() -> None:
    host = [mdev_type(P, SMALL, 1, "u1"), mdev_type(Q, SMALL, 3)]
    assert fit_mdevs([mdevs(SMALL)], host, [runs("a", (P, SMALL, 1))]) == (
        HeldMdev(type=SMALL, parent_address=P, count=1),
    )


def test_devices_come_from_several_parents_if_one_does_not_suffice() -> None:
    host = [mdev_type(P, SMALL, 2), mdev_type(Q, SMALL, 2)]
    assert fit_mdevs([mdevs(SMALL, 3)], host, ()) == (
        HeldMdev(type=SMALL, parent_address=P, count=2),
        HeldMdev(type=SMALL, parent_address=Q, count=1),
    )


def test_what_the_guest_holds_in_another_role_it_gets_again() -> None:
    host = [mdev_type(P, SMALL, 0, "u1"), mdev_type(Q, SMALL, 4)]
    owner = runs("g", (P, SMALL, 1))
    assert fit_mdevs([mdevs(SMALL)], host, [owner], owner="g") == (HeldMdev(type=SMALL, parent_address=P, count=1),)


def test_the_guests_own_devices_come_before_more_of_them_that_exist_elsewhere() -> None:
    host = [mdev_type(P, SMALL, 0, "u1"), mdev_type(Q, SMALL, 4, "u2")]
    owner = runs("g", (P, SMALL, 1))
    assert fit_mdevs([mdevs(SMALL)], host, [owner], owner="g") == (HeldMdev(type=SMALL, parent_address=P, count=1),)


def test_two_requests_for_one_type_are_one_for_all_of_them() -> None:
    host = [mdev_type(P, SMALL, 4)]
    assert fit_mdevs([mdevs(SMALL, 2), mdevs(SMALL)], host, ()) == (HeldMdev(type=SMALL, parent_address=P, count=3),)


def test_two_types_of_one_guest_are_made_at_two_parents() -> None:
    host = [mdev_type(p, t, n) for p in (P, Q) for t, n in ((SMALL, 4), (BIG, 2))]
    assert fit_mdevs([mdevs(SMALL), mdevs(BIG)], host, ()) == (
        HeldMdev(type=SMALL, parent_address=P, count=1),
        HeldMdev(type=BIG, parent_address=Q, count=1),
    )


def test_of_two_types_a_parent_makes_the_one_of_which_it_makes_more_that_is_missing() -> None:
    host = [mdev_type(P, SMALL, 1), mdev_type(P, BIG, 2), mdev_type(Q, SMALL, 2), mdev_type(Q, BIG, 3)]
    assert fit_mdevs([mdevs(SMALL, 1), mdevs(BIG, 2)], host, ()) == (
        HeldMdev(type=SMALL, parent_address=Q, count=1),
        HeldMdev(type=BIG, parent_address=P, count=2),
    )


def test_a_refusal_tells_what_all_parents_have_left() -> None:
    host = [mdev_type(P, SMALL, 2), mdev_type(Q, SMALL, 2), mdev_type(Q, BIG, 9)]
    assert str(fit_mdevs([mdevs(SMALL, 4)], host, [claims("a", (P, SMALL, 1))])) == (
        f"mediated devices {SMALL}, of 2 parents that offer it: asked 4, free 3"
    )


def test_a_parent_of_which_more_is_held_than_there_can_be_takes_nothing_from_what_others_have_left() -> None:
    host = [mdev_type(P, SMALL, 2), mdev_type(Q, SMALL, 1)]
    assert str(fit_mdevs([mdevs(SMALL, 3)], host, [claims("a", (Q, SMALL, 2))])) == (
        f"mediated devices {SMALL}, of 2 parents that offer it: asked 3, free 2"
    )


def test_a_refusal_does_not_tell_of_a_type_that_just_suffices() -> None:
    assert str(fit_mdevs([mdevs(SMALL, 2), mdevs(BIG)], [mdev_type(P, SMALL, 2)], ())) == (
        f"mediated devices {BIG}, of 0 parents that offer it: asked 1, free 0"
    )


def test_a_refusal_of_two_types_that_only_one_parent_could_make_says_so() -> None:
    host = [mdev_type(P, SMALL, 4), mdev_type(P, BIG, 2)]
    assert str(fit_mdevs([mdevs(SMALL), mdevs(BIG)], host, ())) == (
        f"mediated devices {SMALL} and {BIG} together, each at parents of its own: asked 2, free 1"
    )


SLOTS = [(p, t) for p in (P, Q, "0000:08:00.0") for t in (SMALL, BIG)]


@st.composite
def hosts(draw: st.DrawFn) -> list[MdevType]:
    some = draw(st.lists(st.sampled_from(SLOTS), unique=True, max_size=len(SLOTS)))
    return [
        mdev_type(p, t, draw(st.integers(0, 3)), *(f"{p}{t}{n}" for n in range(draw(st.integers(0, 2)))))
        for p, t in some
    ]


held = st.dictionaries(st.sampled_from(SLOTS), st.integers(1, 2), max_size=2)
asked = st.lists(st.sampled_from([SMALL, BIG]), unique=True, min_size=1).flatmap(
    lambda types: st.tuples(*(st.builds(mdevs, st.just(t), st.integers(1, 3)) for t in types))
)


@settings(max_examples=400, deadline=None)
@given(hosts(), st.dictionaries(st.sampled_from(["a", "g"]), held), asked)
def test_they_are_found_exactly_where_a_search_finds_some(types, by_owner, requests) -> None:  # type: ignore[no-untyped-def]
    holdings = [claims(owner, *((*slot, n) for slot, n in own.items())) for owner, own in by_owner.items()]
    parents = Parents(types, by_owner)
    found = fit_mdevs(requests, types, holdings, owner="g")
    assert isinstance(found, Misfit) is not mdevs_can_be_given(requests, parents, "g")
    if not isinstance(found, Misfit):
        assert parents.is_good({(each.parent_address, each.type): each.count for each in found}, "g")
        assert {r.type: r.count for r in requests} == {
            r.type: sum(each.count for each in found if each.type == r.type) for r in requests
        }
    assert fit_mdevs(requests, types[::-1], holdings[::-1], owner="g") == found
