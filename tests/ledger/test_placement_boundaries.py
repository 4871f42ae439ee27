"""Where a guest goes, where two answers are nearly as good; and which of them a refusal names."""

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.inventory import NumaCell, PciPool
from hypertally.api.placement import CpuPolicy, HeldCell, NumaPolicy, PageSize, Placement, PlacementRequest
from hypertally.ledger import placement
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.numa_free import Holding
from tests.ledger.numa_make import LARGE, MEDIUM, cell, held, holds
from tests.ledger.pci_make import has, pool, request
from tests.ledger.test_placement import NIC0, NIC1, PINNED, SIZE, asking, cells_and_devices, found, put

NICS = (pool(NIC0, cell=0), pool(NIC1, cell=1))
ANY_PAGES = PlacementRequest(cpu_policy=CpuPolicy.DEDICATED, page_size=PageSize.ANY)
NEAR = NumaPolicy.REQUIRED


def listed(*cells: HeldCell) -> Holding:
    """The guest that is placed runs there already."""
    return Holding("g", listed=Placement(cells=cells))


def cells(count: int) -> tuple[NumaCell, ...]:
    """Of two dedicated CPUs each."""
    return tuple(cell(id_, dedicated=f"{2 * id_}-{2 * id_ + 1}") for id_ in range(count))


def cards(*counts: int) -> tuple[PciPool, ...]:
    """So many devices on each cell."""
    return tuple(
        pool(*(f"0000:{id_:02x}:00.{function}" for function in range(count)), cell=id_)
        for id_, count in enumerate(counts)
    )


def on_sockets(*cells: tuple[int, str]) -> tuple[NumaCell, ...]:
    """The socket and the dedicated CPUs of each."""
    return tuple(replace(cell(id_, dedicated=cpus), socket=socket) for id_, (socket, cpus) in enumerate(cells))


SOCKETS = on_sockets((0, "0-3"), (1, "4"), (1, "5-6"))


