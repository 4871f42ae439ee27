"""Hypervisor, versions and address."""

import pytest

from hypertally.api.compute_node import Hypervisor
from hypertally.hypervisor.errors import InventoryUnreadable
from hypertally.hypervisor.facts import Unread
from hypertally.hypervisor.software import hypervisor, version_text
from tests.support.snapshots import snapshot

KNOWN = Hypervisor(type="QEMU", version="6.2.0", libvirt_version="8.0.0", host_ip="192.0.2.9")


@pytest.mark.parametrize(
    ("number", "text"),
    [(7_002_022, "7.2.22"), (9_000_000, "9.0.0"), (2, "0.0.2"), (12_008_001, "12.8.1"), (1_000_999, "1.0.999")],
)
def test_a_packed_version_is_spelled_out(number: int, text: str) -> None:
    assert version_text(number) == text


def test_all_that_is_told_is_shown() -> None:
    told = Hypervisor(type="QEMU", version="7.2.22", libvirt_version="9.0.0", host_ip="192.0.2.7")
    assert hypervisor(snapshot(), None) == (told, [])


def test_a_version_that_cannot_be_read_stays_what_it_was_and_is_named() -> None:
    seen, problems = hypervisor(snapshot(version=Unread("busy")), KNOWN)
    assert (seen.version, seen.libvirt_version) == ("6.2.0", "9.0.0")
    assert [str(problem) for problem in problems] == ["hypervisor version: busy"]


def test_a_version_that_never_was_read_leaves_nothing_to_report() -> None:
    with pytest.raises(InventoryUnreadable, match="qemu:///system: hypervisor type: busy"):
        hypervisor(snapshot(driver=Unread("busy")), None)


def test_a_host_without_a_route_keeps_the_address_it_had_or_shows_none() -> None:
    lost = snapshot(host_ip=Unread("no default route"))
    assert hypervisor(lost, KNOWN)[0].host_ip == "192.0.2.9"
    assert hypervisor(lost, None)[0].host_ip == ""
    assert hypervisor(lost, None)[1] == []
