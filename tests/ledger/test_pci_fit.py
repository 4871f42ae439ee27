"""Which of several devices a request gets, and what a refusal says."""

from typing import Any

import pytest
from msgspec.structs import replace

from hypertally.api.inventory import PciPool, PciType
from hypertally.api.placement import HeldDevice, NumaPolicy
from hypertally.ledger import pci_fit
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.pci_match import divide
from tests.ledger.pci_make import (
    A_PF,
    CARD,
    PF,
    VF1,
    VF2,
    addresses_of,
    at_distances,
    device,
    has,
    on_sockets,
    physical,
    pool,
    request,
    take,
    virtual,
)

DEV0, DEV1, DEV2 = "0000:0a:00.0", "0000:1a:00.0", "0000:2a:00.0"


def test_each_device_is_told_with_its_request() -> None:
    host = [pool(DEV0, DEV1), pool(DEV2, vendor="15b3")]
    assert take([request("b", vendor="15b3"), request("a", 2, vendor="8086")], host) == (
        HeldDevice(request="b", address=DEV2),
        HeldDevice(request="a", address=DEV0),
        HeldDevice(request="a", address=DEV1),
    )


def test_without_requests_there_is_nothing_to_find() -> None:
    assert take([], CARD) == ()


def test_vfs_come_from_the_card_that_has_most_left() -> None:
    host = [virtual("0000:01:00.0", "0000:01:10.0", "0000:01:10.1"), virtual("0000:02:00.0", "0000:02:10.0")]
    assert addresses_of(take(request(), host, has("a", "0000:01:10.0"))) == ["0000:01:10.1"]
    two = [virtual(f"0000:0{card}:00.0", *(f"0000:0{card}:10.{n}" for n in range(3))) for card in (1, 2)]
    assert addresses_of(take(request(count=4), two)) == [f"0000:0{c}:10.{n}" for c in (1, 2) for n in (0, 1)]


def test_the_guests_own_device_comes_before_nearer_ones() -> None:
    asked = request(policy=NumaPolicy.PREFERRED)
    host = [pool(DEV0, cell=0), pool(DEV1, cell=1)]
    assert addresses_of(take(asked, host, has("g", DEV1), owner="g", near=[0])) == [DEV1]
    assert addresses_of(take(asked, host, has("g", DEV1), owner="h", near=[0])) == [DEV0]


def test_a_device_that_the_guest_shares_with_another_is_not_its_to_have_again() -> None:
    assert isinstance(take(request(), [pool(DEV0)], has("g", DEV0), has("a", DEV0), owner="g"), Misfit)


def test_the_vf_of_a_pf_that_the_guest_itself_holds_is_its_to_have_in_another_role() -> None:
    assert addresses_of(take(request(product="1520"), CARD, has("g", PF), owner="g")) == [VF1]
    assert isinstance(take(request(product="1520"), CARD, has("g", PF), owner="h"), Misfit)


def test_the_nearest_cell_by_distance_comes_first() -> None:
    cells = at_distances((10, 30, 20), (30, 10, 30), (20, 30, 10))
    host = [pool(DEV1, cell=1), pool(DEV2, cell=2)]
    assert addresses_of(take(request(policy=NumaPolicy.PREFERRED), host, near=[0], cells=cells)) == [DEV2]


def test_the_nearest_of_the_guests_cells_counts() -> None:
    cells = at_distances((10, 20, 21, 40), (20, 10, 40, 12), (21, 40, 10, 30), (40, 12, 30, 10))
    host = [pool(DEV2, cell=2), pool(DEV1, cell=3)]
    assert addresses_of(take(request(policy=NumaPolicy.PREFERRED), host, near=[0, 1], cells=cells)) == [DEV1]
    assert addresses_of(take(request(policy=NumaPolicy.PREFERRED), host, near=[1, 0], cells=cells[::-1])) == [DEV1]


def test_a_cell_of_which_no_distance_is_told_is_the_farthest() -> None:
    cells = at_distances((10, 20))
    host = [pool(DEV0, cell=5), pool(DEV1, cell=1)]
    assert addresses_of(take(request(policy=NumaPolicy.PREFERRED), host, near=[0], cells=cells)) == [DEV1]


