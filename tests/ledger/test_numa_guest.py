"""What a guest without a claim holds of the cells, read from the report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.api.compute_node import Guest, GuestState
from hypertally.api.inventory import MdevType, NumaCell
from hypertally.api.placement import HeldDevice, HeldMdev, Placement
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.numa_guest import held_by_guest
from tests.ledger.numa_make import DEDICATED, LARGE, MEDIUM, cell, cpus_of, dedicated, free, held, holds, place

HOST = (
    cell(0, shared="0-1", dedicated="2-3", pages={MEDIUM: 512}),
    cell(1, shared="4-5", dedicated="6-7", pages={MEDIUM: 512}),
)


def guest(
    memory: int,
    vcpus: int = 0,
    *,
    cells: tuple[int, ...] = (),
    pins: str = "",
    size: int = 0,
    pcpus: int = 0,
    devices: tuple[str, ...] = (),
    mdevs: tuple[str, ...] = (),
) -> Guest:
    return Guest(
        uuid="g", name="g", state=GuestState.RUNNING, vcpus=vcpus, memory_mib=memory, disk_mib=0,
        pcpus=pcpus, cells=cells, pinned_cpus=pins, page_size_kib=size, pci_addresses=devices,
        mdev_uuids=mdevs,
    )  # fmt: skip


def test_a_guest_that_floats_holds_nothing_of_any_cell() -> None:
    assert held_by_guest(guest(1024, 2), HOST) == Placement()


def test_a_guest_bound_to_one_cell_holds_all_that_it_is_there() -> None:
    found = held_by_guest(guest(1024, 1, cells=(1,), pins="6", pcpus=1, size=MEDIUM), HOST)
    assert found.cells == (held(1, vcpus=1, memory=1024, size=MEDIUM, cpus="6"),)


def test_memory_bound_to_two_cells_is_divided_evenly_in_whole_pages() -> None:
    found = held_by_guest(guest(1026, 3, cells=(0, 1), size=MEDIUM), HOST)
    assert found.cells == (held(0, vcpus=2, memory=514, size=MEDIUM), held(1, vcpus=1, memory=512, size=MEDIUM))


def test_own_cpus_count_in_the_cells_that_have_them() -> None:
    found = held_by_guest(guest(10, cells=(0,), pins="2,6-7", pcpus=3), HOST)
    assert found.cells == (held(0, memory=10, cpus="2"), held(1, cpus="6-7"))


def test_memory_that_is_not_bound_is_where_the_guests_own_cpus_are() -> None:
    assert held_by_guest(guest(10, pins="7", pcpus=1), HOST).cells == (held(1, memory=10, cpus="7"),)


def test_huge_pages_that_are_not_bound_are_divided_among_the_cells_that_have_such() -> None:
    hosts = (*HOST, cell(2))
    found = held_by_guest(guest(1024, size=MEDIUM), hosts)
    assert found.cells == (held(0, memory=512, size=MEDIUM), held(1, memory=512, size=MEDIUM))


def test_pages_of_a_size_that_no_cell_has_are_nowhere() -> None:
    assert held_by_guest(guest(1024, size=LARGE), HOST).cells == ()


def test_own_cpus_that_the_host_does_not_have_are_seen_to_be_gone() -> None:
    found = held_by_guest(guest(10, cells=(1,), pins="6,99", pcpus=2), HOST)
    assert found.cells == (held(1, memory=10, cpus="6,99"),)
    assert [str(c) for c in free(HOST, holds("g", *found.cells)).conflicts] == [
        "NUMA cell 1: CPUs 99 are not dedicated there (held by g)"
    ]


def test_a_cell_that_the_host_does_not_have_is_seen_to_be_gone() -> None:
    found = held_by_guest(guest(10, cells=(5,)), HOST)
    assert [str(c) for c in free(HOST, holds("g", *found.cells)).conflicts] == [
        "NUMA cell 5: the host has no such cell (held by g)"
    ]


def test_a_host_that_tells_of_no_cells_is_charged_for_none() -> None:
    assert held_by_guest(guest(10, pins="3", pcpus=1), ()).cells == ()


def test_a_set_of_own_cpus_that_cannot_be_read_costs_itself_only() -> None:
    assert held_by_guest(guest(10, cells=(1,), pins="a"), HOST).cells == (held(1, memory=10),)


def test_a_claim_for_the_same_cells_tells_how_memory_is_divided() -> None:
    claimed = Placement(cells=(held(0, memory=7, vcpus=1), held(1, memory=1, vcpus=3)))
    assert held_by_guest(guest(8, 4, cells=(0, 1)), HOST, claimed).cells == claimed.cells


def test_a_claim_that_holds_the_idle_threads_of_isolated_cores_is_still_the_guests() -> None:
    claimed = Placement(cells=(held(0, memory=8, cpus="2-3"),))
    assert held_by_guest(guest(8, cells=(0,), pins="2", pcpus=1), HOST, claimed).cells == claimed.cells


def test_a_claim_that_differs_from_the_guest_tells_nothing() -> None:
    one = guest(8, 4, cells=(0, 1))
    for claimed in (
        Placement(cells=(held(0, memory=8, vcpus=4),)),
        Placement(cells=(held(0, memory=7, vcpus=1), held(1, memory=2, vcpus=3))),
        Placement(cells=(held(0, memory=7, vcpus=1), held(1, memory=1, vcpus=2))),
        Placement(cells=(held(0, memory=7, vcpus=1, size=MEDIUM), held(1, memory=1, vcpus=3, size=MEDIUM))),
    ):
        assert held_by_guest(one, HOST, claimed) == held_by_guest(one, HOST)
    other = guest(8, cells=(0,), pins="3", pcpus=1)
    assert held_by_guest(other, HOST, Placement(cells=(held(0, memory=8, cpus="2"),))).cells[0].cpus == "3"


def test_its_devices_are_held_for_no_request() -> None:
    found = held_by_guest(guest(10, devices=("0000:0a:00.1",)), HOST)
    assert found.devices == (HeldDevice(request="", address="0000:0a:00.1"),)


def test_its_mediated_devices_are_held_at_their_parents() -> None:
    types = (
        MdevType(parent_address="0000:07:00.0", type="b", instances=("u3",)),
        MdevType(parent_address="0000:06:00.0", type="b", instances=("u1", "u2", "u9")),
        MdevType(parent_address="0000:06:00.0", type="a", available=4),
    )
    found = held_by_guest(guest(10, mdevs=("u1", "u2", "u3", "unknown")), HOST, mdev_types=types)
    assert found.mdevs == (
        HeldMdev(parent_address="0000:06:00.0", type="b", count=2),
        HeldMdev(parent_address="0000:07:00.0", type="b", count=1),
    )
    assert held_by_guest(guest(10), HOST, mdev_types=types).mdevs == ()


def test_what_an_orphan_runs_on_is_given_to_nobody_else() -> None:
    orphan = holds("g", *held_by_guest(guest(10, pins="2,6-7", pcpus=3), HOST).cells)
    assert cpus_of(place(DEDICATED, 1, 10, HOST, orphan)) == "3"
    assert isinstance(place(dedicated(), 2, 10, HOST, orphan), Misfit)


@given(
    st.integers(1, 5000), st.integers(0, 9), st.sets(st.integers(0, 3), max_size=3), st.sets(st.integers(0, 9)),
    st.sampled_from([0, MEDIUM]),
)  # fmt: skip
def test_nothing_of_a_guest_on_cells_is_charged_too_low(
    memory: int, vcpus: int, cells: set[int], pins: set[int], size: int
) -> None:
    one = guest(memory, vcpus, cells=tuple(sorted(cells)), pins=",".join(map(str, sorted(pins))), size=size)
    found = held_by_guest(one, HOST).cells
    if not (cells or pins or size):
        assert found == ()
        return
    assert memory <= sum(each.memory_mib for each in found) < memory + max(1, size // 1024)
    assert sum(each.vcpus for each in found) == vcpus
    kept = {n for each in found for part in filter(None, each.cpus.split(",")) for n in _range(part)}
    assert kept == pins


def _range(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)


def test_own_cpus_of_a_shared_set_are_found_in_their_cell() -> None:
    assert held_by_guest(guest(10, pins="4", pcpus=1), HOST).cells == (held(1, memory=10, cpus="4"),)


@pytest.mark.parametrize(
    "first", [cell(0, shared="2"), cell(0, dedicated="2")], ids=["without dedicated ones", "without shared ones"]
)
def test_cpu_0_is_found_in_its_cell_and_not_in_one_that_has_no_cpus_of_a_kind(first: NumaCell) -> None:
    host = (first, cell(1, shared="1", dedicated="0"))
    assert held_by_guest(guest(10, pins="0", pcpus=1), host).cells == (held(1, memory=10, cpus="0"),)


def test_a_guest_whose_cpus_no_cell_has_is_told_of_the_hosts_first_cell() -> None:
    found = held_by_guest(guest(10, pins="98-99", pcpus=2), tuple(reversed(HOST)))
    assert found.cells == (held(0, memory=10, cpus="98-99"),)


def test_a_guest_bound_to_a_cell_whose_cpus_no_cell_has_is_told_of_its_own() -> None:
    assert held_by_guest(guest(10, cells=(1,), pins="99", pcpus=1), HOST).cells == (held(1, memory=10, cpus="99"),)


def test_parts_of_a_guest_are_whole_numbers_as_the_api_takes_them() -> None:
    found = held_by_guest(guest(1025, 3, cells=(0, 1), size=MEDIUM), HOST).cells
    assert [(each.memory_mib, each.vcpus) for each in found] == [(514, 2), (512, 1)]
    assert all(isinstance(number, int) for each in found for number in (each.memory_mib, each.vcpus))
