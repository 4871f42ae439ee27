"""Moves between two real libvirtds, followed from outside: claim by claim, in every version that was ever stored."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from devhost import HostError
from devhost.guest import Size
from tests.e2e.pair import Guest, Pair, Side, running_pair, size_of
from tests.support.fleet import find_condition
from tests.support.story import NOTHING, Story

pytestmark = pytest.mark.timeout(400)

BALLAST = 90
"""MiB to copy: at one a second longer than anything that is waited for meanwhile."""
GROWN = Size(vcpus=2, memory_mib=64, disk_mib=8)


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with running_pair(tmp_path_factory.mktemp("moves")) as running:
        yield running


@pytest.fixture
def pair(_shared: Pair) -> Iterator[Pair]:
    yield _shared
    _shared.clear()


def _assert_accounted_once(story: Story, home: Side, other: Side, size: Size) -> None:
    """What is left of a move: one claim, of the right size, where the guest is."""
    last = story.moments[-1]
    assert last.home == home.name
    assert last.phase == ""
    assert last.ends[home.name].roles == {"Running"}
    assert last.ends[home.name].charge == size_of(size) == last.size
    assert last.ends[other.name].roles == set()
    assert last.ends[other.name].charge == NOTHING


def _assert_moved(story: Story, source: Side, target: Side, guest: Guest, spec: Size | None = None) -> None:
    """Charged at the target from the claim there on; at the source until it was proven that the guest is gone."""
    claimed, size = story.first(target.name, "Incoming"), size_of(spec or guest.spec)
    story.assert_home_always_charged()
    story.assert_charged(target.name, size, since=claimed, until=story.last_version)
    story.assert_charged_until_gone(source.name, guest.size)
    assert claimed < story.released(source.name)
    assert story.homes() == [source.name, target.name]
    _assert_accounted_once(story, target, source, spec or guest.spec)


def _assert_stayed(story: Story, home: Side, other: Side, guest: Guest) -> None:
    """Charged at its home throughout; at the other end until it was proven that the guest is not there."""
    story.assert_home_always_charged()
    story.assert_charged(home.name, guest.size, since=story.first(home.name, "Running"), until=story.last_version)
    story.assert_charged_until_gone(other.name, guest.size)
    _assert_accounted_once(story, home, other, guest.spec)


@contextmanager
def _slow_migration(pair: Pair, guest: Guest) -> Iterator[list[str]]:
    """From the first host to the second, slow enough to be looked at. Over after the block, with libvirt's refusal."""
    refusals: list[str] = []

    def migrate() -> None:
        try:
            pair.first.host.migrate(guest.name, pair.second.host, bandwidth_mib=1, timeout=180)
        except HostError as error:
            refusals.append(str(error))

    stream = Thread(target=migrate)
    stream.start()
    try:
        yield refusals
    finally:
        stream.join(180)


def test_a_live_migration_is_charged_at_both_ends_until_the_source_has_proven_that_it_let_go(pair: Pair) -> None:
    guest = pair.place(pair.first, ballast_mib=BALLAST)
    move = pair.begin("Live", guest, pair.second)
    with _slow_migration(pair, guest) as refusals:
        pair.wait_for_charge(guest, pair.second)
        pair.first.host.virsh("migrate-setspeed", guest.name, "1000")
    assert refusals == []
    story = pair.end(guest, move)
    _assert_moved(story, pair.first, pair.second, guest)
    assert story.roles("hv1") == [set(), {"Running"}, {"Leaving"}, set()]
    assert story.roles("hv2") == [set(), {"Incoming"}, {"Running"}]
    assert [m for m in story.moments if m.ends["hv1"].listed and m.ends["hv2"].listed], "seen at both ends on the way"
    assert [text for text in story.complaints("hv2") if guest.uuid in text] == []


def test_a_live_migration_that_breaks_off_and_is_cancelled_leaves_the_guest_where_it_was(pair: Pair) -> None:
    guest = pair.place(pair.first, ballast_mib=BALLAST)
    move = pair.begin("Live", guest, pair.second)
    with _slow_migration(pair, guest) as refusals:
        pair.wait_for_charge(guest, pair.second)
        pair.wait_for_proof(guest, pair.second)
        pair.first.host.virsh("domjobabort", guest.name)
    assert len(refusals) == 1
    pair.decide(move, "Cancelled")
    story = pair.end(guest, move)
    _assert_stayed(story, pair.first, pair.second, guest)
    assert story.homes() == ["hv1"]
    assert story.roles("hv1") == [set(), {"Running"}]
    assert story.roles("hv2") == [set(), {"Incoming"}, {"Leaving"}, set()]


def test_a_live_migration_that_nobody_declared_is_followed(pair: Pair) -> None:
    guest = pair.place(pair.first, ballast_mib=BALLAST)
    with _slow_migration(pair, guest) as refusals:
        pair.wait_for_charge(guest, pair.second)
        pair.first.host.virsh("migrate-setspeed", guest.name, "1000")
    assert refusals == []
    pair.wait_for_home(guest, pair.second)
    story = pair.end(guest)
    _assert_moved(story, pair.first, pair.second, guest)
    seen = next(m.version for m in story.moments if m.ends["hv2"].charge != NOTHING)
    assert seen <= story.first("hv2", "Incoming"), "what runs is charged, held or not"
    story.assert_charged("hv2", guest.size, since=seen, until=story.last_version)
    assert story.roles("hv1") == [set(), {"Running"}, {"Leaving"}, set()]
    assert story.roles("hv2") == [set(), {"Incoming"}, {"Running"}]


