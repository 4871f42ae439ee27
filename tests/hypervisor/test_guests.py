"""Guests: size and state of each, from the bulk record, from XML where it is silent, from what was known before."""

from typing import Any

import pytest

from hypertally.api.compute_node import Guest, GuestState
from hypertally.hypervisor.facts import GuestFacts, Problem, Unread
from hypertally.hypervisor.guests import SeenGuest, Use, is_told_by_xml_only, see_guests
from hypertally.hypervisor.holdings import Ground
from tests.support.snapshots import MIB, as_read, guest, uuid_of


def see(facts: GuestFacts, last: Guest | None = None, *, real_disks: bool = True) -> SeenGuest:
    return see_guests([facts], {last.uuid: last} if last else {}, Ground(real_disks=real_disks))[0]


def known(**changed: int) -> Guest:
    sizes: dict[str, Any] = {"vcpus": 4, "memory_mib": 4096, "disk_mib": 10240, **changed}
    return Guest(uuid=uuid_of(1), name="guest-1", state=GuestState.RUNNING, **sizes)


DISK: dict[str, Any] = {"block__count": 1, "block__0__name": "vda"}


def test_a_size_is_what_the_guest_may_have_and_its_use_what_it_has() -> None:
    seen = see(guest(vcpu__maximum=4, vcpu__current=2, balloon__maximum=8192 * 1024, balloon__current=2048 * 1024))
    assert (seen.guest.vcpus, seen.guest.memory_mib) == (4, 8192)
    assert seen.use == Use(vcpus=2, memory_mib=2048)


def test_a_guest_that_is_off_has_a_size_and_uses_nothing() -> None:
    seen = see(guest(active=False, balloon__maximum=77 * 1024))
    assert (seen.guest.state, seen.guest.memory_mib, seen.use) == (GuestState.SHUTOFF, 77, None)


def test_disks_are_added_up_and_rounded_up_once() -> None:
    facts = guest(
        block__count=2, block__0__name="vda", block__0__capacity=10 * MIB + 1, block__1__name="vdb",
        block__1__capacity=5 * MIB + 1,
    )  # fmt: skip
    assert see(facts).guest.disk_mib == 16


def test_a_part_of_a_mebibyte_of_memory_is_charged_as_a_whole() -> None:
    assert see(guest(balloon__maximum=1025)).guest.memory_mib == 2


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (0, GuestState.UNKNOWN),
        (1, GuestState.RUNNING),
        (2, GuestState.BLOCKED),
        (3, GuestState.PAUSED),
        (4, GuestState.SHUTDOWN),
        (5, GuestState.SHUTOFF),
        (6, GuestState.CRASHED),
        (7, GuestState.PM_SUSPENDED),
        (8, GuestState.UNKNOWN),
        (-1, GuestState.UNKNOWN),
        (None, GuestState.UNKNOWN),
    ],
)
def test_a_state_that_libvirt_adds_later_is_unknown(number: int | None, state: GuestState) -> None:
    assert see(guest(state__state=number)).guest.state is state


def test_an_empty_drive_of_a_running_guest_has_no_size_and_is_no_problem() -> None:
    seen = see(guest(**DISK, block__0__rd__reqs=0))
    assert (seen.guest.disk_mib, seen.problems) == (0, ())


def test_a_disk_whose_file_is_missing_keeps_its_last_known_size_and_is_named() -> None:
    facts = guest(**DISK, block__0__path="/images/gone.qcow2")
    seen = see(facts, known(disk_mib=10240))
    assert seen.guest.disk_mib == 10240
    assert seen.problems == (Problem(f"guest {uuid_of(1)}", "size of disk vda unknown"),)


def test_disks_that_are_known_count_even_if_another_never_was() -> None:
    facts = guest(
        block__count=2, block__0__name="vda", block__0__path="/gone", block__1__name="vdb", block__1__capacity=7 * MIB
    )
    seen = see(facts)
    assert seen.guest.disk_mib == 7
    assert [str(problem) for problem in seen.problems] == [f"guest {uuid_of(1)}: size of disk vda unknown"]


