"""Memory: how much there is, how much of it is in use, and which source is believed."""

from hypothesis import given
from hypothesis import strategies as st

from hypertally.hypervisor.facts import NodeInfo, Unread
from hypertally.hypervisor.memory import disagreement, total_mib, used_mib
from tests.support.snapshots import snapshot

SIZES = st.integers(min_value=0, max_value=2**63)


def test_m1_used_is_total_without_what_is_available() -> None:
    assert used_mib({"total": 15814 * 1024, "free": 10 * 1024 * 1024}) == 5574


def test_buffers_and_cache_are_available() -> None:
    assert used_mib({"total": 1024 * 1024, "free": 512 * 1024, "buffers": 128 * 1024, "cached": 256 * 1024}) == 128


@given(SIZES, SIZES, SIZES, SIZES)
def test_used_memory_is_never_negative_nor_more_than_there_is(total: int, free: int, buffers: int, cached: int) -> None:
    assert 0 <= used_mib({"total": total, "free": free, "buffers": buffers, "cached": cached}) <= total // 1024


def test_on_an_odd_host_the_kernels_total_is_used_and_the_log_says_so() -> None:
    odd = snapshot(memory_kib={"total": 24105 * 1024, "free": 0}, node=NodeInfo(memory_mib=5594, cpus=2))
    assert total_mib(odd) == 24105
    assert disagreement(odd) == "memory: virNodeGetMemoryStats says 24105 MiB (used), virNodeGetInfo 5594 MiB"


def test_on_an_ordinary_host_both_sources_agree_and_nothing_is_said() -> None:
    assert total_mib(snapshot()) == 16384
    assert disagreement(snapshot()) is None


def test_a_driver_without_memory_statistics_is_asked_for_its_node() -> None:
    assert total_mib(snapshot(memory_kib=None)) == 16384


def test_a_failure_does_not_switch_to_the_other_source() -> None:
    assert total_mib(snapshot(memory_kib=Unread("busy"))) == Unread("busy")
    assert total_mib(snapshot(memory_kib=None, node=Unread("busy"))) == Unread("busy")
    assert disagreement(snapshot(node=Unread("busy"))) is None
