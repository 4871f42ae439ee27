"""The fit where it is easily one off: CPU 0, the last page, a tie between two cells."""

import pytest

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Guest, GuestState
from hypertally.api.inventory import NumaCell, Pages
from hypertally.api.placement import CpuPolicy, PageSize, Placement, PlacementRequest, ThreadPolicy
from hypertally.ledger.numa_fit import CellTable, Misfit, fits
from hypertally.ledger.numa_free import ConflictKind
from hypertally.ledger.numa_guest import held_by_guest
from hypertally.ledger.numa_match import assignments
from tests.ledger.numa_make import (
    DEDICATED,
    MEDIUM,
    ONCE,
    ONE_CELL,
    cell,
    cells_of,
    cpus_of,
    dedicated,
    free,
    held,
    holds,
    place,
)

TWO = (cell(0, shared="0-1", dedicated="2-3"), cell(1, shared="4-5", dedicated="6-7"))


def guest(pins: str, cells: tuple[int, ...] = (0,), memory: int = 8) -> Guest:
    return Guest(
        uuid="g", name="g", state=GuestState.RUNNING, vcpus=0, memory_mib=memory, disk_mib=0, cells=cells,
        pinned_cpus=pins,
    )  # fmt: skip


def shortages(found: object) -> list[str]:
    assert isinstance(found, Misfit)
    return [str(each) for each in found.shortages]


def test_a_guest_without_cells_of_its_own_is_offered_cells_for_all_that_it_is() -> None:
    offered = fits(DEDICATED, Amounts(pcpus=2, memory_mib=5), TWO, free(TWO).cells, ratios=ONCE)
    assert list(offered) == [(held(0, memory=5, cpus="2-3"),), (held(1, memory=5, cpus="6-7"),)]


def test_a_guest_cell_makes_way_for_one_that_has_no_other_place() -> None:
    assert next(assignments([0b100, 0b011, 0b110], 3)) == (2, 0, 1)


def test_a_place_beyond_those_that_there_are_is_not_used() -> None:
    assert list(assignments([0b1001], 3)) == [(0,)]


def test_only_places_that_somebody_fits_on_are_asked_about_and_none_among_those_that_are_no_good() -> None:
    asked: list[int] = []

    def may(places: int) -> bool:
        asked.append(places)
        return bool(places & 0b010)

    assert list(assignments([0b1110], 4, may)) == [(1,)]
    assert asked == [0b1110, 0b0010, 0b1100]


def test_only_sets_of_cells_that_are_good_for_the_devices_are_offered() -> None:
    table = CellTable(DEDICATED, Amounts(pcpus=1, memory_mib=1), TWO, free(TWO).cells, ONCE, ())
    assert [found[0].id for found in table.fits(lambda ids: 1 in ids)] == [1]


def test_where_the_least_page_is_large_only_whole_ones_are_free() -> None:
    host = NumaCell(id=0, memory_mib=5, pages=(Pages(size_kib=MEDIUM, total=3),))
    (rest,) = free([host]).cells
    assert (rest.memory_mib, str(rest.pages[0].free)) == (5, "2")


def test_a_size_of_pages_that_is_not_told_is_the_ordinary_one() -> None:
    found = place(PlacementRequest(page_size=PageSize.EXPLICIT), 1, 8, [cell(shared="0", pages={MEDIUM: 9})])
    assert found == (held(vcpus=1, memory=8),)


class TestRefusals:
    def test_of_two_cells_without_such_pages_the_first_is_named(self) -> None:
        host = [cell(0, shared="0", pages={MEDIUM: 1}), cell(1, shared="1")]
        asked = PlacementRequest(page_size=PageSize.EXPLICIT, page_size_kib=MEDIUM)
        found = place(asked, 1, 2, host, holds("a", held(memory=2, size=MEDIUM)))
        assert isinstance(found, Misfit)
        assert found.cell == 0

    def test_cells_without_room_for_any_of_the_crowded_are_not_counted_as_room(self) -> None:
        host = [cell(0, 100, shared="0-15"), cell(1, 1000, shared="16-23")]
        found = place(cells_of((1, 900), (1, 800)), 2, 1700, host)
        assert shortages(found) == ["NUMA cells with room for guest cells 0, 1: asked 2, free 1"]

    def test_all_cells_with_room_for_any_of_the_crowded_are_counted(self) -> None:
        host = [cell(0, 1000, shared="0-1"), cell(1, 100, shared="2-9"), cell(2, 10, shared="10")]
        found = place(cells_of((1, 900), (1, 50), (8, 50)), 10, 1000, host)
        assert shortages(found) == ["NUMA cells with room for guest cells 0, 1, 2: asked 3, free 2"]

    def test_of_two_cells_that_lack_as_many_thousandths_the_better_one_is_named(self) -> None:
        found = place(cells_of((1, 3000)), 1, 3000, [cell(0, 1999, shared="0-3"), cell(1, 2000, shared="4-5")])
        assert isinstance(found, Misfit)
        assert found.cell == 0

    def test_a_ratio_gives_whole_vcpus_only(self) -> None:
        half = Amounts(vcpus=1500, memory_mib=1000)
        found = place(ONE_CELL, 3, 1, [cell(shared="0-2")], holds("a", held(vcpus=2)), ratios=half)
        assert shortages(found) == ["vcpus: asked 3, free 2"]

    def test_where_no_ordinary_memory_is_free_the_least_guest_is_told_so(self) -> None:
        found = place(ONE_CELL, 1, 1, [cell(memory=9, shared="0")], holds("a", held(memory=9)))
        assert shortages(found) == ["memoryMiB: asked 1, free 0"]

    @pytest.mark.parametrize("policy", [None, ThreadPolicy.PREFER])
    def test_own_cpus_that_may_be_any_are_named_without_more_words(self, policy: ThreadPolicy | None) -> None:
        found = place(dedicated(policy), 2, 1, [cell(dedicated="0")])
        assert shortages(found) == ["pcpus: asked 2, free 1"]

    def test_where_no_page_is_free_the_least_guest_is_told_so(self) -> None:
        host, full = [cell(shared="0", pages={MEDIUM: 1})], holds("a", held(memory=2, size=MEDIUM))
        found = place(PlacementRequest(page_size=PageSize.LARGE), 1, 1, host, full)
        assert shortages(found) == ["memoryMiB in pages of 2048 KiB: asked 1, free 0"]


