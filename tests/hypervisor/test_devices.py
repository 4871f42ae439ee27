"""Devices of whole hosts: one that libvirt's own parser reads from a description, and this machine."""

import queue
from dataclasses import dataclass
from pathlib import Path

import libvirt
import pytest

from devhost import Host
from hypertally.api.inventory import MdevType, PciDevice, PciPool, PciType
from hypertally.hypervisor.connection import Connection, KeepAlive
from hypertally.hypervisor.device_spec import device_spec
from hypertally.hypervisor.devices import SeenDevices, see_devices
from hypertally.hypervisor.events import start_event_loop, watch
from hypertally.hypervisor.facts import Part, Problem, Unread
from hypertally.hypervisor.known_devices import ASKED_AGAIN
from hypertally.hypervisor.node_devices import NodeDevice, OtherDevice, PciFunction, UnreadDevice
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.snapshot import take_snapshot
from hypertally.hypervisor.spec import parse_connection
from tests.support.devices import PF, VF1, VF2, card, node_name, pool
from tests.support.snapshots import snapshot

SRIOV = f"test://{Path(__file__).parent}/recordings/sriov-host.xml"
MDEV = "4b20d080-1b54-4048-85b3-a6a62d165c01"
SECONDS = 10.0


def settings(*entries: object) -> AuditSettings:
    return AuditSettings(host_ip="192.0.2.7", device_spec=tuple(map(device_spec, entries)))


def devices(connection: Connection, told: AuditSettings) -> tuple[NodeDevice, ...]:
    found = take_snapshot(connection, told).node_devices
    assert isinstance(found, tuple)
    return found


@dataclass
class Seen:
    """What came of a look, its parts known to be read."""

    whole: SeenDevices

    @property
    def pools(self) -> tuple[PciPool, ...]:
        assert not isinstance(self.whole.pools.value, Unread)
        return self.whole.pools.value

    @property
    def types(self) -> tuple[MdevType, ...]:
        assert not isinstance(self.whole.mdev_types.value, Unread)
        return self.whole.mdev_types.value


def see(
    found: tuple[NodeDevice, ...] | Unread | None,
    *entries: object,
    used: tuple[str, ...] = (),
    last: Seen | None = None,
) -> Seen:
    told = snapshot(node_devices=found, settings=settings(*entries))
    seen = see_devices(told, used, last.pools if last else (), last.types if last else ())
    return Seen(seen)


def look(uri: str, *entries: object) -> Seen:
    return see(devices(Connection.open(parse_connection(uri)), settings(*entries)), *entries)


def addresses(seen: Seen) -> list[tuple[str, str, str, int | None, list[str]]]:
    return [
        (one.vendor_id, one.product_id, one.type.value, one.numa_cell, [device.address for device in one.devices])
        for one in seen.pools
    ]


def test_p1_p23_a_described_host_has_its_pools_as_in_nova() -> None:
    seen = look(SRIOV, {})
    assert addresses(seen) == [
        ("10de", "0ff3", "PCI", 0, ["0000:06:00.0"]),
        ("15b3", "101e", "VF", 1, ["0000:82:00.3"]),
        ("15b3", "a2d6", "PF", 1, ["0000:82:00.0"]),
        ("8086", "0443", "PCI", None, ["0000:0a:00.5"]),
        ("8086", "1520", "VF", 0, [VF1, VF2]),
        ("8086", "1521", "PF", 0, [PF]),
        ("8086", "1521", "PF", 1, ["0000:81:00.0"]),
    ]
    assert seen.whole.mdev_types.problems == ()
    assert seen.whole.remarks == ("devices at addresses that no guest can be given are left out: pci_10000_00_02_0",)


def test_p33_an_interface_of_a_described_host_means_its_card() -> None:
    tags = {"physical_network": "physnet1", "remote_managed": "false"}
    seen = look(SRIOV, {"devname": "enp4s0f3", "physical_network": "physnet1"})
    assert seen.pools == (
        pool(VF1, VF2, tags=tags),
        pool(PciDevice(address=PF), product="1521", type_=PciType.PF, tags=tags),
    )


def test_a_vf_of_a_described_dpu_has_its_pfs_serial_number() -> None:
    seen = look(SRIOV, {"vendor_id": "15b3", "remote_managed": "true"})
    assert addresses(seen) == [("15b3", "101e", "VF", 1, ["0000:82:00.3"])]
    assert look(SRIOV, {"vendor_id": "8086", "remote_managed": "true"}).pools == ()


def test_mediated_devices_of_a_described_host_need_no_allow_list() -> None:
    seen = look(SRIOV)
    assert seen.pools == ()
    assert seen.types == (
        MdevType(parent_address="0000:06:00.0", type="nvidia-11", name="GRID M60-0B", available=15, instances=(MDEV,)),
        MdevType(parent_address="0000:06:00.0", type="nvidia-12", name="GRID M60-0Q", available=0),
    )


