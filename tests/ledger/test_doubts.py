"""What of a node's numbers cannot be as it is told."""

from typing import Any

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import SUM_MAX
from hypertally.api.compute_node import ComputeNode
from hypertally.api.inventory import NumaCell, Pages
from hypertally.ledger.doubts import doubts
from hypertally.ledger.reconcile import Inputs, next_ledger
from tests.ledger.make import guest, node

CAPACITY = Amounts(vcpus=4, pcpus=2, memory_mib=1000, disk_mib=100)


def telling(**parts: Any) -> ComputeNode:
    on = node(capacity=CAPACITY)
    assert on.status.report is not None
    return replace(on, status=replace(on.status, report=replace(on.status.report, **parts)))


def cell(id_: int, memory: int, *pages: Pages) -> NumaCell:
    return NumaCell(id=id_, memory_mib=memory, pages=pages)


def test_a_host_that_nothing_was_reported_of_is_not_doubted() -> None:
    on = node(claims=None)
    assert doubts(replace(on, status=replace(on.status, report=None))) == ()


def test_a_host_that_is_used_up_is_not_doubted() -> None:
    assert doubts(telling(measured=CAPACITY)) == ()


def test_more_virtual_cpus_in_use_than_there_are_is_what_ratios_are_for() -> None:
    assert doubts(telling(measured=replace(CAPACITY, vcpus=99))) == ()


def test_more_in_use_than_there_is_of_what_is_never_shared() -> None:
    assert doubts(telling(measured=Amounts(vcpus=1, pcpus=3, memory_mib=1001, disk_mib=101))) == (
        "pcpus in use 3 is more than the capacity 2",
        "memoryMiB in use 1001 is more than the capacity 1000",
        "diskMiB in use 101 is more than the capacity 100",
    )


def test_without_a_capacity_nothing_is_more_than_it() -> None:
    assert doubts(telling(capacity=None, measured=CAPACITY, numa_cells=(cell(0, 9999),))) == ()


def test_cells_may_be_rounded_and_not_have_more_memory_than_the_host() -> None:
    assert doubts(telling(numa_cells=(cell(0, 501), cell(1, 501)))) == ()
    assert doubts(telling(numa_cells=(cell(0, 501), cell(1, 502)))) == (
        "memoryMiB of all NUMA cells 1003 is more than the host's 1000",
    )


def test_the_pages_of_a_cell_fit_its_memory() -> None:
    small, large = Pages(size_kib=4, total=100 * 256), Pages(size_kib=2048, total=50)
    assert doubts(telling(numa_cells=(cell(0, 200, small, large),))) == ()
    assert doubts(telling(numa_cells=(cell(0, 199, small, large),))) == (), "the cell's memory was rounded down"
    assert doubts(telling(numa_cells=(cell(3, 198, small, large),))) == (
        "pages of NUMA cell 3 take 200 MiB, and it has 198",
    )


def test_guests_are_in_cells_that_are_there_where_cells_are_told() -> None:
    guests = (replace(guest("a"), cells=(0, 7)), replace(guest("b"), cells=(5,)))
    assert doubts(telling(guests=guests)) == ()
    assert doubts(telling(guests=guests, numa_cells=(cell(0, 1),))) == (
        "guests are bound to NUMA cells that the host does not have: 5, 7",
    )


def test_guests_that_were_left_out_are_charged_or_doubted() -> None:
    assert doubts(telling(guests_omitted=2, omitted_resources=Amounts())) == ()
    assert doubts(telling(guests_omitted=2)) == (
        "guestsOmitted is 2 without omittedResources: these guests are charged nothing",
    )
    assert doubts(telling(omitted_resources=Amounts())) == ("omittedResources are charged, and guestsOmitted is 0",)


@pytest.mark.parametrize("listed", [0, 1, 2**40])
def test_a_sum_ends_at_the_largest_number_of_the_api_and_says_so(listed: int) -> None:
    omitted = Amounts(disk_mib=SUM_MAX)
    on = telling(guests=(guest("a", listed),), guests_omitted=1, omitted_resources=omitted)
    outcome = next_ledger(Inputs(node=on, owners={}))
    assert outcome is not None
    ledger = outcome.ledger
    assert ledger.allocated.disk_mib == SUM_MAX
    assert ledger.free.disk_mib == 100 - SUM_MAX
    assert doubts(replace(on, status=replace(on.status, ledger=ledger))) == (
        "diskMiB allocated is more than can be counted",
    )


def test_what_is_free_ends_there_too() -> None:
    on = telling(guests_omitted=1, omitted_resources=Amounts(memory_mib=SUM_MAX), capacity=Amounts())
    outcome = next_ledger(Inputs(node=replace(on, spec=replace(on.spec, reserved=None)), owners={}))
    assert outcome is not None
    assert outcome.ledger.allocatable.memory_mib == -512
    assert outcome.ledger.free.memory_mib == -SUM_MAX


def test_a_ledger_that_no_other_can_follow_says_how_to_get_a_new_one() -> None:
    on = node()
    assert on.status.ledger is not None
    for generation, number in ((SUM_MAX - 1, 0), (SUM_MAX, 1)):
        last = replace(on.status.ledger, generation=generation)
        found = doubts(replace(on, status=replace(on.status, ledger=last)))
        assert [text.partition(":")[0] for text in found] == ["status.ledger.generation is at its end"] * number


def test_what_is_free_may_end_before_what_is_allocated_does() -> None:
    on = telling(guests_omitted=1, omitted_resources=Amounts(memory_mib=SUM_MAX - 1), capacity=Amounts())
    on = replace(on, spec=replace(on.spec, reserved=None))
    outcome = next_ledger(Inputs(node=on, owners={}))
    assert outcome is not None
    assert (outcome.ledger.allocated.memory_mib, outcome.ledger.free.memory_mib) == (SUM_MAX - 1, -SUM_MAX)
    assert doubts(replace(on, status=replace(on.status, ledger=outcome.ledger))) == (
        "memoryMiB allocated is more than can be counted",
    )
