"""What of a host may be given away."""

import pytest

from hypertally.api.amounts import AllocationRatios, Amounts, ReservedAmounts
from hypertally.api.compute_node import ComputeNodeSpec
from hypertally.ledger.policy import allocatable, ratios, reserved
from tests.ledger.make import node_spec

CAPACITY = Amounts(vcpus=8, memory_mib=16384, disk_mib=102400)


def bare() -> ComputeNodeSpec:
    return ComputeNodeSpec(hypervisor_hostname="hv1", host_uuid="u", node_name="n")


def test_a_silent_operator_gets_novas_defaults() -> None:
    assert reserved(bare()) == Amounts(vcpus=0, memory_mib=512, disk_mib=0)
    assert ratios(bare()) == Amounts(vcpus=4000, pcpus=1000, memory_mib=1000, disk_mib=1000)
    assert allocatable(CAPACITY, bare()) == Amounts(vcpus=32, memory_mib=15872, disk_mib=102400)


def test_an_operator_who_names_one_amount_keeps_the_defaults_of_the_others() -> None:
    spec = node_spec(reserved=ReservedAmounts(vcpus=1), ratios=AllocationRatios(memory_mib=1500))
    assert reserved(spec) == Amounts(vcpus=1, memory_mib=512, disk_mib=0)
    assert ratios(spec) == Amounts(vcpus=4000, pcpus=1000, memory_mib=1500, disk_mib=1000)
    assert allocatable(CAPACITY, spec) == Amounts(vcpus=28, memory_mib=23808, disk_mib=102400)


def test_cpus_that_a_guest_has_to_itself_are_neither_reserved_nor_given_twice() -> None:
    spec = node_spec(reserved=ReservedAmounts(vcpus=2), ratios=AllocationRatios(vcpus=16000))
    assert allocatable(Amounts(vcpus=4, pcpus=4), spec) == Amounts(vcpus=32, pcpus=4, memory_mib=-512)


def test_a_reserve_of_zero_is_not_a_missing_one() -> None:
    assert reserved(node_spec(reserved=ReservedAmounts(memory_mib=0))).memory_mib == 0


@pytest.mark.parametrize(
    ("memory", "reserve", "given"),
    [pytest.param(512, 512, 0, id="M5"), pytest.param(1024, 2048, -1024, id="M6")],
)
def test_m5_m6_novas_value_of_memory_that_is_reserved_whole_or_beyond(memory: int, reserve: int, given: int) -> None:
    spec = node_spec(reserved=ReservedAmounts(memory_mib=reserve))
    assert allocatable(Amounts(memory_mib=memory), spec).memory_mib == given


def test_m6_by_design_a_reserve_of_disk_is_not_rounded_to_gib() -> None:
    spec = node_spec(reserved=ReservedAmounts(disk_mib=11264))
    assert allocatable(Amounts(disk_mib=10 * 1024), spec).disk_mib == -1024


@pytest.mark.parametrize(
    ("capacity", "reserve", "ratio", "given"),
    [(3, 0, 1500, 4), (3, 1, 1500, 3), (1, 0, 999, 0), (7, 0, 143, 1), (2, 5, 1000, -3), (0, 1, 1500, -2)],
)
def test_it_is_rounded_down_once_at_the_end_and_never_clamped(
    capacity: int, reserve: int, ratio: int, given: int
) -> None:
    spec = node_spec(reserved=ReservedAmounts(vcpus=reserve), ratios=AllocationRatios(vcpus=ratio))
    assert allocatable(Amounts(vcpus=capacity), spec).vcpus == given
