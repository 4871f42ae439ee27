"""What libvirt's node device documents say: of real ones, of constructed ones, and of broken ones."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypertally.hypervisor.node_devices import (
    MdevKind,
    MediatedDevice,
    NetworkInterface,
    NodeDevice,
    OtherDevice,
    PciFunction,
    UnreadDevice,
    Vdpa,
    read_node_device,
)
from hypertally.hypervisor.pci_address import PciAddress
from tests.support.devices import PF, VF1, node_name, pci_xml, xml

NUMA = "<numa node='1'/>"
OF_PF = "<capability type='phys_function'><address domain='0x0000' bus='0x04' slot='0x00' function='0x3'/></capability>"
VIRTUAL = "<capability type='virt_functions' maxCount='7'/>"
VPD = "<capability type='vpd'><name>x</name><fields access='readonly'><serial_number>MT1</serial_number></fields>"
MDEVS = """<capability type='mdev_types'>
<type id='nvidia-12'><name>Q</name><deviceAPI>vfio-pci</deviceAPI><availableInstances>3</availableInstances></type>
<type id='nvidia-11'><deviceAPI>vfio-pci</deviceAPI><availableInstances>16</availableInstances></type>
</capability>"""
UUID = "4b20d080-1b54-4048-85b3-a6a62d165c01"
MDEV = f"mdev_{UUID.replace('-', '_')}_0000_06_00_0"


def pci(inner: str = "", **ids: str) -> NodeDevice:
    return read_node_device(node_name(VF1), pci_xml(VF1, inner, **ids))


def test_a_function_is_known_by_address_ids_and_cell() -> None:
    assert pci(NUMA) == PciFunction(
        name="pci_0000_04_10_7", address=PciAddress.parse(VF1), vendor_id="8086", product_id="1520", numa_cell=1
    )


@pytest.mark.parametrize("inner", ["", "<numa/>", "<numa node='-1'/>", "<numa node='x'/>"])
def test_a_cell_that_is_not_told_is_none(inner: str) -> None:
    found = pci(inner)
    assert isinstance(found, PciFunction)
    assert found.numa_cell is None


def test_a_pf_a_vf_and_what_is_neither_are_told_apart() -> None:
    pf, vf, neither = pci(VIRTUAL), pci(OF_PF), pci("<capability type='phys_function'/>")
    assert isinstance(pf, PciFunction)
    assert isinstance(vf, PciFunction)
    assert isinstance(neither, PciFunction)
    assert (pf.has_virtual_functions, pf.physical_function) == (True, None)
    assert (vf.has_virtual_functions, vf.physical_function) == (False, PciAddress.parse(PF))
    assert (neither.has_virtual_functions, neither.physical_function) == (False, None)


def test_the_serial_number_is_the_cards() -> None:
    found = pci(f"{VPD}</capability>")
    assert isinstance(found, PciFunction)
    assert found.serial == "MT1"


def test_types_of_mediated_devices_are_sorted() -> None:
    found = pci(MDEVS)
    assert isinstance(found, PciFunction)
    assert found.mdev_kinds == (MdevKind("nvidia-11", "", 16), MdevKind("nvidia-12", "Q", 3))


def test_what_sits_on_functions_is_known_by_its_parent() -> None:
    net = xml("net_a", "<capability type='net'><interface>eth3</interface></capability>", node_name(PF))
    vdpa = xml("vdpa_a", "<capability type='vdpa'><chardev>/dev/vhost-vdpa-0</chardev></capability>", node_name(VF1))
    assert read_node_device("net_a", net) == NetworkInterface("net_a", node_name(PF), "eth3")
    assert read_node_device("vdpa_a", vdpa) == Vdpa("vdpa_a", node_name(VF1), "/dev/vhost-vdpa-0")


@pytest.mark.parametrize("told", [f"<uuid>{UUID.upper()}</uuid>", ""])
def test_a_mediated_device_has_its_uuid_in_its_document_or_of_old_in_its_name(told: str) -> None:
    document = xml(MDEV, f"<capability type='mdev'><type id='nvidia-11'/>{told}</capability>", "pci_0000_06_00_0")
    assert read_node_device(MDEV, document) == MediatedDevice(MDEV, "pci_0000_06_00_0", UUID, "nvidia-11")


def test_a_device_that_cannot_be_named_is_left_out_with_the_reason() -> None:
    vmd = pci_xml(PF).replace("<domain>0</domain>", "<domain>65536</domain>")
    found = read_node_device("pci_10000_04_00_3", vmd)
    assert found == OtherDevice("pci_10000_04_00_3", "PCI domain 10000 is out of bounds; allowed are 0 to ffff")


def test_other_devices_are_remembered_as_such() -> None:
    assert read_node_device("usb", xml("usb", "<capability type='usb'/>")) == OtherDevice("usb")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "XML cannot be parsed"),
        ("<device>", "XML cannot be parsed"),
        (pci_xml(vendor=""), "its <vendor> has no id"),
        (pci_xml(product="0x10000"), "its <product> has no id of four hexadecimal digits"),
        (pci_xml(inner=OF_PF.replace("0x3", "0x9")), "its physical function: PCI function 9 is out of bounds"),
        (xml("net_a", "<capability type='net'/>"), "it has no <interface>"),
        (xml("mdev_a", "<capability type='mdev'><type id='a'/></capability>"), "it has no <uuid>"),
        (xml(MDEV, "<capability type='mdev'/>"), "its <type> has no id"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><device>&b;</device>", "XML cannot be parsed"),
    ],
)
def test_a_document_that_breaks_the_schema_is_unread_because(document: str, reason: str) -> None:
    found = read_node_device(MDEV if MDEV in document else "any", document)
    assert isinstance(found, UnreadDevice)
    assert found.reason.startswith(reason)


WHOLE = (
    pci_xml(VF1, VIRTUAL + VPD + "</capability>" + MDEVS + NUMA),
    pci_xml(VF1, OF_PF + NUMA),
    xml(MDEV, f"<capability type='mdev'><type id='nvidia-11'/><uuid>{UUID}</uuid></capability>"),
    xml("net_a", "<capability type='net'><interface>eth3</interface></capability>"),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(WHOLE), st.randoms(use_true_random=False), st.integers(1, 6))
def test_a_mutated_document_is_read_or_unread_and_nothing_worse(
    document: str, chance: random.Random, many: int
) -> None:
    text = list(document)
    for _ in range(many):
        at = chance.randrange(len(text))
        foreign = chance.choices("<>/'=0xf9-\x00\ud800&aé", k=chance.randrange(3))
        text[at : at + chance.randrange(3)] = [*foreign, *text[at : at + chance.randrange(9)]]
    found = read_node_device("pci_0000_04_10_7", "".join(text))
    assert found.name == "pci_0000_04_10_7"
    if isinstance(found, PciFunction):
        assert len(found.vendor_id) == len(found.product_id) == 4
        assert PciAddress.parse(str(found.address)) == found.address