def _carry(pair: Pair, guest: Guest, spec: Size) -> None:
    """A cold move as tools make it: off at the source, where it stays defined for a way back; on at the target."""
    pair.first.host.destroy_guest(guest.name)
    pair.second.host.start_guest(guest.name, uuid=guest.uuid, **spec)


def test_a_cold_move_holds_the_source_until_it_is_confirmed_and_the_guest_is_forgotten_there(pair: Pair) -> None:
    guest = pair.place(pair.first)
    move = pair.begin("Cold", guest, pair.second)
    _carry(pair, guest, guest.spec)
    pair.wait_for_phase(guest, "Moved")
    pair.first.host.undefine(guest.name)
    undecided = pair.now()
    pair.decide(move, "Confirmed")
    story = pair.end(guest, move)
    _assert_moved(story, pair.first, pair.second, guest)
    assert undecided < story.first("hv1", "Leaving")
    assert story.roles("hv1") == [set(), {"Running"}, {"ReservedForRevert"}, {"Leaving"}, set()]
    assert story.roles("hv2") == [set(), {"Incoming"}, {"Running"}]


def test_a_cold_move_that_is_reverted_finds_its_room_kept_and_frees_the_target_with_proof(pair: Pair) -> None:
    guest = pair.place(pair.first)
    move = pair.begin("Cold", guest, pair.second)
    _carry(pair, guest, guest.spec)
    pair.wait_for_phase(guest, "Moved")
    pair.second.host.destroy_guest(guest.name)
    pair.second.host.undefine(guest.name)
    pair.first.host.virsh("start", guest.name)
    undecided = pair.now()
    pair.decide(move, "Reverted")
    story = pair.end(guest, move)
    _assert_stayed(story, pair.first, pair.second, guest)
    assert undecided < story.first("hv2", "Leaving")
    assert story.homes() == ["hv1", "hv2", "hv1"]
    assert story.roles("hv1") == [set(), {"Running"}, {"ReservedForRevert"}, {"Running"}]
    assert story.roles("hv2") == [set(), {"Incoming"}, {"Running"}, {"Leaving"}, set()]


def test_a_resize_to_another_host_is_charged_the_new_size_there_and_the_old_one_here(pair: Pair) -> None:
    guest = pair.place(pair.first)
    move = pair.begin("Resize", guest, pair.second, GROWN)
    _carry(pair, guest, GROWN)
    pair.wait_for_phase(guest, "Moved")
    pair.first.host.undefine(guest.name)
    undecided = pair.now()
    pair.decide(move, "Confirmed")
    story = pair.end(guest, move)
    _assert_moved(story, pair.first, pair.second, guest, GROWN)
    assert undecided < story.first("hv1", "Leaving")
    assert story.roles("hv1") == [set(), {"Running"}, {"ReservedForRevert"}, {"Leaving"}, set()]
    assert story.roles("hv2") == [set(), {"Incoming"}, {"Running"}]


def test_a_resize_on_the_same_host_holds_both_sizes_until_it_is_confirmed(pair: Pair) -> None:
    guest = pair.place(pair.first)
    move = pair.begin("Resize", guest, pair.first, GROWN)
    both = {key: guest.size[key] + size_of(GROWN)[key] for key in guest.size}
    pair.first.host.destroy_guest(guest.name)
    pair.first.host.start_guest(guest.name, uuid=guest.uuid, **GROWN)
    pair.wait_for_phase(guest, "Moved")
    moved = pair.now()
    pair.decide(move, "Confirmed")
    story = pair.end(guest, move)
    story.assert_home_always_charged()
    story.assert_charged("hv1", both, since=story.first("hv1", "Incoming"), until=moved)
    story.assert_released_with_proof("hv1")
    assert story.roles("hv1") == [
        set(), {"Running"}, {"Running", "Incoming"}, {"Running", "ReservedForRevert"}, {"Running", "Leaving"},
        {"Running"},
    ]  # fmt: skip
    assert story.roles("hv2") == [set()]
    _assert_accounted_once(story, pair.first, pair.second, GROWN)


def test_the_guest_of_a_dead_host_is_charged_there_until_the_host_is_back_and_the_guest_gone(pair: Pair) -> None:
    guest = pair.place(pair.first)
    disk = pair.first.host.images / f"{guest.uuid}.img"
    disk.write_bytes(b"what the guest has written".ljust(disk.stat().st_size, b"\0"))
    pair.first.host.power_off()
    pair.first.agent.end(signal.SIGKILL)
    pair.until(lambda: _ready(pair, pair.first) == "Unknown", "the dead host to be no longer Ready")
    move = pair.begin("Evacuation", guest, pair.second)
    pair.second.host.start_guest(guest.name, uuid=guest.uuid, **guest.spec)
    assert disk.read_bytes().startswith(b"what the guest has written")
    pair.wait_for_home(guest, pair.second)
    pair.wait_for_roles(guest, pair.first, "Leaving")
    dead = pair.now()
    pair.first.host.restart()
    pair.first.agent.start()
    pair.wait_until_listed(guest, pair.first, "Shutoff")
    pair.until(lambda: _ready(pair, pair.first) == "True", "the host that is back to be Ready")
    pair.first.host.undefine(guest.name)
    story = pair.end(guest, move)
    _assert_moved(story, pair.first, pair.second, guest)
    assert dead < story.released("hv1"), "nothing is proven by a host that is dead"
    assert story.roles("hv1") == [set(), {"Running"}, {"Leaving"}, set()]
    assert story.roles("hv2") == [set(), {"Incoming"}, {"Running"}]


def _ready(pair: Pair, side: Side) -> str:
    return str(find_condition(pair.node(side), "Ready").get("status", ""))
