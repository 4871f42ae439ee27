"""A guest's XML: devices, pins, cells, pages and disks, each part told or unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.hypervisor.domain_xml import Disk, Domain, HugePages, Pinning, read_domain
from hypertally.hypervisor.facts import Unread
from hypertally.hypervisor.xml import UnreadableXml

WHOLE = """<domain type='kvm' id='7'>
  <name>db-1</name>
  <memory unit='KiB'>8388608</memory><currentMemory unit='MiB'>4096</currentMemory>
  <memoryBacking><hugepages><page size='2' unit='M' nodeset='0'/><page size='1048576' unit='KiB' nodeset='1'/>
  </hugepages></memoryBacking>
  <vcpu placement='static' cpuset='0-3' current='2'>4</vcpu>
  <iothreads>1</iothreads>
  <cputune>
    <vcpupin vcpu='0' cpuset='4'/><vcpupin vcpu='1' cpuset='5'/>
    <emulatorpin cpuset='1,3'/><iothreadpin iothread='1' cpuset='2'/>
  </cputune>
  <numatune><memory mode='strict' nodeset='0-1'/><memnode cellid='0' mode='strict' nodeset='1'/></numatune>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/images/a.qcow2'/>
      <target dev='vda' bus='virtio'/></disk>
    <disk type='volume' device='disk'><source pool='default' volume='b'/><target dev='vdb'/><shareable/></disk>
    <disk type='network' device='disk'><driver type='raw'/><source protocol='rbd' name='vms/c'/>
      <target dev='vdc'/></disk>
    <disk type='file' device='cdrom'><target dev='sda'/></disk>
    <disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'>
      <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source><target dev='vde'/></disk>
    <interface type='hostdev'><source>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x10' function='0x7'/></source></interface>
    <interface type='network'><source network='default'/></interface>
    <interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>
    <interface type='direct'><source dev='ens5f0v1' mode='passthrough'/></interface>
    <interface type='direct'><source dev='ens5f1' mode='bridge'/></interface>
    <disk type='vhostvdpa' device='disk'><source dev='/dev/vhost-vdpa-1'/><target dev='vdf'/></disk>
    <hostdev mode='subsystem' type='pci' managed='yes'><source>
      <address domain='0x0000' bus='0x0a' slot='0x00' function='0x1'/></source>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x07' function='0x0'/></hostdev>
    <hostdev mode='subsystem' type='usb'><source><address bus='1' device='3'/></source></hostdev>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>
      <address uuid='C2177883-F1BB-47F0-914D-32A22E3A8804'/></source></hostdev>
  </devices>
