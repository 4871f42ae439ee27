"""What the bulk answer says about use, in seconds and bytes; what it does not say is absent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.hypervisor.facts import GuestFacts, Unread
from hypertally.hypervisor.usage import GuestUsage, Usage, usage
from tests.support.snapshots import guest, snapshot, uuid_of

RUNNING: dict[str, Any] = {
    "cpu__time": 220_000_000,
    "cpu__user": 100_000_000,
    "cpu__system": 120_000_000,
    "balloon__current": 32 * 1024,
    "balloon__rss": 35_400,
    "vcpu__current": 2,
    "net__count": 2,
    "net__0__name": "vnet0",
    "net__0__rx__bytes": 10,
    "net__0__tx__pkts": 3,
    "net__1__rx__bytes": 20,
    "net__1__rx__drop": 1,
    "block__count": 2,
    "block__0__rd__bytes": 512,
    "block__0__wr__times": 1_500_000_000,
    "block__1__rd__bytes": 512,
    "block__1__rd__reqs": 2,
}


def of(facts: GuestFacts) -> GuestUsage:
    found = usage(snapshot(guests=(facts,))).guests
    assert found is not None
    (one,) = found
    return one


def test_a_guests_use_is_in_seconds_and_bytes_and_summed_over_its_devices() -> None:
    seen = of(guest(1, **RUNNING))
    assert (seen.uuid, seen.name) == (uuid_of(1), "guest-1")
    assert seen.values == pytest.approx(
        {
            "cpu_seconds": 0.22,
            "cpu_user_seconds": 0.1,
            "cpu_system_seconds": 0.12,
            "vcpus": 2,
            "memory_bytes": 32 * 1024**2,
            "memory_resident_bytes": 35_400 * 1024,
            "interface_receive_bytes": 30,
            "interface_receive_drops": 1,
            "interface_transmit_packets": 3,
            "block_read_bytes": 1024,
            "block_read_requests": 2,
            "block_write_seconds": 1.5,
        }
    )


def test_what_is_not_told_is_absent_and_not_zero() -> None:
    silent = guest(1, vcpu__current=None, balloon__current=None, cpu__time=-1, net__0__rx__bytes="many")
    assert of(silent).values == {}


def test_guests_that_are_off_use_nothing() -> None:
    assert usage(snapshot(guests=(guest(1, active=False, **RUNNING),))).guests == ()


def test_guests_that_cannot_be_listed_are_unknown_and_not_none() -> None:
    assert usage(snapshot(guests=Unread("why"))).guests is None


def test_the_hosts_use_is_what_the_kernel_says() -> None:
    found = usage(snapshot(cpu_time={"user": 2 * 10**9, "kernel": 10**9, "idle": 5 * 10**9, "iowait": 0, "x": 1}))
    assert found.cpu_seconds == {"user": 2, "system": 1, "idle": 5, "iowait": 0}
    assert found.host["memory_size_bytes"] == 16 * 1024**3
    assert found.host["memory_free_bytes"] == 8 * 1024**3
    assert found.host["disk_used_bytes"] == 200 * 1024**2


@pytest.mark.parametrize("unread", [None, Unread("why")])
def test_a_part_of_the_host_that_is_unknown_is_absent(unread: Unread | None) -> None:
    found = usage(snapshot(cpu_time=unread, memory_kib=unread, disk_space=Unread("why"), guests=()))
    assert found == Usage(guests=())


@given(st.dictionaries(st.text(max_size=20) | st.sampled_from(["cpu.time", "block.0.rd.bytes"]), st.integers()))
def test_whatever_libvirt_says_no_value_is_negative(stats: dict[str, int]) -> None:
    facts = GuestFacts(uuid_of(1), "x", active=True, stats=stats)
    assert all(value >= 0 for value in of(facts).values.values())
