"""Known answers of Nova's own code, row by row (P1 to P36, those of claims and fits).

Where the right answer is another, the name says so.
"""

import pytest

from hypertally.api.inventory import PciType
from hypertally.api.placement import NumaPolicy
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.pci_free import PciConflictKind
from tests.ledger.pci_make import (
    A_PF,
    A_VF,
    CARD,
    PF,
    VF1,
    VF2,
    addresses_of,
    counts,
    device,
    has,
    left,
    on_sockets,
    physical,
    pool,
    request,
    take,
    virtual,
)


def test_p1_a_host_starts_with_all_functions_free() -> None:
    assert counts(CARD) == (1, 2)


def test_p2_p3_a_held_vf_takes_its_pf_away() -> None:
    assert counts(CARD, has("a", VF1)) == (0, 1)


def test_p4_with_both_vfs_held_the_emptied_pool_stays_listed() -> None:
    assert counts(CARD, has("a", VF1), has("b", VF2)) == (0, 0)


def test_p5_the_pf_stays_away_while_one_vf_is_held() -> None:
    assert counts(CARD, has("b", VF2)) == (0, 1)


def test_p6_the_last_vf_gives_the_pf_back() -> None:
    assert counts(CARD, has("a"), has("b")) == (1, 2)


def test_p7_p8_a_held_pf_takes_its_vfs_away() -> None:
    assert counts(CARD, has("a", PF)) == (0, 0)


def test_p9_no_vf_of_a_held_pf_is_given_away() -> None:
    assert str(take(A_VF, CARD, has("a", PF))) == (
        "PCI devices for vf, of 2 that match (2 shut out by their physical or virtual functions): asked 1, free 0"
    )


def test_p10_a_released_pf_gives_its_vfs_back() -> None:
    assert counts(CARD, has("a")) == (1, 2)
    assert addresses_of(take(A_VF, CARD, has("a"))) == [VF1]


def test_p11_a_pf_is_given_only_to_those_who_ask_for_the_type() -> None:
    assert str(take(request(product="1521"), CARD)) == (
        "PCI devices for net, of 1 that match (1 of type PF, to be asked for by type): asked 1, free 0"
    )
    assert addresses_of(take(request(product="1521", type_=PciType.PF), CARD)) == [PF]


def test_p12_two_vfs_are_there_and_three_are_not() -> None:
    assert addresses_of(take(request(product="1520", count=2), CARD)) == [VF1, VF2]
    assert str(take(request(product="1520", count=3), CARD)) == (
        "PCI devices for net, of 2 that match: asked 3, free 2"
    )


@pytest.mark.parametrize(("physnet", "fits"), [("PHYSNET1", True), ("physnet1", True), ("physnet2", False)])
def test_p13_tags_match_whatever_their_case(physnet: str, fits: bool) -> None:
    host = [pool("0000:0a:00.1", tags={"physical_network": "physnet1"})]
    assert isinstance(take(request(tags={"physical_network": physnet}), host), Misfit) is not fits


def test_p14_a_claimed_vf_that_vanished_stays_claimed_and_is_told() -> None:
    without = (CARD[0], virtual(PF, VF2))
    rest = left(without, has("a", VF1))
    assert [each.free for each in rest.pools] == [1, 1]
    assert [str(each) for each in rest.conflicts] == [f"PCI device {VF1}: the host no longer offers it (held by a)"]


def test_p14_while_its_guest_runs_the_vanished_vf_still_takes_its_pf_away() -> None:
    gone = (CARD[0], pool(device(VF1, PF, missing=True), device(VF2, PF), type_=PciType.VF, cell=0))
    rest = left(gone, has("a", VF1))
    assert [each.free for each in rest.pools] == [0, 1]
    assert [(each.kind, str(each)) for each in rest.conflicts] == [
        (PciConflictKind.GONE, f"PCI device {VF1}: the host no longer has it (held by a)")
    ]


def test_p15_released_it_gives_the_pf_back_where_nova_loses_it() -> None:
    assert counts((CARD[0], virtual(PF, VF2))) == (1, 1)


def test_p16_p17_p18_pools_are_those_of_the_last_report_and_nothing_of_an_earlier_one_counts() -> None:
    for moved in (virtual(PF, VF1, VF2, cell=7), pool(VF1, VF2, type_=PciType.PF, cell=0)):
        assert left((moved,)).pools[0].numa_cell == moved.numa_cell
        assert left((moved,)).pools[0].type == moved.type
        assert counts((moved,)) == (2,)


def test_p19_a_held_pf_whose_vf_is_no_longer_reported_is_no_conflict() -> None:
    rest = left((CARD[0], virtual(PF, VF2)), has("a", PF))
    assert [each.free for each in rest.pools] == [0, 0]
    assert rest.conflicts == ()


def test_p20_a_held_vf_stays_when_its_pf_is_no_longer_reported() -> None:
    rest = left(CARD[1:], has("a", VF1))
    assert [each.free for each in rest.pools] == [1]
    assert rest.conflicts == ()


