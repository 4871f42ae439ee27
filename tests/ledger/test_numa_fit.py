"""Which cells a guest gets, and what a refusal says."""

import pytest

from hypertally.api.amounts import Amounts
from hypertally.api.placement import (
    CpuPolicy,
    GuestCell,
    HeldCell,
    PageSize,
    PciRequest,
    PlacementRequest,
    ThreadPolicy,
)
from hypertally.ledger.numa_fit import Misfit, fit, fits, guest_cells, needs_cells
from hypertally.ledger.numa_match import assignments
from tests.ledger.numa_make import (
    DEDICATED,
    LARGE,
    MEDIUM,
    ONCE,
    ONE_CELL,
    TWICE,
    cell,
    cells_of,
    cpus_of,
    dedicated,
    free,
    held,
    holds,
    ids_of,
    page_size_of,
    place,
)

FOUR = [cell(id_, 1024, dedicated=f"{4 * id_}-{4 * id_ + 3}") for id_ in range(4)]
WITH_DEVICE = PlacementRequest(cpu_policy=CpuPolicy.DEDICATED, pci_requests=(PciRequest(name="nic"),))


@pytest.mark.parametrize(
    ("request_", "needs"),
    [
        (PlacementRequest(), False),
        (PlacementRequest(pci_requests=(PciRequest(name="nic"),)), False),
        (DEDICATED, True),
        (PlacementRequest(page_size=PageSize.ANY), True),
        (cells_of((1, 1)), True),
    ],
)
def test_own_cpus_pages_and_cells_ask_for_host_cells(request_: PlacementRequest, needs: bool) -> None:
    assert needs_cells(request_) is needs


def test_a_guest_that_asks_for_none_of_it_gets_no_cell_and_floats() -> None:
    assert guest_cells(PlacementRequest(), Amounts(vcpus=2, memory_mib=5)) == ()
    assert place(PlacementRequest(), 999, 99999, FOUR) == ()
    assert place(PlacementRequest(), 999, 99999, []) == ()


def test_a_guest_without_cells_of_its_own_is_one_cell_with_all_that_it_is() -> None:
    amounts = Amounts(vcpus=1, pcpus=2, memory_mib=5)
    assert guest_cells(DEDICATED, amounts) == (GuestCell(vcpus=3, memory_mib=5),)


def test_each_guest_cell_gets_a_host_cell_of_its_own_in_their_order() -> None:
    found = place(cells_of((2, 100), (1, 200), policy=CpuPolicy.DEDICATED), 3, 300, FOUR)
    assert found == (held(0, memory=100, cpus="0-1"), held(1, memory=200, cpus="4"))


def test_shared_vcpus_are_held_as_a_number_and_dedicated_ones_as_cpus() -> None:
    assert place(ONE_CELL, 2, 5, [cell(shared="0-1", dedicated="2-3")]) == (held(0, vcpus=2, memory=5),)
    assert place(DEDICATED, 2, 5, [cell(shared="0-1", dedicated="2-3")]) == (held(0, memory=5, cpus="2-3"),)


def test_a_guest_goes_where_most_cpus_are_free() -> None:
    assert ids_of(place(DEDICATED, 1, 1, FOUR, holds("a", held(0, cpus="0"), held(1, cpus="4-5")))) == [2]


def test_with_as_many_cpus_it_goes_where_most_memory_is_free() -> None:
    assert ids_of(
        place(DEDICATED, 1, 1, FOUR, holds("a", held(0, memory=2), held(1, memory=1), held(2, memory=9)))
    ) == [3]


def test_memory_that_counts_is_that_of_the_pages_it_may_have() -> None:
    host = [cell(0, shared="0", pages={MEDIUM: 100}), cell(1, shared="1", pages={MEDIUM: 200})]
    assert ids_of(place(PlacementRequest(page_size=PageSize.LARGE), 1, 2, host)) == [1]
    assert ids_of(place(ONE_CELL, 1, 2, host)) == [0]


def test_cells_with_devices_come_last_for_guests_without_and_first_for_guests_with() -> None:
    assert ids_of(place(DEDICATED, 1, 1, FOUR, pci_cells=[0, 1])) == [2]
    assert ids_of(place(WITH_DEVICE, 1, 1, FOUR, pci_cells=[2])) == [2]


def test_cells_with_devices_are_taken_all_the_same_where_no_others_fit() -> None:
    assert ids_of(place(DEDICATED, 4, 1, FOUR, holds("a", held(0, cpus="0")), pci_cells=[1, 2, 3])) == [1]


