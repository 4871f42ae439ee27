"""What is left of each cell, counted from its owners; what cannot be is a conflict beside the count."""

import pytest

from hypertally.api.placement import PagesFree, Placement
from hypertally.ledger import cpu_set
from hypertally.ledger.numa_free import CellsFree, Conflict, ConflictKind, Holding
from tests.ledger.numa_make import MEDIUM, ONCE, SMALL, TWICE, cell, free, held, holds, left


def placed(*cells: object) -> Placement:
    return Placement(cells=tuple(cells))  # type: ignore[arg-type]


def said(rest: CellsFree) -> list[str]:
    return [str(conflict) for conflict in rest.conflicts]


def test_a_host_without_cells_has_nothing_free_and_no_conflict() -> None:
    assert free([]) == CellsFree(())


def test_an_empty_cell_is_free_as_a_whole() -> None:
    rest = left(cell(memory=4096, shared="0-3", dedicated="4-7", pages={MEDIUM: 512}, reserved={MEDIUM: 12}))
    assert (rest.memory_mib, rest.shared_vcpus, rest.cpus) == (3072, 0, "4-7")
    assert rest.pages == (PagesFree(size_kib=SMALL, free=3072 * 256), PagesFree(size_kib=MEDIUM, free=500))


def test_the_memory_ratio_counts_for_ordinary_memory_only() -> None:
    rest = left(cell(memory=4096, pages={MEDIUM: 512}), ratios=TWICE)
    assert rest.memory_mib == 2 * 3072
    assert rest.pages == (PagesFree(size_kib=SMALL, free=3072 * 256), PagesFree(size_kib=MEDIUM, free=512))


def test_a_cell_whose_pages_are_not_told_has_all_its_memory_in_ordinary_ones() -> None:
    host = cell(memory=4096)
    bare = type(host)(id=0, memory_mib=4096)
    assert left(bare, holds("a", held(memory=96))).memory_mib == 4000


def test_too_much_ordinary_memory_is_a_negative_rest_and_no_conflict() -> None:
    rest = free([cell(memory=1024)], holds("a", held(memory=1000)), holds("b", held(memory=1000)))
    assert rest.cells[0].memory_mib == -976
    assert rest.cells[0].pages == (PagesFree(size_kib=SMALL, free=-976 * 256),)
    assert rest.conflicts == ()


def test_pages_of_the_smallest_size_are_ordinary_memory_under_either_name() -> None:
    host = cell(memory=1024)
    assert left(host, holds("a", held(memory=24, size=SMALL))) == left(host, holds("a", held(memory=24)))


@pytest.mark.parametrize(
    ("stays", "leaves", "listed", "charged"),
    [
        pytest.param([2], [], 0, 2, id="a claim"),
        pytest.param([2], [], 2, 2, id="claimed and listed is one guest"),
        pytest.param([2, 3], [], 2, 5, id="both ends of a resize on one node"),
        pytest.param([2], [3], 0, 3, id="what leaves is no second guest"),
        pytest.param([], [1, 3], 2, 3, id="the largest of what leaves"),
        pytest.param([], [], 4, 4, id="an orphan"),
        pytest.param([2], [], 5, 5, id="a guest greater than its claim"),
    ],
)
def test_a_guest_is_charged_as_for_amounts(stays: list[int], leaves: list[int], listed: int, charged: int) -> None:
    def of(number: int) -> Placement:
        return placed(held(vcpus=number, memory=number), held(memory=2 * number, size=MEDIUM))

    holding = Holding("a", tuple(map(of, stays)), tuple(map(of, leaves)), of(listed))
    rest = left(cell(memory=1024, pages={MEDIUM: 100}), holding)
    assert rest.shared_vcpus == charged
    assert rest.memory_mib == 824 - charged
    assert rest.pages[1].free == 100 - charged


def test_a_guest_holds_each_cpu_that_any_of_its_placements_has() -> None:
    holding = Holding("a", (placed(held(cpus="0")),), (placed(held(cpus="0-1")),), placed(held(cpus="2")))
    rest = free([cell(dedicated="0-3")], holding)
    assert rest.cells[0].cpus == "3"
    assert rest.conflicts == ()


def test_cpus_held_by_the_same_owners_are_one_conflict() -> None:
    owners = [holds("c", held(cpus="0-3")), holds("a", held(cpus="1-2")), holds("b", held(cpus="3"))]
    assert free([cell(dedicated="0-7")], *owners).conflicts == (
        Conflict(0, ConflictKind.CPUS_HELD_TWICE, "CPUs 1-2 are held twice", ("a", "c")),
        Conflict(0, ConflictKind.CPUS_HELD_TWICE, "CPUs 3 are held twice", ("b", "c")),
    )


