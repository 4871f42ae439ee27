"""Known answers of Nova's own code, row by row (N1 to N23). Where the right answer is another, the name says so."""

import pytest

from hypertally.api.placement import PagesFree, PageSize, PlacementRequest, ThreadPolicy
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.numa_free import ConflictKind
from tests.ledger.numa_make import (
    DEDICATED,
    LARGE,
    MEDIUM,
    ONE_CELL,
    TWICE,
    UNLIMITED,
    cell,
    cells_of,
    cpus_of,
    dedicated,
    free,
    held,
    holds,
    ids_of,
    left,
    page_size_of,
    place,
)

THREADS = ("0,4", "1,5", "2,6", "3,7")
SMT = cell(dedicated="0-7", siblings=THREADS)
LEGACY_SMT = cell(shared="0-7", dedicated="0-7", siblings=THREADS)


def test_n1_without_limits_ordinary_memory_is_given_beyond_what_is_free() -> None:
    host = cell(memory=1024, shared="0-1")
    used = holds("a", held(memory=512))
    assert ids_of(place(ONE_CELL, 2, 1024, [host], used, ratios=UNLIMITED)) == [0]


def test_n1_with_a_ratio_of_one_the_same_guest_is_refused_where_novas_limits_were_optional() -> None:
    host = cell(memory=1024, shared="0-1")
    assert isinstance(place(ONE_CELL, 2, 1024, [host], holds("a", held(memory=512))), Misfit)


@pytest.mark.parametrize("memory", [2048, 1025])
def test_n2_a_guest_does_not_overcommit_against_itself_whatever_the_limits(memory: int) -> None:
    assert isinstance(place(ONE_CELL, 2, memory, [cell(memory=1024, shared="0-1")], ratios=UNLIMITED), Misfit)


def test_n2_nor_do_its_vcpus() -> None:
    assert isinstance(place(ONE_CELL, 3, 1024, [cell(memory=1024, shared="0-1")], ratios=UNLIMITED), Misfit)


def test_n3_a_dedicated_guest_gets_no_memory_that_is_given_twice() -> None:
    host = cell(memory=1024, dedicated="0-3")
    assert isinstance(place(DEDICATED, 1, 1024, [host], holds("a", held(memory=512)), ratios=UNLIMITED), Misfit)


def test_n4_limits_of_two_admit_the_second_guest_of_the_cells_size() -> None:
    host = cell(memory=1024, shared="0-1")
    assert ids_of(place(ONE_CELL, 2, 1024, [host], holds("a", held(vcpus=2, memory=1024)), ratios=TWICE)) == [0]


def test_n4_and_not_with_one_mib_more_in_use() -> None:
    host = cell(memory=1024, shared="0-1")
    assert isinstance(place(ONE_CELL, 2, 1024, [host], holds("a", held(vcpus=2, memory=1025)), ratios=TWICE), Misfit)


@pytest.mark.parametrize(
    ("policy", "vcpus", "cpus"),
    [
        (ThreadPolicy.PREFER, 2, "0,4"),
        (ThreadPolicy.PREFER, 3, "0-1,4"),
        (None, 3, "0-1,4"),
        (ThreadPolicy.REQUIRE, 4, "0-1,4-5"),
    ],
)
def test_n5_threads_of_one_core_go_to_one_guest(policy: ThreadPolicy | None, vcpus: int, cpus: str) -> None:
    assert cpus_of(place(dedicated(policy), vcpus, 64, [SMT])) == cpus


def test_n6_isolate_on_a_legacy_host_takes_a_core_for_each_vcpu_and_holds_its_idle_thread() -> None:
    assert cpus_of(place(dedicated(ThreadPolicy.ISOLATE), 3, 64, [LEGACY_SMT])) == "0-2,4-6"
    assert cpus_of(place(dedicated(ThreadPolicy.ISOLATE), 4, 64, [LEGACY_SMT])) == "0-7"


