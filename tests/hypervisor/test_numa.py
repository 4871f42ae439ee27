"""NUMA cells: CPUs, memory, pages and distances of each, and pages in use."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.api.inventory import Distance, NumaCell, Pages, PagesInUse
from hypertally.hypervisor.cpu import offered_cpus
from hypertally.hypervisor.cpu_set import parse_cpu_set
from hypertally.hypervisor.facts import CpuMap, Snapshot, Unread
from hypertally.hypervisor.numa import numa_cells, read_cells
from hypertally.hypervisor.pages import huge_pages_in_use, ordinary_size_kib, smallest_huge_kib
from hypertally.hypervisor.report import report
from hypertally.hypervisor.reserved_pages import ReservedPages
from hypertally.hypervisor.settings import AuditSettings
from tests.support.recordings import CAPABILITIES, capabilities
from tests.support.snapshots import snapshot

GIB = 1024 * 1024
"""In KiB."""


def host(name: str, online: str = "0-63", settings: AuditSettings | None = None, **changed: Any) -> Snapshot:
    kib = changed.pop("memory_kib", None)
    cpus = CpuMap(64, parse_cpu_set(online))
    return snapshot(
        capabilities=capabilities(name), cpu_map=cpus, settings=settings or AuditSettings(), memory_kib=kib, **changed
    )


def cells_of(seen: Snapshot) -> tuple[NumaCell, ...]:
    told = numa_cells(seen, offered_cpus(seen)).value
    assert not isinstance(told, Unread)
    return told


def problems_of(seen: Snapshot) -> list[str]:
    return [str(problem) for problem in numa_cells(seen, offered_cpus(seen)).problems]


def test_a_cell_is_told_whole() -> None:
    first, second = cells_of(host("intel-2-sockets-smt"))
    assert second == NumaCell(
        id=1,
        memory_mib=65536,
        shared_cpus="4-7,12-15",
        siblings=("4,12", "5,13", "6,14", "7,15"),
        socket=1,
        pages=(
            Pages(size_kib=4, total=15466496),
            Pages(size_kib=2048, total=512),
            Pages(size_kib=1048576, total=4),
        ),
        distances=(Distance(cell=0, value=21), Distance(cell=1, value=10)),
    )
    assert first.id == 0


def test_n20_novas_value_of_four_sockets_with_both_sets() -> None:
    both = AuditSettings(cpu_shared_set=parse_cpu_set("0-1"), cpu_dedicated_set=parse_cpu_set("2-6"))
    cells = cells_of(host("amd-4-sockets", "0-7", both))
    assert [cell.shared_cpus for cell in cells] == ["0-1", "", "", ""]
    assert [cell.dedicated_cpus for cell in cells] == ["", "2-3", "4-5", "6"]
    assert [cell.socket for cell in cells] == [0, 1, 2, 3]


def test_n21_by_design_no_cpu_is_shared_and_dedicated_at_once_as_novas_legacy_has_it() -> None:
    cells = cells_of(host("amd-4-sockets", "0-7"))
    assert [cell.shared_cpus for cell in cells] == ["0-1", "2-3", "4-5", "6-7"]
    assert {cell.dedicated_cpus for cell in cells} == {""}


def test_n22_novas_value_of_a_shared_set_alone_has_nothing_dedicated() -> None:
    cells = cells_of(host("amd-4-sockets", "0-7", AuditSettings(cpu_shared_set=parse_cpu_set("0-6"))))
    assert [cell.shared_cpus for cell in cells] == ["0-1", "2-3", "4-5", "6"]
    assert {cell.dedicated_cpus for cell in cells} == {""}


@pytest.mark.parametrize("name", ["no-topology", "xen"])
def test_n24_novas_value_of_no_topology_is_no_cell(name: str) -> None:
    assert cells_of(host(name)) == ()


def test_siblings_are_those_that_are_usable_and_a_thread_alone_is_none() -> None:
    only = AuditSettings(cpu_shared_set=parse_cpu_set("0-1,8"), cpu_dedicated_set=parse_cpu_set("2,10"))
    assert [cell.siblings for cell in cells_of(host("intel-2-sockets-smt", settings=only))] == [("0,8", "2,10"), ()]


def test_cpus_that_are_off_have_no_say_in_the_socket_whatever_libvirt_tells_of_them() -> None:
    (cell,) = cells_of(host("offline-cpus", "0-1,4"))
    assert (cell.shared_cpus, cell.socket, cell.siblings) == ("0-1,4", 3, ("0,4",))


def test_a_cell_of_two_sockets_has_none() -> None:
    (cell,) = cells_of(host("amd-one-cell", "0-3"))
    assert cell.socket is None


def test_cells_need_not_follow_each_other() -> None:
    assert [cell.id for cell in cells_of(host("power-sparse-cells"))] == [0, 8]


def test_reserved_pages_are_told_beside_the_total() -> None:
    settings = AuditSettings(reserved_huge_pages=(ReservedPages(1, 2048, 64),))
    first, second = cells_of(host("intel-2-sockets-smt", settings=settings))
    assert [pages.reserved for pages in first.pages] == [0, 0, 0]
    assert [pages.reserved for pages in second.pages] == [0, 64, 0]


@pytest.mark.parametrize("pages", [ReservedPages(2, 2048, 1), ReservedPages(0, 16384, 1)])
def test_by_design_pages_reserved_where_there_are_none_are_named_where_nova_gives_up_the_audit(
    pages: ReservedPages,
) -> None:
    seen = host("intel-2-sockets-smt", settings=AuditSettings(reserved_huge_pages=(pages,)))
    assert problems_of(seen) == [
        f"numaCells pages: cell {pages.cell} has no pages of {pages.size_kib} KiB, of which 1 are to be reserved"
    ]
    assert len(cells_of(seen)) == 2


def test_on_an_odd_host_a_single_cell_has_all_of_the_kernels_memory_and_its_ordinary_pages() -> None:
    odd = host("offline-cpus", memory_kib={"total": 24 * GIB})
    (cell,) = cells_of(odd)
    assert cell.memory_mib == 24 * 1024
    assert cell.pages[0] == Pages(size_kib=4, total=24 * GIB // 4)


def test_a_single_cell_is_unknown_while_the_kernels_memory_is_and_stays_as_it_was() -> None:
    last = report(host("offline-cpus", memory_kib={"total": 24 * GIB})).content
    audit = report(host("offline-cpus", memory_kib=Unread("no")), last)
    assert audit.content.numa_cells == last.numa_cells
    assert "numaCells: no" in map(str, audit.problems)
    assert len(cells_of(host("intel-2-sockets-smt", memory_kib=Unread("no")))) == 2


@given(st.integers(0, 2**50))
def test_whatever_the_kernel_says_nothing_of_a_cell_is_negative(total: int) -> None:
    for name in CAPABILITIES:
        for cell in cells_of(host(name, memory_kib={"total": total})):
            assert cell.memory_mib >= 0
            assert all(pages.total >= 0 for pages in cell.pages)


def test_with_several_cells_each_keeps_what_libvirt_tells() -> None:
    odd = host("intel-2-sockets-smt", memory_kib={"total": GIB})
    assert [cell.memory_mib for cell in cells_of(odd)] == [65536, 65536]


@pytest.mark.parametrize(
    "cell",
    [
        "<cell id='x'/>",
        "<cell/>",
        "<cell id='0'><memory>much</memory></cell>",
        "<cell id='0'><memory unit='parsec'>1</memory></cell>",
        "<cell id='0'><pages size='4'>-1</pages></cell>",
        "<cell id='0'><pages size='0'>1</pages></cell>",
        "<cell id='0'><cpus><cpu id='0' siblings='0-'/></cpus></cell>",
        "<cell id='0'><cpus><cpu id='99999999'/></cpus></cell>",
        "<cell id='0'/><cell id='0'/>",
    ],
)
def test_cells_that_cannot_be_understood_are_unknown_as_a_whole(cell: str) -> None:
    document = f"<capabilities><host><topology><cells>{cell}</cells></topology></host></capabilities>"
    assert isinstance(read_cells(snapshot(capabilities=document)), Unread)


def test_cells_are_unknown_while_capabilities_or_cpus_are() -> None:
    assert numa_cells(snapshot(capabilities=Unread("no")), offered_cpus(snapshot())).value == Unread("no")
    assert numa_cells(snapshot(), Unread("no")).value == Unread("no")


# Pages in use


def used(seen: Snapshot) -> tuple[PagesInUse, ...] | Unread:
    return huge_pages_in_use(seen, read_cells(seen)).value


def test_huge_pages_in_use_are_those_that_are_not_free() -> None:
    free = {0: {4: 9, 2048: 1000, 1048576: 0}, 1: {4: 9, 2048: 512, 1048576: 1}}
    assert used(host("intel-2-sockets-smt", free_pages=free)) == (
        PagesInUse(cell=0, size_kib=2048, used=24),
        PagesInUse(cell=1, size_kib=2048, used=0),
        PagesInUse(cell=1, size_kib=1048576, used=3),
    )


def test_a_pool_that_shrank_between_the_two_questions_has_nothing_in_use() -> None:
    assert used(host("intel-2-sockets-smt", free_pages={0: {2048: 2000}})) == (
        PagesInUse(cell=0, size_kib=2048, used=0),
    )


def test_a_driver_that_cannot_tell_free_pages_has_none_in_use() -> None:
    assert used(host("intel-2-sockets-smt", free_pages=None)) == ()


def test_free_pages_that_cannot_be_read_are_unknown() -> None:
    assert used(host("intel-2-sockets-smt", free_pages=Unread("no"))) == Unread("no")
    assert used(snapshot(capabilities=Unread("no"), free_pages={})) == Unread("no")


@pytest.mark.parametrize(
    ("name", "ordinary", "huge"),
    [
        ("intel-2-sockets-smt", 4, 2048),
        ("aarch64-64k-pages", 64, 2048),
        ("power-sparse-cells", 64, 16384),
        ("xen", 4, 2048),
    ],
)
def test_the_smallest_pages_are_the_ordinary_ones(name: str, ordinary: int, huge: int) -> None:
    cells = read_cells(host(name))
    assert (ordinary_size_kib(cells), smallest_huge_kib(cells)) == (ordinary, huge)