def test_p21_no_state_can_contradict_the_owners_since_there_is_none() -> None:
    assert addresses_of(take(A_PF, CARD)) == [PF]
    assert counts(CARD, has("a", PF)) == (0, 0)
    assert counts(CARD) == (1, 2)


def test_p22_a_pf_with_a_held_vf_is_not_given_away() -> None:
    assert str(take(A_PF, CARD, has("a", VF1))) == (
        "PCI devices for pf, of 1 that match (1 shut out by their physical or virtual functions): asked 1, free 0"
    )


THREE = (pool("0000:00:00.1", "0000:00:00.3", vendor="0001"), pool("0000:00:00.2", vendor="0002"))


def test_p24_each_request_takes_of_its_own_kind() -> None:
    found = take([request("a", vendor="0001"), request("b", vendor="0002")], THREE)
    assert addresses_of(found) == ["0000:00:00.1", "0000:00:00.2"]
    assert counts(THREE, has("g", *addresses_of(found))) == (1, 0)


def test_p25_more_than_there_are_is_refused_whole() -> None:
    assert str(take(request(vendor="0001", count=4), THREE)) == (
        "PCI devices for net, of 2 that match: asked 4, free 2"
    )


def test_p26_what_an_owner_that_is_gone_held_is_free() -> None:
    assert counts(THREE, has("a", "0000:00:00.1"), has("b", "0000:00:00.3")) == (0, 1)
    assert counts(THREE, has("a", "0000:00:00.1")) == (1, 1)


@pytest.mark.parametrize(
    ("policy", "fits"), [(NumaPolicy.REQUIRED, False), (NumaPolicy.LEGACY, False), (NumaPolicy.PREFERRED, True)]
)
def test_p27_a_device_of_another_cell_is_only_for_those_who_merely_prefer_near_ones(
    policy: NumaPolicy, fits: bool
) -> None:
    found = take(request(policy=policy), [pool("0000:0a:00.1", cell=1)], near=[0])
    assert isinstance(found, Misfit) is not fits
    if isinstance(found, Misfit):
        assert str(found) == (
            f"PCI devices for net, of 1 that match (1 not near NUMA cell 0 by policy {policy}): asked 1, free 0"
        )


@pytest.mark.parametrize(("policy", "fits"), [(NumaPolicy.LEGACY, True), (NumaPolicy.REQUIRED, False)])
def test_p28_a_device_of_an_unknown_cell_is_near_enough_by_the_legacy_policy(policy: NumaPolicy, fits: bool) -> None:
    found = take(request(policy=policy), [pool("0000:0a:00.1")], near=[999])
    assert isinstance(found, Misfit) is not fits


def test_p29_who_prefers_near_devices_gets_them_first_then_those_of_an_unknown_cell() -> None:
    host = [pool("0000:00:00.1", cell=1), pool("0000:00:00.2"), pool("0000:00:00.3", cell=0)]
    found = take(request(count=2, policy=NumaPolicy.PREFERRED), host, near=[0])
    assert addresses_of(found) == ["0000:00:00.2", "0000:00:00.3"]


def test_p30_without_sockets_the_socket_policy_finds_none_on_other_cells() -> None:
    asked, host = request(policy=NumaPolicy.SOCKET), [pool("0000:0a:00.1", cell=1)]
    assert isinstance(take(asked, host, near=[0], cells=on_sockets(None, None)), Misfit)
    assert isinstance(take(asked, host, near=[0], cells=on_sockets(0, 0, None)), Misfit)
    assert addresses_of(take(asked, host, near=[0], cells=on_sockets(0, 0))) == ["0000:0a:00.1"]


def test_p35_two_requests_for_one_device_are_refused_together() -> None:
    assert str(take([request("a"), request("b")], [pool("0000:0a:00.1")])) == (
        "PCI devices for a and b together: asked 2, free 1"
    )


FOUR = tuple(
    pool(f"0000:00:00.{number}", vendor=vendor, product=f"000{number}")
    for number, vendor in enumerate(("0001", "0002", "0001", "0003"))
)


def test_p36_requests_are_counted_one_after_the_other() -> None:
    found = take([request("a", vendor="0001"), request("b", vendor="0002")], FOUR)
    assert sum(counts(FOUR, has("g", *addresses_of(found)))) == 2
    assert str(take([request("a", vendor="0001"), request("b", vendor="0002", count=3)], FOUR)) == (
        "PCI devices for b, of 1 that match: asked 3, free 1"
    )


def test_a_pf_and_a_vf_for_one_guest_come_of_two_cards() -> None:
    assert isinstance(take([A_PF, A_VF], CARD), Misfit)
    other = virtual("0000:05:00.0", "0000:05:10.0")
    assert addresses_of(take([A_PF, A_VF], (*CARD, other))) == [PF, "0000:05:10.0"]
    assert addresses_of(take([A_PF, A_VF], (*CARD, physical("0000:05:00.0")))) == ["0000:05:00.0", VF1]