def test_n6_isolate_finds_no_fifth_core_among_four() -> None:
    found = place(dedicated(ThreadPolicy.ISOLATE), 5, 64, [LEGACY_SMT])
    assert str(found) == "pcpus with a core each: asked 5, free 4 in NUMA cell 0, the nearest fit for guest cell 0"


def test_n7_isolate_is_refused_on_a_host_with_threads_and_a_dedicated_set() -> None:
    assert isinstance(place(dedicated(ThreadPolicy.ISOLATE), 1, 64, [SMT]), Misfit)


def test_n8_isolate_without_threads_is_what_every_guest_gets() -> None:
    assert cpus_of(place(dedicated(ThreadPolicy.ISOLATE), 2, 64, [cell(dedicated="0-3")])) == "0-1"


def test_n9_held_cpus_are_not_given_again() -> None:
    host, other = cell(dedicated="0-3"), holds("a", held(cpus="0"))
    assert cpus_of(place(DEDICATED, 3, 64, [host], other)) == "1-3"
    assert isinstance(place(DEDICATED, 4, 64, [host], other), Misfit)


@pytest.mark.parametrize(("memory", "reserved", "fits"), [(1024, 0, True), (1024, 1, False), (1025, 0, False)], ids=str)
def test_n10_huge_pages_are_counted_without_the_reserved_ones(memory: int, reserved: int, fits: bool) -> None:
    host = cell(shared="0-3", pages={MEDIUM: 512}, reserved={MEDIUM: reserved})
    found = place(PlacementRequest(page_size=PageSize.LARGE), 1, memory, [host], ratios=UNLIMITED)
    assert isinstance(found, Misfit) is not fits


@pytest.mark.parametrize(
    ("page_size", "pages", "size"),
    [
        (PageSize.LARGE, {MEDIUM: 1024, LARGE: 4}, LARGE),
        (PageSize.ANY, {MEDIUM: 1024}, MEDIUM),
        (PageSize.ANY, {MEDIUM: 1024, LARGE: 4}, LARGE),
        (PageSize.SMALL, {MEDIUM: 1024, LARGE: 4}, 0),
    ],
)
def test_n11_the_largest_page_that_fits_is_taken(page_size: PageSize, pages: dict[int, int], size: int) -> None:
    host = cell(shared="0-3", pages=pages)
    assert page_size_of(place(PlacementRequest(page_size=page_size), 1, 1024, [host])) == size


def test_n12_a_page_size_that_the_host_does_not_have_is_a_refusal_and_no_error() -> None:
    asked = PlacementRequest(page_size=PageSize.EXPLICIT, page_size_kib=4096)
    found = place(asked, 1, 1024, [cell(shared="0-3", pages={MEDIUM: 1024})])
    assert isinstance(found, Misfit)
    assert str(found.shortages[0]) == "memoryMiB in pages of 4096 KiB: asked 1024, free 0"


@pytest.mark.parametrize(
    ("size", "pages", "memory", "fits"),
    [
        (MEDIUM, {MEDIUM: 513}, 1024, True),
        (MEDIUM, {MEDIUM: 513}, 2048, False),
        (LARGE, {LARGE: 4}, 1024, True),
        (LARGE, {LARGE: 4}, 2048, True),
        (LARGE, {LARGE: 4}, 3072, False),
    ],
)
def test_n13_pages_that_are_used_or_reserved_do_not_fit_again(
    size: int, pages: dict[int, int], memory: int, fits: bool
) -> None:
    host = cell(memory=16384, shared="0-3", pages=pages, reserved={LARGE: 1})
    used = [holds("a", held(memory=1024, size=LARGE))] if size == LARGE else []
    asked = PlacementRequest(page_size=PageSize.EXPLICIT, page_size_kib=size)
    assert isinstance(place(asked, 1, memory, [host], *used), Misfit) is not fits


def test_n13_memory_that_is_no_whole_number_of_pages_is_refused() -> None:
    asked = PlacementRequest(page_size=PageSize.EXPLICIT, page_size_kib=MEDIUM)
    found = place(asked, 1, 513, [cell(shared="0-3", pages={MEDIUM: 513})])
    assert isinstance(found, Misfit)
    assert str(found.shortages[0]) == "memoryMiB in whole pages of 2048 KiB: asked 513, free 512"