def test_the_guests_own_cell_comes_before_the_rest_of_its_socket() -> None:
    host = [pool(DEV0, cell=0), pool(DEV1, cell=1), pool(DEV2, cell=2)]
    asked, cells = request(count=2, policy=NumaPolicy.SOCKET), on_sockets(0, 0, 1)
    assert addresses_of(take(asked, host, near=[1], cells=cells)) == [DEV0, DEV1]
    assert addresses_of(take(request(policy=NumaPolicy.SOCKET), host, near=[1], cells=cells)) == [DEV1]
    assert isinstance(take(request(policy=NumaPolicy.SOCKET), host[2:], near=[1], cells=cells), Misfit)


def test_within_the_socket_the_nearest_cell_comes_first() -> None:
    told = zip(on_sockets(0, 0, 0), at_distances((10, 30, 20), (30, 10, 30), (20, 30, 10)), strict=True)
    cells = [replace(socket, distances=distance.distances) for socket, distance in told]
    host = [pool(DEV1, cell=1), pool(DEV2, cell=2)]
    assert addresses_of(take(request(policy=NumaPolicy.SOCKET), host, near=[0], cells=cells)) == [DEV2]


def test_who_prefers_near_devices_gets_one_of_an_unknown_cell_before_a_far_one() -> None:
    host = [pool(DEV0, cell=1), pool(DEV1)]
    assert addresses_of(take(request(policy=NumaPolicy.PREFERRED), host, near=[0])) == [DEV1]
    assert addresses_of(take(request(count=2, policy=NumaPolicy.PREFERRED), host, near=[0])) == [DEV0, DEV1]


def test_a_device_of_an_unknown_cell_is_on_no_socket() -> None:
    assert isinstance(take(request(policy=NumaPolicy.SOCKET), [pool(DEV0)], near=[0], cells=on_sockets(0)), Misfit)


@pytest.mark.parametrize("type_", [PciType.PF, PciType.VDPA])
def test_special_types_are_given_on_demand_only(type_: PciType) -> None:
    host = [pool(DEV0, type_=type_)]
    assert isinstance(take(request(), host), Misfit)
    assert addresses_of(take(request(type_=type_), host)) == [DEV0]


@pytest.mark.parametrize(("tag", "asked", "fits"), [("true", "", False), ("True", "TRUE", True), ("false", "", True)])
def test_devices_that_another_host_manages_are_given_on_demand_only(tag: str, asked: str, fits: bool) -> None:
    tags = {"remote_managed": asked} if asked else {}
    found = take(request(tags=tags), [pool(DEV0, type_=PciType.VF, tags={"remote_managed": tag})])
    assert isinstance(found, Misfit) is not fits
    if not fits:
        assert "1 managed remotely, to be asked for by tag" in str(found)


def test_a_tag_that_the_pool_does_not_have_is_no_match() -> None:
    assert str(take(request(tags={"net": "a"}), [pool(DEV0)])) == (
        "PCI devices for net, of 0 that match: asked 1, free 0"
    )


def test_pools_without_devices_and_of_unknown_cells_stand_in_no_devices_way() -> None:
    host = [pool(), pool(DEV1, cell=0), pool(), pool(DEV0), pool(cell=1)]
    assert addresses_of(take(request(count=2), host, near=[0])) == [DEV0, DEV1]


def test_a_tag_asked_for_without_a_value_matches_a_pool_that_does_not_have_it() -> None:
    assert addresses_of(take(request(tags={"net": ""}), [pool(DEV0, tags={"net": "a"}), pool(DEV1)])) == [DEV1]


def test_ids_match_whatever_their_case() -> None:
    assert addresses_of(take(request(vendor="15B3"), [pool(DEV0, vendor="15b3")])) == [DEV0]


def test_a_refusal_tells_what_became_of_all_that_match() -> None:
    host = [
        pool(DEV0, device(DEV1, missing=True), cell=0),
        pool(DEV2, cell=1),
        pool("0000:3a:00.0", type_=PciType.PF, cell=0),
    ]
    assert str(take(request(), host, has("a", DEV0), near=[0])) == (
        "PCI devices for net, of 4 that match (1 gone from the host, 1 held, 1 not near NUMA cell 0 by policy Legacy, "
        "1 of type PF, to be asked for by type): asked 1, free 0"
    )


def test_a_far_device_is_not_told_as_such_to_whom_it_would_do() -> None:
    far = pool(DEV0, cell=1, type_=PciType.PF)
    assert str(take(request(policy=NumaPolicy.PREFERRED), [far], near=[0])) == (
        "PCI devices for net, of 1 that match (1 of type PF, to be asked for by type): asked 1, free 0"
    )


