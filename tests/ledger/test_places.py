"""Which cells and devices guests hold while a ledger is made: by their claims, and by what the host lists."""

from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import CELL_CPUS_TOGETHER
from hypertally.api.compute_node import Claim, Guest
from hypertally.api.inventory import MdevType, NumaCell, Pages
from hypertally.api.placement import HeldCell, HeldDevice, MdevFree, Placement
from hypertally.ledger.numa_cells import host_cells
from hypertally.ledger.numa_free import Holding
from hypertally.ledger.places import Places
from tests.ledger.make import INCOMING, LEAVING, RUNNING, claim, guest, report

ONCE = Amounts(vcpus=1000, memory_mib=1000)
ONE, OTHER = HeldDevice(address="0000:0a:00.1"), HeldDevice(address="0000:0a:00.2")


def places(*guests: Guest) -> Places:
    cells = tuple(NumaCell(id=number, memory_mib=64) for number in (0, 1))
    types = (MdevType(parent_address="0000:65:00.0", type="t", available=3),)
    return Places(replace(report(9, guests), numa_cells=cells, mdev_types=types), ONCE)


def holding(*devices: HeldDevice) -> Claim:
    return replace(claim("a"), devices=devices)


def test_a_guest_that_holds_amounts_only_holds_no_place() -> None:
    there = places(guest("a"))
    there.note("a", {RUNNING: claim("a"), LEAVING: claim("a", LEAVING)})
    assert there.holdings == ()


def test_what_stays_and_what_leaves_are_held_apart() -> None:
    there = places()
    there.note("a", {RUNNING: holding(ONE), LEAVING: holding(OTHER), INCOMING: claim("a", INCOMING)})
    assert there.holdings == (
        Holding("a", stays=(Placement(devices=(ONE,)),), leaves=(Placement(devices=(OTHER,)),)),
    )  # fmt: skip


def test_what_leaves_without_a_place_leaves_none() -> None:
    there = places()
    there.note("a", {RUNNING: holding(ONE), LEAVING: claim("a", LEAVING)})
    assert there.holdings == (Holding("a", stays=(Placement(devices=(ONE,)),)),)


def test_a_guest_without_claims_lets_go() -> None:
    there = places()
    there.note("a", {RUNNING: holding(ONE)})
    there.note("a", {})
    assert there.holdings == ()


def test_the_claim_of_a_guest_tells_how_what_the_host_lists_is_divided() -> None:
    there = places(replace(guest("a"), vcpus=4, memory_mib=8, cells=(0, 1)))
    divided = (HeldCell(id=0, vcpus=1, memory_mib=7), HeldCell(id=1, vcpus=3, memory_mib=1))
    assert [[cell.memory_mib for cell in each.listed.cells] for each in there.holdings] == [[4, 4]]
    there.note("a", {RUNNING: replace(claim("a"), cells=divided)})
    assert [each.listed.cells for each in there.holdings] == [divided]


def test_what_is_free_of_mediated_devices_is_told_by_parent_and_type() -> None:
    assert places().free().mdevs == (MdevFree(parent_address="0000:65:00.0", type="t", free=3),)


def test_a_set_of_cpus_that_is_too_long_to_show_ends_early_and_shows_none_that_is_not_free() -> None:
    every_second = list(range(0, 2 * CELL_CPUS_TOGETHER, 2))
    host = NumaCell(id=0, memory_mib=1, dedicated_cpus=",".join(map(str, every_second)))
    (cell,) = Places(replace(report(9), numa_cells=(host,)), ONCE).free().cells
    shown = [int(number) for number in cell.cpus.split(",")]
    assert 0 < len(cell.cpus) <= CELL_CPUS_TOGETHER
    assert shown == every_second[: len(shown)]


def test_a_mebibyte_that_is_not_whole_in_ordinary_pages_is_none_whatever_the_ratio() -> None:
    host = NumaCell(id=0, memory_mib=2, pages=(Pages(size_kib=4, total=511),))
    (cell,) = host_cells((host,))
    assert cell.ordinary_mib == 1
    assert cell.allocatable_mib(1500) == 1