def test_n14_usage_is_cpus_with_their_reserved_ones_and_pages() -> None:
    host = cell(memory=4096, dedicated="0-3", pages={MEDIUM: 1024})
    rest = left(host, holds("a", held(memory=1024, size=MEDIUM, cpus="1-3")))
    assert rest.cpus == "0"
    assert PagesFree(size_kib=MEDIUM, free=512) in rest.pages


def test_n14_memory_in_huge_pages_is_not_taken_from_ordinary_memory_where_nova_mixes_the_two() -> None:
    host = cell(memory=4096, dedicated="0-3", pages={MEDIUM: 1024})
    assert left(host).memory_mib == left(host, holds("a", held(memory=1024, size=MEDIUM))).memory_mib == 2048


def test_n15_what_is_released_is_free_again_and_releasing_it_twice_changes_nothing() -> None:
    host, other = cell(dedicated="0-3"), holds("b", held(cpus="2", memory=1))
    before = free([host], other)
    assert free([host], other, holds("a", held(cpus="1,3", memory=1024))) != before
    assert free([host], other) == before


def test_n15_a_cpu_pinned_twice_is_a_conflict_and_no_error() -> None:
    rest = free([cell(dedicated="0-3")], holds("a", held(cpus="1-2")), holds("b", held(cpus="2-3")))
    assert rest.cells[0].cpus == "0"
    assert [str(c) for c in rest.conflicts] == ["NUMA cell 0: CPUs 2 are held twice (held by a, b)"]


def test_n16_a_cpu_that_the_host_does_not_have_is_a_conflict_and_no_error() -> None:
    rest = free([cell(dedicated="0-3")], holds("a", held(cpus="1,55")))
    assert rest.cells[0].cpus == "0,2-3"
    assert [(c.kind, c.what, c.owners) for c in rest.conflicts] == [
        (ConflictKind.CPUS_GONE, "CPUs 55 are not dedicated there", ("a",))
    ]


def test_n17_an_isolated_core_is_held_and_given_back_whole() -> None:
    host = cell(shared="1-4", dedicated="1-4", siblings=("1,3", "2,4"))
    one = holds("one", held(cpus=cpus_of(place(dedicated(ThreadPolicy.ISOLATE), 1, 1, [host]))))
    two = holds("two", held(cpus=cpus_of(place(dedicated(ThreadPolicy.ISOLATE), 1, 1, [host], one))))
    assert left(host, one, two).cpus == ""
    assert left(host, two).cpus == "1,3"


def test_n18_the_next_guest_goes_to_the_emptier_cell() -> None:
    host = [cell(0, 2048, shared="0-1"), cell(1, 2048, shared="2-3")]
    first = place(ONE_CELL, 1, 2048, host, ratios=TWICE)
    assert ids_of(first) == [0]
    assert not isinstance(first, Misfit)
    assert ids_of(place(ONE_CELL, 1, 1024, host, holds("a", *first), ratios=TWICE)) == [1]


def test_n19_a_guest_without_devices_leaves_the_cells_with_devices_to_others() -> None:
    host = [cell(0, 512, shared="0"), cell(1, shared="1-8")]
    assert ids_of(place(ONE_CELL, 1, 512, host)) == [1]
    assert ids_of(place(ONE_CELL, 1, 512, host, pci_cells=[1])) == [0]


def test_n23_each_host_cell_is_charged_for_its_guest_cell() -> None:
    host = [cell(0, shared="0-3"), cell(1, shared="4-7")]
    found = place(cells_of((1, 2048), (1, 2048)), 2, 4096, host)
    assert not isinstance(found, Misfit)
    rest = free(host, holds("a", *found)).cells
    assert [(r.id, r.memory_mib, r.shared_vcpus) for r in rest] == [(0, 8192 - 2048, 1), (1, 8192 - 2048, 1)]