</domain>"""


def read(inner: str) -> Domain:
    return read_domain(f"<domain>{inner}</domain>")


def test_a_guest_is_told_whole() -> None:
    domain = read_domain(WHOLE)
    assert (domain.vcpus, domain.vcpus_now) == (4, 2)
    assert (domain.memory_bytes, domain.memory_now_bytes) == (8 * 2**30, 4 * 2**30)
    assert domain.pinning == Pinning(
        vcpus={0: frozenset({4}), 1: frozenset({5})},
        emulator=frozenset({1, 3}),
        io_threads=(frozenset({2}),),
        default=frozenset({0, 1, 2, 3}),
    )
    assert domain.cells == frozenset({0, 1})
    assert domain.pages == HugePages((2048, 1048576))
    assert not isinstance(domain.pci_addresses, Unread)
    assert [str(address) for address in domain.pci_addresses] == ["0000:01:00.0", "0000:04:10.7", "0000:0a:00.1"]
    assert domain.pci_names == ("/dev/vhost-vdpa-0", "/dev/vhost-vdpa-1", "ens5f0v1")
    assert domain.mdev_uuids == ("c2177883-f1bb-47f0-914d-32a22e3a8804",)


@pytest.mark.parametrize(
    "disk",
    [
        "<disk type='file'><source file='/s1'/><backingStore type='nvme'>{nvme}</backingStore></disk>",
        "<disk><backingStore type='file'><backingStore type='nvme'>{nvme}</backingStore></backingStore></disk>",
        "<disk type='file'><source file='/a'/><mirror type='nvme' job='copy'>{nvme}</mirror></disk>",
    ],
    ids=["below a snapshot", "below two", "as the target of a copy"],
)
def test_an_nvme_disk_is_held_wherever_it_stands_in_a_chain(disk: str) -> None:
    nvme = "<source type='pci'><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source>"
    domain = read(f"<devices>{disk.format(nvme=nvme)}</devices>")
    assert not isinstance(domain.pci_addresses, Unread)
    assert [str(address) for address in domain.pci_addresses] == ["0000:01:00.0"]


def test_disks_are_told_as_they_are_configured() -> None:
    assert read_domain(WHOLE).disks[:4] == (
        Disk("vda", "disk", "file", location="/images/a.qcow2", format="qcow2", has_medium=True),
        Disk("vdb", "disk", "volume", location="b", pool="default", shareable=True, has_medium=True),
        Disk("vdc", "disk", "network", location="vms/c", protocol="rbd", format="raw", has_medium=True),
        Disk("sda", "cdrom", "file"),
    )


def test_a_guest_that_asks_for_nothing_holds_nothing() -> None:
    domain = read("<vcpu>1</vcpu><memory>1024</memory>")
    assert domain.pinning == Pinning(vcpus={})
    assert (domain.cells, domain.pages, domain.pci_addresses) == (frozenset(), HugePages(), ())
    assert (domain.disks, domain.pci_names, domain.mdev_uuids) == ((), (), ())


@pytest.mark.parametrize(
    ("numatune", "cells"),
    [
        ("<memory nodeset='1'/>", {1}),
        ("<memory mode='strict' placement='auto'/>", set()),
        ("<memory mode='restrictive' nodeset='0'/>", {0}),
        ("<memory mode='preferred' nodeset='0'/>", set()),
        ("<memory mode='interleave' nodeset='0-1'/>", set()),
        ("<memory mode='preferred' nodeset='0'/><memnode cellid='0' mode='strict' nodeset='2'/>", {2}),
    ],
)
def test_only_cells_that_bind_are_told(numatune: str, cells: set[int]) -> None:
    assert read(f"<numatune>{numatune}</numatune>").cells == frozenset(cells)


@pytest.mark.parametrize(("numatune", "cells"), [("<memory nodeset='0'/>", {0, 1}), ("", set())])
def test_a_module_in_another_cell_binds_to_that_too_unless_the_guest_floats(numatune: str, cells: set[int]) -> None:
    module = "<memory model='dimm'><source><nodemask>1</nodemask></source></memory>"
    assert read(f"<numatune>{numatune}</numatune><devices>{module}</devices>").cells == frozenset(cells)


def test_huge_pages_without_a_size_are_of_the_hosts_default() -> None:
    assert read("<memoryBacking><hugepages/></memoryBacking>").pages == HugePages(unnamed=True)


@pytest.mark.parametrize(
    ("inner", "part"),
    [
        ("<cputune><vcpupin vcpu='0' cpuset='4-'/></cputune>", "pinning"),
        ("<cputune><vcpupin cpuset='4'/></cputune>", "pinning"),
        ("<numatune><memory nodeset='x'/></numatune>", "cells"),
        ("<memoryBacking><hugepages><page size='0'/></hugepages></memoryBacking>", "pages"),
        ("<memoryBacking><hugepages><page size='1' unit='parsec'/></hugepages></memoryBacking>", "pages"),
        (
            "<devices><hostdev type='pci'><source><address bus='0x100' slot='0'/></source></hostdev></devices>",
            "pci_addresses",
        ),
    ],
)
def test_a_part_that_cannot_be_understood_costs_itself_only(inner: str, part: str) -> None:
    domain = read(inner + "<vcpu>2</vcpu>")
    unread = [name for name, value in vars(domain).items() if isinstance(value, Unread)]
    assert unread == [part]
    assert domain.vcpus == 2


@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)), st.text(alphabet="<>'=/0-9x^,& ", max_size=6))
def test_a_document_that_was_damaged_is_read_or_refused(start: int, end: int, instead: str) -> None:
    damaged = WHOLE[: min(start, end)] + instead + WHOLE[max(start, end) :]
    try:
        domain = read_domain(damaged)
    except UnreadableXml:
        return
    assert domain.vcpus >= 0
    assert domain.memory_bytes >= 0
