"""What a small, healthy host says, to be changed by whoever tests one part of it."""

from dataclasses import replace
from typing import Any

from hypertally.hypervisor.capabilities import Capabilities, read_capabilities
from hypertally.hypervisor.domain_xml import Domain, read_domain
from hypertally.hypervisor.facts import CpuMap, DiskSpace, GuestFacts, NodeInfo, Snapshot, Unread
from hypertally.hypervisor.xml import UnreadableXml

HOST_UUID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
MIB = 1024 * 1024

HEALTHY = Snapshot(
    uri="qemu:///system",
    driver="QEMU",
    version=7_002_022,
    libvirt_version=9_000_000,
    hostname="hv1.example",
    capabilities=Capabilities(host_uuid=HOST_UUID, cpu=None, cells=(), guest_kinds=frozenset()),
    node=NodeInfo(memory_mib=16384, cpus=8),
    cpu_map=CpuMap(8, frozenset(range(8))),
    memory_kib={"total": 16384 * 1024, "free": 8192 * 1024, "buffers": 1024 * 1024, "cached": 3072 * 1024},
    disk_space=DiskSpace(total=1000 * MIB, free=700 * MIB, used=200 * MIB),
    guests=(),
    host_ip="192.0.2.7",
)


def snapshot(**changed: Any) -> Snapshot:
    """HEALTHY with changes; capabilities may be the document that libvirt sends."""
    if isinstance(changed.get("capabilities"), str):
        try:
            changed["capabilities"] = read_capabilities(changed["capabilities"])
        except UnreadableXml as error:
            changed["capabilities"] = Unread(f"the capabilities cannot be read: {error}")
    return replace(HEALTHY, **changed)


def uuid_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def guest(number: int = 1, *, active: bool = True, document: str | Unread | None = None, **stats: Any) -> GuestFacts:
    """As QEMU's bulk record tells it; `stats` with `__` for the dots: `vcpu__maximum=4`. A None takes a key away."""
    record: dict[str, Any] = {
        "state.state": 1 if active else 5,
        "vcpu.current": 1,
        "vcpu.maximum": 1,
        "balloon.current": 32 * 1024,
        "balloon.maximum": 32 * 1024,
        "block.count": 0,
    }
    record |= {key.replace("__", "."): value for key, value in stats.items()}
    told = {key: value for key, value in record.items() if value is not None}
    return GuestFacts(uuid_of(number), f"guest-{number}", active, told, as_read(document))


def as_read(document: str | Unread | None) -> Domain | Unread | None:
    """What a snapshot makes of a guest's XML."""
    if not isinstance(document, str):
        return document
    try:
        return read_domain(document)
    except UnreadableXml as error:
        return Unread(str(error))
