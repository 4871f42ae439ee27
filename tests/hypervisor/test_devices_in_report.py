"""From snapshot to report: guests that hold devices, and devices that vanish under them."""

from pathlib import Path
from typing import Any

import pytest

from hypertally.api.compute_node import ReportContent
from hypertally.api.inventory import PciDevice, PciType
from hypertally.hypervisor.audit import audit
from hypertally.hypervisor.connection import Connection
from hypertally.hypervisor.device_spec import device_spec
from hypertally.hypervisor.facts import Absent, GuestFacts, Unread
from hypertally.hypervisor.node_devices import MdevKind, MediatedDevice, NetworkInterface, NodeDevice, Vdpa
from hypertally.hypervisor.report import Audit, report
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.spec import parse_connection
from tests.support.devices import PF, VF1, VF2, card, function, node_name, physical_function, virtual_function
from tests.support.snapshots import guest, snapshot

OFFERED = AuditSettings(device_spec=(device_spec({"vendor_id": "8086"}),))

HOSTDEV = """<hostdev mode='subsystem' type='pci' managed='yes'><source>
<address domain='0x0000' bus='0x04' slot='{slot}' function='0x7'/></source></hostdev>"""
USES_VF1, USES_VF2 = HOSTDEV.format(slot="0x10"), HOSTDEV.format(slot="0x11")
USES_VDPA = "<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>"


def with_devices(devices: str, number: int = 1) -> GuestFacts:
    return guest(number, document=f"<domain><vcpu>1</vcpu><memory>1024</memory><devices>{devices}</devices></domain>")


def look(
    devices: tuple[NodeDevice, ...] | Unread, *guests: GuestFacts, last: ReportContent | None = None, **changed: Any
) -> Audit:
    settings = changed.pop("settings", OFFERED)
    return report(snapshot(node_devices=devices, settings=settings, **{"guests": guests, **changed}), last)


def pools(content: ReportContent) -> dict[PciType, list[tuple[str, bool]]]:
    return {pool.type: [(device.address, device.missing) for device in pool.devices] for pool in content.pci_pools}


def test_p14_p15_a_vf_that_vanishes_under_its_guest_is_missing_until_the_guest_lets_go() -> None:
    first = look(card(), with_devices(USES_VF1))
    assert first.content.guests[0].pci_addresses == (VF1,)
    lost = (physical_function(), virtual_function(VF2))
    second = look(lost, with_devices(USES_VF1), last=first.content)
    assert pools(second.content) == {PciType.VF: [(VF1, True), (VF2, False)], PciType.PF: [(PF, False)]}
    third = look(lost, with_devices(""), last=second.content)
    assert pools(third.content) == {PciType.VF: [(VF2, False)], PciType.PF: [(PF, False)]}
    assert [audit.problems for audit in (first, second, third)] == [(), (), ()]


def test_a_guest_that_is_off_holds_its_devices_too() -> None:
    first = look(card(), with_devices(USES_VF1)).content
    off = GuestFacts(**{**vars(with_devices(USES_VF1)), "active": False})
    assert pools(look((physical_function(),), off, last=first).content)[PciType.VF] == [(VF1, True)]


def test_while_nobody_knows_the_guests_no_device_goes() -> None:
    first = look(card(), with_devices(USES_VF2)).content
    blind = look((physical_function(),), last=first, guests=Unread("busy"))
    assert pools(blind.content)[PciType.VF] == [(VF1, True), (VF2, True)]


def test_while_nobody_knows_the_devices_all_stay_where_nova_would_report_none() -> None:
    gpu = function("0000:06:00.0", mdev_kinds=(MdevKind("nvidia-11", "M", 1),))
    first = look((*card(), gpu), with_devices(USES_VF1)).content
    blind = look(Unread("busy"), with_devices(USES_VF1), last=first)
    assert blind.content == first
    assert [str(problem) for problem in blind.problems] == ["pciPools: busy", "mdevTypes: busy"]


def test_the_same_devices_in_any_order_are_the_same_report() -> None:
    assert look(tuple(reversed(card()))).content == look(card()).content


