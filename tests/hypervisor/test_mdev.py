"""Mediated devices: what each parent can still make, and what exists."""

from hypothesis import given
from hypothesis import strategies as st

from hypertally.api.inventory import MdevType
from hypertally.hypervisor.mdev import mdev_types
from hypertally.hypervisor.node_devices import MdevKind, MediatedDevice, NodeDevice, UnreadDevice
from tests.support.devices import function, node_name

GPU = "0000:06:00.0"
ONE, OTHER = "4b20d080-1b54-4048-85b3-a6a62d165c01", "5b20d080-1b54-4048-85b3-a6a62d165c01"


def gpu(*kinds: MdevKind, address: str = GPU) -> NodeDevice:
    return function(address, "0ff3", "10de", mdev_kinds=kinds or (MdevKind("nvidia-11", "GRID M60-0B", 15),))


def mdev(uuid: str = ONE, type_: str = "nvidia-11", parent: str = GPU) -> MediatedDevice:
    return MediatedDevice(f"mdev_{uuid.replace('-', '_')}", node_name(parent), uuid, type_)


def type_(available: int = 15, *instances: str, name: str = "GRID M60-0B", type_id: str = "nvidia-11") -> MdevType:
    return MdevType(parent_address=GPU, type=type_id, name=name, available=available, instances=instances)


def test_a_type_has_what_is_left_and_what_exists() -> None:
    assert mdev_types([mdev(OTHER), gpu(), mdev()], ()) == (type_(15, ONE, OTHER),)


def test_types_are_sorted_by_parent_and_type() -> None:
    kinds = (MdevKind("b", "", 1), MdevKind("a", "", 2))
    found = mdev_types([gpu(*kinds), gpu(*kinds, address="0000:05:00.0")], ())
    assert [(each.parent_address, each.type) for each in found] == [
        ("0000:05:00.0", "a"),
        ("0000:05:00.0", "b"),
        (GPU, "a"),
        (GPU, "b"),
    ]


def test_a_device_of_a_type_that_its_parent_no_longer_offers_stays_listed() -> None:
    assert mdev_types([gpu(), mdev(type_="old")], ()) == (type_(), type_(0, ONE, name="", type_id="old"))


def test_a_device_on_another_bus_is_left_out() -> None:
    assert mdev_types([MediatedDevice("mdev_x", "css_0_0_0052", ONE, "vfio_ccw-io")], ()) == ()


def test_what_is_gone_is_gone() -> None:
    assert mdev_types([gpu()], (type_(14, ONE),)) == (type_(),)
    assert mdev_types([], (type_(14, ONE),)) == ()


def test_what_cannot_be_read_stays_as_it_was() -> None:
    last = (type_(14, ONE),)
    assert mdev_types([UnreadDevice(node_name(GPU), "?"), mdev()], last) == last
    assert mdev_types([gpu(), UnreadDevice(mdev().name, "?")], last) == (type_(15, ONE),)


def test_a_parent_that_cannot_be_read_stays_whole_though_one_of_its_devices_cannot_be_read_either() -> None:
    last = (type_(13, ONE, OTHER),)
    assert mdev_types([UnreadDevice(node_name(GPU), "?"), UnreadDevice(mdev().name, "?"), mdev(OTHER)], last) == last


@given(st.permutations([gpu(), mdev(), mdev(OTHER), function()]))
def test_order_does_not_matter(devices: list[NodeDevice]) -> None:
    assert mdev_types(devices, ()) == (type_(15, ONE, OTHER),)
