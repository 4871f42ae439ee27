"""What several claims hold beyond amounts, put together for a guest that leaves: the least that covers each."""

import pytest

from hypertally.api.placement import HeldCell, HeldDevice, HeldMdev, Placement
from hypertally.ledger.holdings import union

P, Q = "0000:06:00.0", "0000:07:00.0"
SMALL, BIG = "nvidia-35", "nvidia-36"


def mdev(parent: str, type_: str, count: int) -> HeldMdev:
    return HeldMdev(parent_address=parent, type=type_, count=count)


def test_nothing_together_is_nothing() -> None:
    assert union([]) == union([Placement(), Placement()]) == Placement()


@pytest.mark.parametrize("counts", [(1, 3, 2), (3, 1, 2), (1, 2, 3)])
def test_of_mediated_devices_the_most_of_each_type_at_each_parent_counts(counts: tuple[int, ...]) -> None:
    several = [Placement(mdevs=(mdev(P, SMALL, count),)) for count in counts]
    assert union(several).mdevs == (mdev(P, SMALL, 3),)


def test_mediated_devices_of_other_types_or_parents_are_others_and_come_sorted() -> None:
    first = Placement(mdevs=(mdev(Q, SMALL, 1), mdev(P, SMALL, 4)))
    second = Placement(mdevs=(mdev(P, BIG, 2),))
    assert union([first, second]).mdevs == (mdev(P, SMALL, 4), mdev(P, BIG, 2), mdev(Q, SMALL, 1))


def test_each_device_is_held_once_under_the_name_that_it_was_first_chosen_for() -> None:
    first = Placement(devices=(HeldDevice(address="0000:0a:00.2", request="net"),))
    second = Placement(devices=tuple(HeldDevice(address=f"0000:0a:00.{n}", request="other") for n in (2, 1)))
    assert union([first, second]).devices == (
        HeldDevice(address="0000:0a:00.1", request="other"),
        HeldDevice(address="0000:0a:00.2", request="net"),
    )


def test_of_a_cell_the_greater_number_counts_and_every_cpu() -> None:
    first = Placement(cells=(HeldCell(id=1, vcpus=1, memory_mib=8, cpus="2"), HeldCell(id=0, memory_mib=1)))
    second = Placement(cells=(HeldCell(id=1, vcpus=3, memory_mib=4, cpus="5-6"),))
    together = (HeldCell(id=0, memory_mib=1), HeldCell(id=1, vcpus=3, memory_mib=8, cpus="2,5-6"))
    assert union([first, second]).cells == union([second, first]).cells == together


def test_pages_of_two_sizes_in_one_cell_are_two_parts() -> None:
    small, huge = HeldCell(id=0, memory_mib=1), HeldCell(id=0, memory_mib=2, page_size_kib=2048)
    assert union([Placement(cells=(huge,)), Placement(cells=(small,))]).cells == (small, huge)


@pytest.mark.parametrize("text", ["", "x"])
def test_a_cell_without_readable_cpus_adds_none(text: str) -> None:
    bare, pinned = (Placement(cells=(HeldCell(id=0, cpus=cpus),)) for cpus in (text, "3"))
    assert union([bare, pinned]) == union([pinned, bare]) == pinned
