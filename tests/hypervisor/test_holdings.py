"""What a guest holds of its host: enough to charge one that nobody declared exactly."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.api.compute_node import Guest, GuestState
from hypertally.hypervisor.domain_xml import Domain, Pinning, read_domain
from hypertally.hypervisor.facts import Unread
from hypertally.hypervisor.holdings import Ground, holdings
from hypertally.hypervisor.pinning import Share, share
from tests.support.snapshots import uuid_of

DEDICATED = frozenset({4, 5, 6, 7})
GROUND = Ground(dedicated=DEDICATED, huge_page_kib=2048)


def pins(*each: set[int], default: set[int] | None = None, **others: Any) -> Pinning:
    fixed = {number: frozenset(cpus) for number, cpus in enumerate(each)}
    return Pinning(fixed, default=None if default is None else frozenset(default), **others)


@pytest.mark.parametrize(
    ("vcpus", "pinning", "shared", "cpus"),
    [
        pytest.param(2, pins(), 2, set(), id="no pins: all shared"),
        pytest.param(2, pins({4}, {5}), 0, {4, 5}, id="each on a CPU of its own"),
        pytest.param(4, pins({4}, {5}), 2, {4, 5}, id="mixed"),
        pytest.param(2, pins({0}, {1}), 2, set(), id="pinned to shared CPUs: they are shared all the same"),
        pytest.param(2, pins(default={6, 7}), 0, {6, 7}, id="the whole guest on a part of the set"),
        pytest.param(1, pins({4, 5, 6, 7}), 0, {4, 5, 6, 7}, id="one thread that roams takes all that it roams over"),
        pytest.param(2, pins({4}, {4}), 0, {4}, id="two threads on one CPU take one"),
        pytest.param(1, pins({3, 4}), 1, set(), id="a thread that may run elsewhere takes none"),
        pytest.param(1, pins(set()), 1, set(), id="an empty pin is none"),
        pytest.param(1, pins({4}, {5}), 0, {4}, id="a pin of a CPU that the guest has not"),
        pytest.param(
            2, pins({4}, {5}, emulator=frozenset({6})), 0, {4, 5, 6}, id="Nova's isolated emulator has a CPU of its own"
        ),
        pytest.param(2, pins({4}, {5}, emulator=frozenset({4, 5})), 0, {4, 5}, id="Nova's usual emulator has none"),
        pytest.param(1, pins({4}, io_threads=(frozenset({7}),)), 0, {4, 7}, id="an I/O thread"),
        pytest.param(2, pins({0}, {1}, default={6, 7}), 2, {6, 7}, id="only the emulator is left on the default"),
        pytest.param(0, pins({4}), 0, set(), id="an unknown number of CPUs"),
    ],
)
def test_a_guest_has_to_itself_what_its_threads_are_confined_to(
    vcpus: int, pinning: Pinning, shared: int, cpus: set[int]
) -> None:
    assert share(vcpus, pinning, DEDICATED) == Share(shared, frozenset(cpus))


CPUS = st.frozensets(st.integers(0, 9), max_size=4)
PINNINGS = st.builds(
    Pinning,
    vcpus=st.dictionaries(st.integers(0, 5), CPUS),
    emulator=st.none() | CPUS,
    io_threads=st.lists(CPUS, max_size=2).map(tuple),
    default=st.none() | CPUS,
)


@given(st.integers(0, 6), PINNINGS, CPUS)
def test_whatever_the_pins_nothing_outside_the_set_is_taken(
    vcpus: int, pinning: Pinning, dedicated: frozenset[int]
) -> None:
    taken = share(vcpus, pinning, dedicated)
    assert taken.cpus <= dedicated
    assert 0 <= taken.vcpus <= vcpus


@given(st.integers(0, 6), PINNINGS)
def test_without_a_dedicated_set_every_cpu_is_shared(vcpus: int, pinning: Pinning) -> None:
    assert share(vcpus, pinning, frozenset()) == Share(vcpus, frozenset())


def domain(inner: str) -> Domain:
    return read_domain(f"<domain>{inner}</domain>")


LAST = Guest(
    uuid=uuid_of(1),
    name="guest",
    state=GuestState.RUNNING,
    vcpus=2,
    memory_mib=64,
    disk_mib=0,
    pcpus=2,
    pinned_cpus="4-5",
    cells=(1,),
    page_size_kib=2048,
    pci_addresses=("0000:0a:00.1",),
    mdev_uuids=(uuid_of(9),),
)
HELD = {
    "vcpus": 2,
    "pcpus": 2,
    "pinned_cpus": "4-5",
    "cells": (1,),
    "page_size_kib": 2048,
    "pci_addresses": ("0000:0a:00.1",),
    "mdev_uuids": (uuid_of(9),),
}


def test_while_the_xml_cannot_be_had_everything_is_held_as_before() -> None:
    assert holdings(4, None, LAST, GROUND).fields == HELD
    assert holdings(0, None, LAST, GROUND).fields == HELD


def test_a_guest_that_never_could_be_asked_holds_its_cpus_and_counts_as_one_at_least() -> None:
    assert holdings(4, None, None, GROUND).fields == {"vcpus": 4}
    assert holdings(0, None, None, GROUND).fields == {"vcpus": 1}


def test_only_the_part_that_cannot_be_understood_is_as_before_and_it_is_named() -> None:
    broken = domain("<cputune><vcpupin vcpu='0' cpuset='4-'/></cputune><numatune><memory nodeset='0'/></numatune>")
    held = holdings(4, broken, LAST, GROUND)
    assert held.fields == HELD | {"cells": (0,), "page_size_kib": 0, "pci_addresses": (), "mdev_uuids": ()}
    assert list(held.unknown) == ["pinnedCPUs"]


@pytest.mark.parametrize(
    ("pages", "kib"),
    [
        ("", 0),
        ("<hugepages/>", 2048),
        ("<hugepages><page size='1' unit='GiB'/></hugepages>", 1048576),
        ("<hugepages><page size='2048'/><page size='1048576' nodeset='1'/></hugepages>", 1048576),
        ("<hugepages><page size='4'/></hugepages>", 0),
    ],
)
def test_the_page_size_is_that_of_the_largest_huge_pages(pages: str, kib: int) -> None:
    assert holdings(1, domain(f"<memoryBacking>{pages}</memoryBacking>"), None, GROUND).fields["page_size_kib"] == kib


def test_on_a_host_of_large_ordinary_pages_these_are_not_huge() -> None:
    asked = domain("<memoryBacking><hugepages><page size='64'/></hugepages></memoryBacking>")
    assert holdings(1, asked, None, Ground(ordinary_page_kib=64)).fields["page_size_kib"] == 0


def test_an_unreadable_page_size_is_unread() -> None:
    asked = domain("<memoryBacking><hugepages><page size='x'/></hugepages></memoryBacking>")
    assert isinstance(asked.pages, Unread)
    assert "pageSizeKiB" in holdings(1, asked, None, GROUND).unknown