def test_of_pools_that_are_alike_the_one_of_the_lowest_cell_comes_first_and_an_unknown_cell_before_it() -> None:
    host = [pool(DEV0, cell=1), pool(DEV1, cell=0)]
    assert addresses_of(take(request(), host)) == [DEV1]
    assert addresses_of(take(request(), [*host, pool(DEV2)])) == [DEV2]
    assert addresses_of(take(request(), [pool(DEV1), pool(DEV0)])) == [DEV0]


def test_a_pf_for_the_guest_shuts_out_its_own_vfs() -> None:
    assert str(take([A_PF, request(product="1520")], CARD)) == (
        "PCI devices for net, of 2 that match (2 shut out by what else the guest asks for): asked 1, free 0"
    )


def test_the_card_to_be_used_whole_is_the_one_that_no_vf_is_needed_of() -> None:
    host = [
        physical("0000:01:00.0", "0000:02:00.0", product="1521"),
        virtual("0000:01:00.0", "0000:01:10.0", product="1520"),
        virtual("0000:02:00.0", "0000:02:10.0", product="1522"),
    ]
    assert addresses_of(take([A_PF, request(product="1520")], host)) == ["0000:02:00.0", "0000:01:10.0"]
    assert addresses_of(take([A_PF, request(product="1522")], host)) == ["0000:01:00.0", "0000:02:10.0"]


def test_cards_of_one_size_that_serve_different_requests_are_tried_apart() -> None:
    products = [("0003", "0002"), ("0003", "0001"), ("0002",), ("0002", "0003")]
    pfs = [f"0000:0{card}:00.0" for card in range(4)]
    virtuals = [
        virtual(pf, f"{pf[:8]}10.{number}", product=product)
        for pf, some in zip(pfs, products, strict=True)
        for number, product in enumerate(some)
    ]
    asked = [
        request("whole", 2, product="1521", type_=PciType.PF),
        request("three", 2, product="0003"),
        request("two", 2, product="0002"),
    ]
    assert addresses_of(take(asked, [physical(*pfs), *virtuals]))[:2] == pfs[1:3]


def many_cards(count: int) -> list[PciPool]:
    pfs = [f"0000:{card:02x}:00.0" for card in range(1, count + 1)]
    return [physical(*pfs), *(virtual(pf, *(f"{pf[:8]}10.{n}" for n in range(2)), product="1520") for pf in pfs)]


def test_like_cards_are_tried_as_one_so_that_a_refusal_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pci_fit, "TRIES_MAX", 300)
    eight = request("whole", 8, product="1521", type_=PciType.PF)
    assert addresses_of(take([eight, request(product="1520", count=16)], many_cards(16)))[0] == "0000:01:00.0"
    assert str(take([eight, request(product="1520", count=17)], many_cards(16))) == (
        "PCI devices for net, of 32 that match (16 shut out by what else the guest asks for): asked 17, free 16"
    )


def test_a_hopeless_search_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pci_fit, "TRIES_MAX", 0)
    asked = [A_PF, request(product="1520")]
    assert str(take(asked, CARD)) == "PCI devices for pf and net together: asked 2, free 1"


@pytest.mark.parametrize("tries", [1, 2, 3, 4])
def test_a_hopeless_search_looks_once_and_as_often_again_as_it_may(monkeypatch: pytest.MonkeyPatch, tries: int) -> None:
    looks = []

    def counted(*given: Any) -> Any:
        looks.append(given)
        return divide(*given)

    monkeypatch.setattr(pci_fit, "divide", counted)
    monkeypatch.setattr(pci_fit, "TRIES_MAX", tries)
    pfs = [f"0000:0{card}:00.0" for card in (1, 2, 3)]
    host = [physical(*pfs), *(virtual(pf, *(f"{pf[:8]}10.{n}" for n in range(int(pf[6])))) for pf in pfs)]
    assert isinstance(take([A_PF, request(product="1520", count=6)], host), Misfit)
    assert len(looks) == 1 + tries


def test_a_device_that_is_told_twice_is_given_once() -> None:
    host = [pool(DEV0, product="0001"), pool(DEV0, product="0002")]
    assert isinstance(take(request(count=2), host), Misfit)
    assert addresses_of(take(request(), host)) == [DEV0]


def test_both_vfs_go_to_two_requests_of_one_guest() -> None:
    assert addresses_of(take([request("a", product="1520"), request("b", product="1520")], CARD)) == [VF1, VF2]
