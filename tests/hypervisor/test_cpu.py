"""vCPUs: those that are online."""

from hypertally.hypervisor.cpu import online_cpus
from hypertally.hypervisor.facts import NodeInfo, Unread
from tests.support.snapshots import snapshot


def test_c1_without_cpu_sets_every_online_cpu_counts() -> None:
    assert online_cpus(snapshot(online_cpus=4)) == 4


def test_c7_a_cpu_that_is_present_but_off_does_not_count() -> None:
    assert online_cpus(snapshot(online_cpus=2, node=NodeInfo(memory_mib=1, cpus=4))) == 2


def test_a_driver_without_a_cpu_map_is_asked_for_its_cpus() -> None:
    assert online_cpus(snapshot(online_cpus=None, node=NodeInfo(memory_mib=1, cpus=6))) == 6


def test_the_test_drivers_canned_cpu_map_is_not_believed() -> None:
    assert online_cpus(snapshot(driver="TEST", online_cpus=3, node=NodeInfo(memory_mib=1, cpus=16))) == 16


def test_a_cpu_map_that_cannot_be_read_is_unknown_and_not_guessed() -> None:
    assert online_cpus(snapshot(online_cpus=Unread("no"))) == Unread("no")
    assert online_cpus(snapshot(online_cpus=None, node=Unread("no"))) == Unread("no")
