"""Node devices are asked for once, and again only for a reason."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.hypervisor.errors import CallFailed
from hypertally.hypervisor.known_devices import ASKED_AGAIN, KnownDevices
from hypertally.hypervisor.node_devices import MediatedDevice, NodeDevice, OtherDevice, UnreadDevice

GPU, MDEV = "pci_0000_06_00_0", "mdev_1"


@dataclass
class Host:
    """What libvirt would say, and what it was asked."""

    devices: dict[str, NodeDevice] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    known: KnownDevices = field(default_factory=KnownDevices)
    while_listing: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.known.trust(True)

    def add(self, *names: str) -> None:
        self.devices |= {name: OtherDevice(name) for name in names}

    def add_mdev(self, name: str = MDEV) -> None:
        self.devices[name] = MediatedDevice(name, GPU, "uuid", "type")

    def lose(self, name: str) -> None:
        del self.devices[name]

    def look(self) -> tuple[str, ...]:
        """What was asked for."""
        self.asked.clear()
        self.seen = self.known.look(self._listed, str, self._read)
        return tuple(self.asked)

    def settle(self) -> None:
        """Until all that is asked for is the share of an audit."""
        self.look()
        self.look()

    def _listed(self) -> list[str]:
        names = list(self.devices)
        self.while_listing()
        return names

    def _read(self, name: str) -> NodeDevice | None:
        self.asked.append(name)
        return self.devices.get(name)


@pytest.fixture
def host() -> Host:
    return Host()


def many(host: Host, count: int = 40) -> None:
    host.add(*(f"pci_{number:02}" for number in range(count)))


def test_the_first_look_asks_for_all_in_order(host: Host) -> None:
    host.add("b", "a")
    assert host.look() == ("a", "b")
    assert [device.name for device in host.seen] == ["a", "b"]


def test_each_further_look_asks_for_a_few_and_for_all_in_turn(host: Host) -> None:
    many(host)
    host.look()
    asked = [host.look() for _ in range(40 // ASKED_AGAIN)]
    assert {len(each) for each in asked} == {ASKED_AGAIN}
    assert sorted(name for each in asked for name in each) == sorted(host.devices)
    assert len(host.seen) == 40


def test_the_number_of_questions_does_not_grow_with_the_number_of_devices(host: Host) -> None:
    counts = []
    for count in (10, 100, 1000):
        many(host, count)
        host.settle()
        counts.append(len(host.look()))
    assert counts == [ASKED_AGAIN] * 3


def test_a_device_that_comes_is_asked_for_and_one_that_goes_is_gone(host: Host) -> None:
    many(host)
    host.settle()
    host.add("pci_99")
    del host.devices["pci_30"]
    assert "pci_99" in host.look()
    assert {device.name for device in host.seen} == set(host.devices)


def test_an_event_makes_a_device_be_asked_for(host: Host) -> None:
    many(host)
    host.settle()
    host.known.forget("pci_30")
    assert "pci_30" in host.look()
    assert "pci_30" not in host.look()


def test_an_event_while_devices_are_being_asked_for_counts_at_the_next_look(host: Host) -> None:
    many(host)
    host.settle()
    host.while_listing = lambda: host.known.forget("pci_30")
    host.look()
    host.while_listing = lambda: None
    assert "pci_30" in host.look()


@pytest.mark.parametrize("told", [True, False])
def test_a_mediated_device_that_comes_or_goes_makes_its_parent_be_asked_for(host: Host, told: bool) -> None:
    """What the parent has left changes without an event of its own; a missed event of the device is no excuse."""
    host.add(GPU)
    many(host)
    host.settle()
    host.settle()
    host.add_mdev()
    if told:
        host.known.forget(MDEV)
    assert {MDEV, GPU} <= set(host.look())
    for _ in range(3):
        host.look()
    del host.devices[MDEV]
    if told:
        host.known.forget(MDEV)
    assert GPU in host.look()


def test_a_device_that_could_not_be_read_is_asked_for_again(host: Host) -> None:
    many(host)
    host.devices["pci_30"] = UnreadDevice("pci_30", "busy")
    host.settle()
    assert host.devices["pci_30"] in host.seen
    host.add("pci_30")
    assert "pci_30" in host.look()
    assert host.devices["pci_30"] in host.seen


def test_a_device_that_vanishes_between_two_questions_is_left_out(host: Host) -> None:
    host.add("a", "b")
    host.while_listing = lambda: host.lose("b")
    host.look()
    assert [device.name for device in host.seen] == ["a"]


def test_without_events_nothing_is_kept(host: Host) -> None:
    host.known.trust(False)
    many(host)
    host.look()
    assert len(host.look()) == 40


def test_a_new_watch_begins_empty(host: Host) -> None:
    many(host)
    host.settle()
    host.known.trust(True)
    assert len(host.look()) == 40


def test_a_list_that_fails_loses_no_event(host: Host) -> None:
    many(host)
    host.settle()
    host.known.forget("pci_30")

    def fail() -> None:
        raise CallFailed("no")

    host.while_listing = fail
    with pytest.raises(CallFailed):
        host.look()
    host.while_listing = lambda: None
    assert "pci_30" in host.look()


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["come", "go", "change"]), st.booleans())))
def test_whatever_comes_and_goes_what_is_seen_is_what_is_there(steps: list[tuple[str, str, bool]]) -> None:
    host = Host()
    for number, (name, what, looks) in enumerate(steps):
        if what == "go":
            host.devices.pop(name, None)
        else:
            host.devices[name] = OtherDevice(name, str(number))
        host.known.forget(name)
        if looks:
            host.look()
            assert host.seen == tuple(host.devices[each] for each in sorted(host.devices))
