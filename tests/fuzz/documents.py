"""One document of each kind that a host hands over, as rich as they come, and where it stands in a snapshot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from xml.etree import ElementTree as ET

from hypertally.hypervisor.capabilities import read_capabilities
from hypertally.hypervisor.device_spec import parse_device_spec
from hypertally.hypervisor.facts import GuestFacts, PoolFacts, Snapshot, Unread
from hypertally.hypervisor.node_devices import read_node_device
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.xml import UnreadableXml
from tests.support.recordings import CAPABILITIES, FOLDER, capabilities
from tests.support.snapshots import as_read, guest, snapshot, uuid_of

DOMAIN = f"""<domain type='kvm' id='7'>
  <name>rich</name><uuid>{uuid_of(1)}</uuid>
  <memory unit='KiB'>4194304</memory><currentMemory unit='KiB'>2097152</currentMemory>
  <memoryBacking><hugepages><page size='2048' unit='KiB' nodeset='0'/></hugepages></memoryBacking>
  <vcpu placement='static' current='2'>4</vcpu>
  <cputune><vcpupin vcpu='0' cpuset='4'/><vcpupin vcpu='1' cpuset='5'/></cputune>
  <numatune><memory mode='strict' nodeset='0'/><memnode cellid='0' mode='strict' nodeset='0'/></numatune>
  <cpu mode='custom'><numa><cell id='0' cpus='0-3' memory='4194304' unit='KiB'/></numa></cpu>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/a.qcow2'/>
      <backingStore type='file'><format type='raw'/><source file='/base.img'/><backingStore/></backingStore>
      <target dev='vda' bus='virtio'/></disk>
    <disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/vg/b'/>
      <target dev='vdb' bus='virtio'/></disk>
    <disk type='network' device='disk'><driver name='qemu' type='raw'/>
      <source protocol='rbd' name='vms/c'><host name='mon1' port='6789'/></source><target dev='vdc'/></disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
    <disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'>
      <address domain='0x0000' bus='0x05' slot='0x00' function='0x0'/></source><target dev='vde'/></disk>
    <interface type='hostdev'><source><address type='pci' domain='0x0000' bus='0x04' slot='0x10' function='0x7'/>
      </source></interface>
    <interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>
    <hostdev mode='subsystem' type='pci' managed='yes'><source>
      <address domain='0x0000' bus='0x04' slot='0x00' function='0x3'/></source></hostdev>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>
      <address uuid='{uuid_of(3000)}'/></source></hostdev>
  </devices>
</domain>"""

BASELINE = """<cpu mode='custom' match='exact'><model fallback='forbid'>Skylake-Server</model><vendor>Intel</vendor>
<feature policy='require' name='avx512f'/><feature policy='require' name='vmx'/><feature policy='disable' name='hle'/>
</cpu>"""

_SIZES = (
    "<capacity unit='bytes'>107374182400</capacity><allocation unit='bytes'>53687091200</allocation>"
    "<available unit='bytes'>53687091200</available>"
)
POOLS = {
    "dir": f"<pool type='dir'><name>p</name><uuid>{uuid_of(4001)}</uuid>{_SIZES}<source/>"
    "<target><path>/var/lib/libvirt/images</path></target></pool>",
    "rbd": f"<pool type='rbd'><name>p</name><uuid>{uuid_of(4001)}</uuid>{_SIZES}<source><host name='mon1' port='6789'/>"
    "<host name='mon2'/><name>vms</name></source></pool>",
    "netfs": f"<pool type='netfs'><name>p</name><uuid>{uuid_of(4001)}</uuid>{_SIZES}<source><host name='nas'/>"
    "<dir path='/export'/><format type='nfs'/></source><target><path>/mnt</path></target></pool>",
    "gluster": f"<pool type='gluster'><name>p</name><uuid>{uuid_of(4001)}</uuid>{_SIZES}<source><host name='g'/>"
    "<name>volume</name><dir path='/x'/></source></pool>",
    "logical": f"<pool type='logical'><name>p</name><uuid>{uuid_of(4001)}</uuid>{_SIZES}<source>"
    "<device path='/dev/sdb'/><name>vg</name><format type='lvm2'/></source>"
    "<target><path>/dev/vg</path></target></pool>",
}


@dataclass(frozen=True)
class Sample:
    """A document that is whole, and how another takes its place in the look at an otherwise healthy host."""

    name: str
    document: str
    put: Callable[[Snapshot, str], Snapshot]
    part: str
    """What a problem calls it at least, if the document is of no use; empty if nothing depends on it alone."""


def healthy() -> Snapshot:
    settings = AuditSettings(
        device_spec=(parse_device_spec('{"vendor_id": "8086"}'), parse_device_spec('{"devname": "eth0"}')),
        cpu_shared_set=frozenset(range(4)),
        cpu_dedicated_set=frozenset(range(4, 8)),
    )
    whole = snapshot(settings=settings, cpu_baseline=BASELINE)
    whole = _put_capabilities(whole, capabilities("intel-2-sockets-smt"))
    whole = _put_domain(whole, DOMAIN)
    whole = _put_pool(whole, POOLS["dir"])
    return replace(whole, node_devices=tuple(read_node_device(name, text) for name, text in DEVICES.items()))


def samples() -> list[Sample]:
    return [
        *(Sample(f"capabilities {name}", capabilities(name), _put_capabilities, "cpu") for name in CAPABILITIES),
        Sample("CPU baseline", BASELINE, lambda whole, text: replace(whole, cpu_baseline=text), ""),
        Sample("domain", DOMAIN, _put_domain, "guest"),
        Sample("domain, told by XML alone", DOMAIN, _put_silent_domain, "guest"),
        *(Sample(f"pool {name}", text, _put_pool, "storage pool") for name, text in POOLS.items()),
        *(Sample(f"device {name}", text, _device(name), "") for name, text in DEVICES.items()),
    ]


def _devices() -> Mapping[str, str]:
    root = ET.fromstring((FOLDER / "sriov-host.xml").read_text())  # noqa: S314  # a document of our own
    return {each.findtext("name", ""): ET.tostring(each, encoding="unicode").strip() for each in root.iter("device")}


DEVICES = _devices()


def _put_capabilities(whole: Snapshot, text: str) -> Snapshot:
    try:
        return replace(whole, capabilities=read_capabilities(text))
    except UnreadableXml as error:
        return replace(whole, capabilities=Unread(str(error)))


@cache
def _neighbour() -> GuestFacts:
    return guest(2, document=DOMAIN)


def _put_domain(whole: Snapshot, text: str) -> Snapshot:
    return replace(whole, guests=(guest(1, document=text), _neighbour()))


def _put_silent_domain(whole: Snapshot, text: str) -> Snapshot:
    facts = guest(1, document=text)
    return replace(whole, guests=(replace(facts, stats={"state.state": 1}, domain=as_read(text)),))


def _put_pool(whole: Snapshot, text: str) -> Snapshot:
    return replace(whole, storage_pools=(PoolFacts(uuid_of(4001), "p", active=True, document=text),))


def _device(name: str) -> Callable[[Snapshot, str], Snapshot]:
    known = {each: read_node_device(each, said) for each, said in DEVICES.items()}

    def put(whole: Snapshot, text: str) -> Snapshot:
        return replace(whole, node_devices=tuple({**known, name: read_node_device(name, text)}.values()))

    return put