class TestDevices:
    def test_those_that_are_near_the_chosen_cell_are_given_before_the_first(self) -> None:
        full = holds("a", held(0, cpus="0-2"))
        asked = asking(request(policy=NumaPolicy.PREFERRED))
        assert cells_and_devices(put(asked, full, pools=NICS)) == ([1], [NIC1])

    def test_only_those_that_are_asked_for_draw_a_guest_to_their_cell(self) -> None:
        others = (pool(NIC0, product="10fb", cell=0), pool(NIC1, product="1520", cell=1))
        asked = asking(request(product="1520", policy=NumaPolicy.PREFERRED))
        assert cells_and_devices(put(asked, pools=others)) == ([1], [NIC1])

    def test_a_socket_that_is_no_good_does_not_shut_out_a_later_cell_on_a_good_one(self) -> None:
        host = on_sockets((0, "0-3"), (1, "4"), (1, "5-6"), (0, "7-9"))
        asked = asking(request(policy=NumaPolicy.SOCKET))
        assert cells_and_devices(put(asked, cells=host, pools=(pool(NIC1, cell=1),))) == ([2], [NIC1])

    def test_a_socket_counts_as_soon_as_one_request_is_for_the_socket(self) -> None:
        asked = asking(request("a", policy=NumaPolicy.SOCKET), request("b", policy=NumaPolicy.PREFERRED))
        assert cells_and_devices(put(asked, cells=SOCKETS, pools=(pool(NIC0, NIC1, cell=1),)))[0] == [2]

    def test_cells_of_each_socket_count_towards_the_bound_of_the_search(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked, nics = asking(request(policy=NumaPolicy.SOCKET)), (pool(NIC1, cell=1),)
        monkeypatch.setattr(placement, "SETS_MAX", 2)
        assert isinstance(put(asked, cells=SOCKETS, pools=nics), Misfit)
        monkeypatch.setattr(placement, "SETS_MAX", 3)
        assert cells_and_devices(put(asked, cells=SOCKETS, pools=nics))[0] == [2]


class TestRefusals:
    def test_what_the_whole_host_lacks_is_told_of_the_whole_host(self) -> None:
        assert str(put(asking(request(count=3, policy=NEAR)), pools=NICS)) == (
            "PCI devices for net, of 2 that match: asked 3, free 2"
        )

    def test_a_device_whose_cell_is_not_known_is_near_no_cell_of_the_host(self) -> None:
        assert str(put(asking(request(policy=NEAR)), pools=(pool(NIC0),))) == (
            "PCI devices for net, of 1 that match (1 not near NUMA cell 0, 1 by policy Required): asked 1, free 0"
        )

    def test_the_cells_where_the_fewest_devices_are_missing_are_named(self) -> None:
        assert str(put(asking(request(count=3, policy=NEAR)), cells=cells(3), pools=cards(1, 2, 1))) == (
            "PCI devices for net, of 4 that match (2 not near NUMA cell 1 by policy Required): asked 3, free 2"
        )

    def test_no_more_than_the_best_sixteen_cells_are_looked_at(self) -> None:
        asked = asking(request(count=3, policy=NEAR))
        assert str(put(asked, cells=cells(16), pools=cards(*[1] * 15, 2))) == (
            "PCI devices for net, of 17 that match (15 not near NUMA cell 15 by policy Required): asked 3, free 2"
        )
        assert str(put(asked, cells=cells(17), pools=cards(*[1] * 16, 2))) == (
            "PCI devices for net, of 18 that match (17 not near NUMA cell 0 by policy Required): asked 3, free 1"
        )


class TestAnAdoptedGuest:
    def test_keeps_its_ordinary_pages_also_on_shared_cpus_of_a_host_without_sets(self) -> None:
        host = (cell(0, shared="0-3", dedicated="0-3", pages={MEDIUM: 1024}),)
        asked, size = PlacementRequest(page_size=PageSize.ANY), Amounts(vcpus=2, memory_mib=1024)
        runs = held(0, vcpus=2, memory=1024)
        assert found(put(asked, listed(runs), cells=host, size=size)).cells == (runs,)

    def test_keeps_its_pages_though_there_are_larger_ones(self) -> None:
        host = (cell(0, dedicated="0-3", pages={MEDIUM: 1024, LARGE: 2}),)
        runs = held(0, memory=1024, size=MEDIUM, cpus="2-3")
        assert found(put(ANY_PAGES, listed(runs), cells=host)).cells == (runs,)
        assert found(put(ANY_PAGES, cells=host)).cells[0].page_size_kib == LARGE

    def test_whose_memory_is_in_two_cells_and_whose_cpu_in_one_is_charged_in_this_one(self) -> None:
        runs = listed(held(0, memory=512), held(1, memory=512, cpus="7"))
        one = Amounts(pcpus=1, memory_mib=1024)
        assert found(put(PINNED, runs, size=one)).cells == (held(1, memory=1024, cpus="7"),)

    def test_whose_pages_are_given_to_others_gets_the_largest_and_no_ordinary_ones(self) -> None:
        host = (cell(0, dedicated="0-3", pages={64: 16, 512: 2}),)
        runs, one = held(0, memory=1, size=64, cpus="2-3"), Amounts(pcpus=2, memory_mib=1)
        full = holds("a", held(0, memory=1, size=64))
        assert found(put(ANY_PAGES, listed(runs), full, cells=host, size=one)).cells == (
            replace(runs, page_size_kib=512),
        )


def test_what_leaves_or_is_listed_of_others_is_not_free() -> None:
    full = Placement(cells=(held(0, cpus="0-2"), held(1, cpus="4-6")))
    for other in (Holding("a", leaves=(full,)), Holding("a", listed=full)):
        assert str(put(PINNED, other)) == "pcpus: asked 2, free 1 in NUMA cell 0, the nearest fit for guest cell 0"


def test_two_guests_on_one_cpu_do_not_keep_either_from_being_placed() -> None:
    own = holds("g", held(0, cpus="0"))
    assert found(put(PINNED, own, holds("a", held(0, cpus="0")))).cells == (held(1, memory=1024, cpus="4-5"),)


def test_devices_are_no_matter_to_a_guest_that_asks_for_none() -> None:
    assert cells_and_devices(put(PINNED, has("a", NIC0), pools=NICS, size=SIZE)) == ([0], [])