def test_a_watched_host_is_asked_for_its_list_and_a_few_devices(host: Host) -> None:
    start_event_loop()
    connection, told = Connection.open(parse_connection(host.uri)), settings({})
    watched = watch(connection, lambda _: None, lambda: None)
    first = devices(connection, told)
    counts = []
    for _ in range(2):
        before = connection.calls
        assert devices(connection, told) == first
        counts.append(connection.calls - before)
    connection.known_devices.trust(True)
    before = connection.calls
    assert devices(connection, told) == first
    assert counts == [connection.calls - before - len(first) + ASKED_AGAIN] * 2
    watched.stop()
    connection.close()


def test_devices_of_this_machine_are_those_that_virsh_lists(host: Host) -> None:
    listed = host.virsh("nodedev-list", "--cap", "pci").split()
    if not listed:
        pytest.fail("this machine has no PCI device; run the tests on one that has (any virtual machine, any server)")
    connection = Connection.open(parse_connection(host.uri))
    found = devices(connection, settings({}))
    assert sorted(device.name for device in found if isinstance(device, PciFunction)) == sorted(listed)
    assert [device for device in found if isinstance(device, UnreadDevice)] == []
    offered = see(found, {}).pools
    assert sorted(node_name(device.address) for one in offered for device in one.devices) == sorted(listed)
    connection.close()


def test_an_interface_of_this_machine_means_its_device(host: Host) -> None:
    """The kernel says so itself: an interface's folder leads to its device's, behind virtio's own where that is."""
    parents = {
        folder.name: address
        for folder in sorted(Path("/sys/class/net").iterdir())
        for address in (folder / "device").resolve().parts
        if address.startswith("0000:")
    }
    if not parents:
        pytest.fail("this machine has no network interface on a PCI device; run the tests on one that has")
    interface, address = min(parents.items())
    (one,) = look(host.uri, {"devname": interface}).pools
    assert [device.address for device in one.devices] == [address]


VPORT = """<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>
<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>"""


def test_a_node_device_that_comes_or_goes_wakes_an_audit() -> None:
    """The in-process driver makes no other device than this one; what matters is that libvirt tells of it."""
    start_event_loop()
    connection = Connection.open(parse_connection("test:///default"), KeepAlive())
    changed: queue.Queue[str] = queue.Queue()
    watched = watch(connection, changed.put, lambda: None)
    writable = libvirt.open("test:///default")
    made = writable.nodeDeviceCreateXML(VPORT, 0)
    name = made.name()
    assert changed.get(timeout=SECONDS) == name
    made.destroy()
    assert changed.get(timeout=SECONDS) == name
    watched.stop()
    writable.nodeDeviceCreateXML(VPORT, 0).destroy()
    writable.close()
    connection.close()
    assert changed.empty()


def test_devices_that_cannot_be_listed_are_unread_where_nova_would_report_none() -> None:
    seen = see_devices(snapshot(node_devices=Unread("busy"), settings=settings({})), (), (pool(VF1),), ())
    assert seen == SeenDevices(Part(Unread("busy")), Part(Unread("busy")))


def test_without_an_allow_list_only_mediated_devices_are_unread_then() -> None:
    seen = see_devices(snapshot(node_devices=Unread("busy"), settings=settings()), (VF1,), (pool(VF1, VF2),), ())
    assert seen == SeenDevices(Part((pool(VF1),)), Part(Unread("busy")))


def test_one_device_that_cannot_be_read_is_one_problem() -> None:
    seen = see((*card()[:2], UnreadDevice(node_name(VF2), "busy")), {})
    assert seen.whole.mdev_types.problems == (Problem("device pci_0000_04_11_7", "busy"),)
    assert [len(one.devices) for one in seen.pools] == [1, 1]


def test_a_driver_without_devices_offers_none_and_says_so_if_it_should() -> None:
    assert see(None, {}).whole.remarks == ("device spec: the driver QEMU lists no devices, so none is offered",)
    assert see(None).whole == SeenDevices(Part(()), Part(()))


def test_a_used_device_that_the_allow_list_lost_is_a_remark() -> None:
    seen = see(card(), {"vendor_id": "15b3"}, used=(VF1,), last=see(card(), {}))
    assert seen.whole.remarks == (f"devices that no device spec offers any more stay listed while used: {VF1}",)


def test_a_remark_stays_short_however_many_devices_it_is_about() -> None:
    nameless = tuple(OtherDevice(f"pci_10000_{number:02x}_00_0", "?") for number in range(100))
    (remark,) = see(nameless, {}).whole.remarks
    assert remark.endswith("pci_10000_07_00_0 and 92 more")