class TestOrdinaryMemory:
    def test_a_started_mib_is_not_given_away(self) -> None:
        odd = NumaCell(id=0, memory_mib=8, pages=(Pages(size_kib=4, total=8 * 256 - 1),))
        assert free([odd]).cells[0].memory_mib == 7
        beside = NumaCell(id=1, memory_mib=8, pages=(Pages(size_kib=64, total=1),))
        rest = free([NumaCell(id=0, memory_mib=8, pages=(Pages(size_kib=4, total=1),)), beside]).cells[1].memory_mib
        assert (rest, type(rest)) == (7, int)

    def test_a_cell_full_of_huge_pages_has_none(self) -> None:
        host = [cell(0), NumaCell(id=1, memory_mib=8, pages=(Pages(size_kib=MEDIUM, total=4),))]
        assert free(host).cells[1].memory_mib == 0

    def test_huge_pages_beyond_the_memory_take_nothing_of_other_cells(self) -> None:
        host = [cell(0), NumaCell(id=1, memory_mib=8, pages=(Pages(size_kib=MEDIUM, total=5),))]
        assert free(host).cells[1].memory_mib == 0

    def test_more_ordinary_pages_kept_back_than_there_are_is_shown(self) -> None:
        host = NumaCell(id=0, memory_mib=8, pages=(Pages(size_kib=4, total=256, reserved=512),))
        assert free([host]).cells[0].memory_mib == -1


def test_siblings_that_cannot_be_read_take_no_cpu_from_the_cores_that_can() -> None:
    assert (
        cpus_of(place(dedicated(ThreadPolicy.REQUIRE), 2, 1, [cell(dedicated="0-1", siblings=("?", "0-1"))])) == "0-1"
    )


class TestConflicts:
    def test_each_is_told_with_its_kind(self) -> None:
        host = [cell(0, dedicated="x", pages={MEDIUM: 1})]
        full = holds("a", held(memory=4, size=MEDIUM, cpus="0"), held(7), held(cpus="y"))
        assert [each.kind for each in free(host, full, holds("b", held(cpus="0"))).conflicts] == [
            ConflictKind.CPUS_GONE,
            ConflictKind.PAGES_EXCEEDED,
            ConflictKind.UNREADABLE,
            ConflictKind.UNREADABLE,
            ConflictKind.CELL_GONE,
        ]

    def test_a_cpu_of_the_first_cell_is_not_given_away_by_the_third(self) -> None:
        rest = free([cell(0, dedicated="0"), cell(1, dedicated="1"), cell(2, dedicated="0,2")])
        assert [each.cpus for each in rest.cells] == ["0", "1", "2"]

    def test_a_long_text_of_the_host_is_quoted_in_part(self) -> None:
        assert [each.what for each in free([cell(dedicated="x" * 81)]).conflicts] == [f"'{'x' * 80}' is no CPU set"]

    def test_a_long_text_that_is_no_cpu_set_is_quoted_in_part(self) -> None:
        rest = free([cell(dedicated="0")], holds("a", held(cpus="x" * 81)))
        assert [each.what for each in rest.conflicts] == [f"'{'x' * 80}' is no CPU set"]

    def test_pages_of_the_least_size_there_could_be_are_counted_as_pages(self) -> None:
        host = cell()
        rest = free([type(host)(id=0, memory_mib=8)], holds("a", held(memory=1, size=1)))
        assert [each.what for each in rest.conflicts] == ["1024 pages of 1 KiB are held, 0 are there"]


class TestWhoseClaimItIs:
    @pytest.mark.parametrize(("pins", "claimed"), [("0,2", "2"), ("0", ""), ("0", "x")])
    def test_a_claim_without_cpu_0_is_not_that_of_a_guest_that_runs_there(self, pins: str, claimed: str) -> None:
        found = held_by_guest(guest(pins), TWO, Placement(cells=(held(0, memory=8, cpus=claimed),)))
        assert [each.cpus for each in found.cells] == [pins]

    def test_a_claim_may_have_its_cpus_in_several_cells(self) -> None:
        claimed = Placement(cells=(held(0, memory=7, cpus="2"), held(1, memory=1, cpus="6")))
        assert held_by_guest(guest("2,6", (0, 1)), TWO, claimed).cells == claimed.cells


def test_shared_guests_with_cells_hold_no_cpu_of_their_own() -> None:
    assert place(cells_of((2, 4), policy=CpuPolicy.SHARED), 2, 4, TWO) == (held(0, vcpus=2, memory=4),)