def test_the_best_set_of_cells_is_taken_though_the_first_guest_cell_prefers_another() -> None:
    host = [cell(0, 1000, shared="0-7"), cell(1, 100, shared="8-9"), cell(2, 1000, shared="10")]
    found = place(cells_of((1, 50), (1, 900)), 2, 950, host)
    assert ids_of(found) == [1, 0]


def test_all_sets_of_cells_are_offered_the_best_first() -> None:
    request = cells_of((1, 1), (1, 1), policy=CpuPolicy.DEDICATED)
    rest = free(FOUR[:3], holds("a", held(0, cpus="0"))).cells
    offered = fits(request, Amounts(), FOUR[:3], rest, ratios=ONCE)
    assert [ids_of(each) for each in offered] == [[1, 2], [1, 0], [2, 0]]


def test_a_page_size_is_chosen_for_each_guest_cell() -> None:
    host = [cell(0, 4096, shared="0-3", pages={LARGE: 1}), cell(1, 4096, shared="4-7", pages={MEDIUM: 600})]
    request = PlacementRequest(page_size=PageSize.ANY, cells=(GuestCell(vcpus=1, memory_mib=1024),) * 2)
    found = place(request, 2, 2048, host)
    assert not isinstance(found, Misfit)
    assert {each.id: each.page_size_kib for each in found} == {0: LARGE, 1: MEDIUM}


def test_any_page_comes_down_to_ordinary_ones_and_large_does_not() -> None:
    host = [cell(shared="0-3", pages={MEDIUM: 10})]
    assert page_size_of(place(PlacementRequest(page_size=PageSize.ANY), 1, 64, host)) == 0
    found = place(PlacementRequest(page_size=PageSize.LARGE), 1, 64, host)
    assert (
        str(found)
        == "memoryMiB in pages of 2048 KiB: asked 64, free 20 in NUMA cell 0, the nearest fit for guest cell 0"
    )


def test_a_host_without_huge_pages_says_so() -> None:
    found = place(PlacementRequest(page_size=PageSize.LARGE), 1, 64, [cell(shared="0-3")])
    assert isinstance(found, Misfit)
    assert [str(s) for s in found.shortages] == ["memoryMiB in huge pages: asked 64, free 0"]


def test_ordinary_pages_may_be_asked_for_by_their_size() -> None:
    asked = PlacementRequest(page_size=PageSize.EXPLICIT, page_size_kib=4)
    assert page_size_of(place(asked, 1, 64, [cell(shared="0-3")])) == 0


def test_huge_pages_are_never_overcommitted() -> None:
    host, asked = [cell(shared="0-3", pages={MEDIUM: 512})], PlacementRequest(page_size=PageSize.LARGE)
    assert isinstance(place(asked, 1, 1024, host, holds("a", held(memory=2, size=MEDIUM)), ratios=TWICE), Misfit)


def test_require_takes_cores_of_different_width_together_where_nova_refuses() -> None:
    host = [cell(dedicated="0-5", siblings=("0-3", "4-5"))]
    assert cpus_of(place(dedicated(ThreadPolicy.REQUIRE), 6, 1, host)) == "0-5"


def test_require_leaves_cores_with_one_free_thread_alone() -> None:
    host, other = [cell(dedicated="0-3", siblings=("0-1", "2-3"))], holds("a", held(cpus="0"))
    assert cpus_of(place(dedicated(ThreadPolicy.REQUIRE), 2, 1, host, other)) == "2-3"
    found = place(dedicated(ThreadPolicy.REQUIRE), 3, 1, host, other)
    assert isinstance(found, Misfit)
    assert [str(s) for s in found.shortages] == ["pcpus on cores with two free threads: asked 3, free 2"]


def test_isolate_takes_the_single_threads_of_a_host_that_has_cores_with_several() -> None:
    assert cpus_of(place(dedicated(ThreadPolicy.ISOLATE), 2, 1, [cell(dedicated="0-3", siblings=("0-1",))])) == "2-3"


def test_isolate_takes_no_core_whose_other_thread_is_shared() -> None:
    host = [cell(shared="0", dedicated="1-2", siblings=("0-1",))]
    assert cpus_of(place(dedicated(ThreadPolicy.ISOLATE), 1, 1, host)) == "2"
    assert isinstance(place(dedicated(ThreadPolicy.ISOLATE), 2, 1, host), Misfit)