def test_a_guest_with_a_vdpa_interface_holds_the_vf_behind_it() -> None:
    vdpa = Vdpa("vdpa_vdpa0", node_name(VF1), "/dev/vhost-vdpa-0")
    first = look((*card(), vdpa), with_devices(USES_VDPA + USES_VF2)).content
    assert first.guests[0].pci_addresses == (VF1, VF2)
    assert pools(first) == {PciType.VDPA: [(VF1, False)], PciType.VF: [(VF2, False)], PciType.PF: [(PF, False)]}
    again = look(card(), with_devices(USES_VDPA + USES_VF2), last=first).content
    assert again.guests[0].pci_addresses == (VF1, VF2)


def test_a_guest_with_a_macvtap_that_nobody_shares_holds_the_vf_below_it() -> None:
    interface = NetworkInterface("net_vf1", node_name(VF1), "ens5f0v1")
    passthrough = "<interface type='direct'><source dev='ens5f0v1' mode='passthrough'/></interface>"
    first = look((*card(), interface), with_devices(passthrough)).content
    assert first.guests[0].pci_addresses == (VF1,)
    unlisted = look(card(), with_devices(passthrough), last=first).content
    assert unlisted.guests[0].pci_addresses == (VF1,)
    elsewhere = NetworkInterface("net_vf1", "computer", "ens5f0v1")
    assert look((*card(), elsewhere), with_devices(passthrough), last=first).content.guests[0].pci_addresses == ()


def test_a_host_without_the_daemon_of_devices_is_complete_if_none_was_offered_or_known() -> None:
    nobody = Absent("Failed to connect socket to '/run/libvirt/virtnodedevd-sock': No such file or directory")
    assert look(nobody, settings=AuditSettings()).problems == ()
    assert {each.part for each in look(nobody).problems} == {"pciPools", "mdevTypes"}
    known = look((function("0000:06:00.0", mdev_kinds=(MdevKind("nvidia-11", "M", 1),)),), settings=AuditSettings())
    again = look(nobody, settings=AuditSettings(), last=known.content)
    assert again.content.mdev_types == known.content.mdev_types
    assert {each.part for each in again.problems} == {"mdevTypes"}


def test_an_mdev_that_a_guest_holds_is_told_by_its_uuid_on_both_sides() -> None:
    uuid = "4b20d080-1b54-4048-85b3-a6a62d165c01"
    gpu = function("0000:06:00.0", mdev_kinds=(MdevKind("nvidia-11", "M", 1),))
    held = f"<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='{uuid}'/></source></hostdev>"
    content = look((gpu, MediatedDevice("mdev", gpu.name, uuid, "nvidia-11")), with_devices(held)).content
    assert content.mdev_types[0].instances == content.guests[0].mdev_uuids == (uuid,)


def test_libvirts_own_parser_a_guest_and_the_vf_that_it_holds(tmp_path: Path) -> None:
    described = (Path(__file__).parent / "recordings" / "sriov-host.xml").read_text()
    domain = f"""<domain type='test'><name>g</name><uuid>11111111-1111-4111-8111-111111111111</uuid>
    <memory>131072</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices>{USES_VF1}</devices></domain>"""
    (tmp_path / "host.xml").write_text(described.replace("</node>", f"{domain}</node>"))
    connection = Connection.open(parse_connection(f"test://{tmp_path}/host.xml"))
    told = AuditSettings(
        instances_path=tmp_path, host_ip="192.0.2.7", device_spec=(device_spec({"address": PF, "trusted": "yes"}),)
    )
    content = audit(connection, told).content
    assert content.guests[0].pci_addresses == (VF1,)
    (virtual, physical) = content.pci_pools
    assert virtual.devices == tuple(PciDevice(address=each, parent_address=PF) for each in (VF1, VF2))
    assert (virtual.tags, physical.type) == ({"remote_managed": "false", "trusted": "true"}, PciType.PF)
    assert audit(connection, told, content).content == content


@pytest.mark.parametrize("count", [1, 300])
def test_the_number_of_guests_changes_nothing_about_the_devices(count: int) -> None:
    guests = [with_devices(USES_VF1 if number == 1 else "", number) for number in range(1, count + 1)]
    assert look(card(), *guests).content.pci_pools == look(card()).content.pci_pools