def test_a_last_known_size_is_forgotten_once_all_disks_are_known_again() -> None:
    assert see(guest(**DISK, block__0__capacity=5 * MIB), known(disk_mib=10240)).guest.disk_mib == 5


REST = "pinnedCPUs, cells, pageSizeKiB, pciAddresses and mdevUUIDs"
EMPTY_DRIVE = "<domain><devices><disk device='cdrom'><target dev='vda'/></disk></devices></domain>"
NETWORK_DISK = "<domain><devices><disk type='network'><source/><target dev='vda'/></disk></devices></domain>"


def test_only_a_record_without_sizes_makes_the_xml_their_one_source() -> None:
    assert not is_told_by_xml_only(guest().stats)
    assert not is_told_by_xml_only(guest(active=False, **DISK).stats)
    assert is_told_by_xml_only({"state.state": 1})


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        (EMPTY_DRIVE, []),
        (NETWORK_DISK, []),
        (Unread("timed out"), ["size of disk vda unknown (timed out)", f"{REST} unknown (timed out)"]),
        (
            "<domain>",
            [
                f"{part} unknown (XML cannot be parsed: ParseError: no element found: line 1, column 8)"
                for part in ("size of disk vda", REST)
            ],
        ),
    ],
)
def test_a_guest_that_is_off_with_a_drive_without_a_file(document: str | Unread, problems: list[str]) -> None:
    seen = see(guest(active=False, document=document, **DISK), known())
    assert [problem.reason for problem in seen.problems] == problems
    assert seen.guest.disk_mib == (10240 if problems else 0)


DOCUMENT = """<domain><memory unit='KiB'>8388608</memory><currentMemory unit='KiB'>2097152</currentMemory>
<vcpu current='1'>2</vcpu><devices><disk><source file='/a'/><target dev='vda'/></disk></devices></domain>"""


def bare(document: str | Unread | None) -> GuestFacts:
    """As the test driver and drivers without a bulk call tell it."""
    return GuestFacts(uuid_of(1), "guest-1", active=True, stats={"state.state": 1}, domain=as_read(document))


def test_without_a_bulk_record_the_sizes_come_from_the_xml() -> None:
    seen = see(bare(DOCUMENT), real_disks=False)
    assert (seen.guest.vcpus, seen.guest.memory_mib, seen.use) == (2, 8192, Use(vcpus=1, memory_mib=2048))
    assert seen.problems == ()


def test_without_a_bulk_record_the_size_of_a_real_disk_is_unknown() -> None:
    assert [problem.reason for problem in see(bare(DOCUMENT)).problems] == ["size of disk vda unknown"]


@pytest.mark.parametrize(
    ("memory", "mib"),
    [
        ("<memory>1024</memory>", 1),
        ("<memory unit='MiB'>3</memory>", 3),
        ("<memory unit='GiB'>2</memory>", 2048),
        ("<memory unit='b'>1048577</memory>", 2),
        ("<memory unit='MB'>1</memory>", 1),
    ],
)
def test_the_unit_of_a_memory_size_is_honoured(memory: str, mib: int) -> None:
    assert see(bare(f"<domain>{memory}<vcpu>1</vcpu></domain>")).guest.memory_mib == mib


@pytest.mark.parametrize("text", ["", "-1", "1_000", "four", "٤", "9" * 30, "0"])
def test_a_size_that_is_no_number_is_unknown_and_not_a_crash(text: str) -> None:
    seen = see(bare(f"<domain><memory>{text}</memory><vcpu>{text}</vcpu></domain>"), known())
    assert (seen.guest.vcpus, seen.guest.memory_mib) == (4, 4096)
    assert [problem.reason for problem in seen.problems] == ["vcpus unknown", "memory unknown"]


def test_c12_a_guest_that_never_could_be_asked_counts_as_one_cpu() -> None:
    seen = see(bare(Unread("it crashed")))
    assert seen.use is not None
    assert (seen.guest.vcpus, seen.use.vcpus) == (1, 1)
    assert [problem.reason for problem in seen.problems] == [
        "vcpus unknown (it crashed)",
        "memory unknown (it crashed)",
        "size of disk of any name unknown (it crashed)",
        f"{REST} unknown (it crashed)",
    ]