def test_on_a_legacy_host_a_cell_is_shared_or_dedicated_but_not_both_at_once() -> None:
    host = [cell(shared="0-3", dedicated="0-3")]
    assert isinstance(place(DEDICATED, 1, 1, host, holds("a", held(vcpus=1))), Misfit)
    assert isinstance(place(ONE_CELL, 1, 1, host, holds("a", held(cpus="0"))), Misfit)
    assert place(ONE_CELL, 1, 1, host, holds("a", held(vcpus=1))) == (held(vcpus=1, memory=1),)


def test_a_refusal_names_everything_that_is_missing_at_the_nearest_cell() -> None:
    host = [cell(0, 100, dedicated="0-3"), cell(1, 1000, dedicated="4-5")]
    found = place(DEDICATED, 8, 1000, host)
    assert str(found) == "pcpus: asked 8, free 2 in NUMA cell 1, the nearest fit for guest cell 0"
    assert str(place(DEDICATED, 8, 2000, host)) == (
        "pcpus: asked 8, free 2; memoryMiB: asked 2000, free 1000 in NUMA cell 1, the nearest fit for guest cell 0"
    )


def test_a_refusal_names_the_guest_cell_that_fits_nowhere() -> None:
    found = place(cells_of((1, 1), (9, 1), policy=CpuPolicy.DEDICATED), 10, 2, FOUR)
    assert str(found) == "pcpus: asked 9, free 4 in NUMA cell 0, the nearest fit for guest cell 1"


def test_a_guest_with_more_cells_than_the_host_is_refused() -> None:
    assert str(place(cells_of(*[(1, 1)] * 5), 5, 5, FOUR)) == "NUMA cells: asked 5, free 4"
    assert str(place(DEDICATED, 1, 1, [])) == "NUMA cells: asked 1, free 0"


def test_guest_cells_that_fit_one_by_one_but_not_together_are_named() -> None:
    host = [cell(0, 1000, shared="0-7"), cell(1, 100, shared="8-15"), cell(2, 100, shared="16-23")]
    found = place(cells_of((1, 50), (1, 900), (1, 800)), 3, 1750, host)
    assert str(found) == "NUMA cells with room for guest cells 1, 2: asked 2, free 1"


def test_what_is_not_asked_for_is_not_missing() -> None:
    host, full = [cell(memory=100, shared="0")], holds("a", held(vcpus=9, memory=900))
    assert place(cells_of((0, 0)), 0, 0, host, full) == (held(),)


def test_a_cell_of_which_nothing_is_known_to_be_free_is_not_given_away() -> None:
    rest = free(FOUR[1:2]).cells
    found = fit(DEDICATED, Amounts(pcpus=1, memory_mib=1), FOUR, rest, ratios=ONCE)
    assert isinstance(found, tuple)
    assert found == (HeldCell(id=1, memory_mib=1, cpus="4"),)


def test_vcpus_are_given_up_to_the_ratio_and_no_further() -> None:
    host = [cell(shared="0-1")]
    assert isinstance(place(ONE_CELL, 1, 1, host, holds("a", held(vcpus=4)), ratios=TWICE), Misfit)
    assert place(ONE_CELL, 1, 1, host, holds("a", held(vcpus=3)), ratios=TWICE) == (held(vcpus=1, memory=1),)


def test_of_several_page_sizes_a_refusal_names_the_one_with_most_room() -> None:
    host = [cell(0, 4096, shared="0-3", pages={MEDIUM: 10, LARGE: 1})]
    found = place(PlacementRequest(page_size=PageSize.LARGE), 1, 2048, host)
    assert isinstance(found, Misfit)
    assert [str(s) for s in found.shortages] == ["memoryMiB in pages of 1048576 KiB: asked 2048, free 1024"]


def test_cores_are_taken_in_the_order_of_their_first_cpus() -> None:
    assert cpus_of(place(DEDICATED, 2, 1, [cell(dedicated="0-9", siblings=("1-2", "0,9"))])) == "0,9"


@pytest.mark.parametrize(("preferred", "places"), [([0b111, 0b111], (0, 1)), ([0b110, 0b100], (1, 2))])
def test_the_first_guest_cell_gets_the_better_of_two_places(preferred: list[int], places: tuple[int, ...]) -> None:
    assert next(assignments(preferred, 3)) == places


def test_a_place_that_is_left_out_is_used_in_no_later_set() -> None:
    assert list(assignments([0b011, 0b110], 3)) == [(0, 1), (0, 2), (1, 2)]