def test_a_cpu_that_is_shared_by_now_is_a_conflict() -> None:
    rest = free([cell(shared="0-1", dedicated="2-3")], holds("a", held(cpus="1-2")))
    assert rest.cells[0].cpus == "3"
    assert said(rest) == ["NUMA cell 0: CPUs 1 are not dedicated there (held by a)"]


def test_a_cpu_that_came_into_another_cell_is_free_in_neither() -> None:
    rest = free([cell(0, dedicated="0"), cell(1, dedicated="1-2")], holds("a", held(0, cpus="1")))
    assert [each.cpus for each in rest.cells] == ["0", "2"]
    assert said(rest) == ["NUMA cell 0: CPUs 1 are not dedicated there (held by a)"]


def test_more_huge_pages_than_there_are_is_a_conflict_and_a_negative_rest() -> None:
    owners = [holds("a", held(memory=8, size=MEDIUM)), holds("b", held(memory=4, size=MEDIUM)), holds("c", held())]
    rest = free([cell(pages={MEDIUM: 5})], *owners)
    assert rest.cells[0].pages[1].free == -1
    assert said(rest) == ["NUMA cell 0: 6 pages of 2048 KiB are held, 5 are there (held by a, b)"]


def test_pages_of_a_size_that_is_gone_are_a_conflict() -> None:
    assert said(free([cell()], holds("a", held(memory=1024, size=MEDIUM)))) == [
        "NUMA cell 0: 512 pages of 2048 KiB are held, 0 are there (held by a)"
    ]


def test_a_part_of_a_page_takes_a_page() -> None:
    assert left(cell(pages={MEDIUM: 5}), holds("a", held(memory=3, size=MEDIUM))).pages[1].free == 3


def test_a_cell_that_is_gone_is_a_conflict_and_the_others_are_counted() -> None:
    rest = free([cell(0, memory=10)], holds("a", held(0, memory=4), held(7, memory=4, cpus="3")))
    assert rest.cells[0].memory_mib == 6
    assert said(rest) == ["NUMA cell 7: the host has no such cell (held by a)"]


@pytest.mark.parametrize("text", ["x", "3-1", "1-", "-1", "1,", "99999999999", "²", "1 2", "0-16384"])
def test_a_held_cpu_set_that_cannot_be_read_costs_itself_only(text: str) -> None:
    rest = free([cell(dedicated="0-3")], holds("a", held(cpus=text)), holds("b", held(cpus="0")))
    assert rest.cells[0].cpus == "1-3"
    assert said(rest) == [f"NUMA cell 0: {text!r} is no CPU set (held by a)"]
    with pytest.raises(cpu_set.UnreadableCpuSet, match="is no CPU set such as 0-3,8"):
        cpu_set.parse(text)


def test_a_reported_cpu_set_that_cannot_be_read_gives_no_cpu_away() -> None:
    rest = free([cell(0, dedicated="0-"), cell(1, dedicated="1")])
    assert [each.cpus for each in rest.cells] == ["", "1"]
    assert said(rest) == ["NUMA cell 0: '0-' is no CPU set"]


def test_a_cpu_that_two_cells_claim_to_have_is_given_away_once() -> None:
    rest = free([cell(1, dedicated="1-3"), cell(0, dedicated="0-1")])
    assert [each.cpus for each in rest.cells] == ["0-1", "2-3"]
    assert said(rest) == ["NUMA cell 1: CPUs 1 are in another cell, too"]


def test_ordinary_pages_that_are_fewer_than_the_memory_are_believed() -> None:
    host = cell(memory=1024)
    pages = (type(host.pages[0])(size_kib=SMALL, total=1000 * 256, reserved=256),)
    assert left(type(host)(id=0, memory_mib=1024, pages=pages)).memory_mib == 999


def test_a_rest_is_counted_with_the_ratio_it_is_asked_for() -> None:
    host = cell(memory=1001)
    assert [left(host, ratios=ratios).memory_mib for ratios in (ONCE, TWICE)] == [1001, 2002]


def test_all_huge_pages_held_is_no_conflict() -> None:
    rest = free([cell(pages={MEDIUM: 5})], holds("a", held(memory=10, size=MEDIUM)))
    assert rest.cells[0].pages[1].free == 0
    assert rest.conflicts == ()


def test_huge_pages_are_no_ordinary_memory_even_if_the_host_counts_them_twice() -> None:
    host = cell(memory=1024)
    size, huge = type(host.pages[0]), {SMALL: 1024 * 256, MEDIUM: 256}
    pages = tuple(size(size_kib=kib, total=total) for kib, total in huge.items())
    assert left(type(host)(id=0, memory_mib=1024, pages=pages)).memory_mib == 512
