"""What libvirt and the host said in one look, untouched. The pure modules make the report of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .settings import AuditSettings

if TYPE_CHECKING:
    from .domain_xml import Domain
    from .node_devices import NodeDevice


@dataclass(frozen=True)
class Unread:
    """A part that could not be read, and why."""

    reason: str


@dataclass(frozen=True)
class Problem:
    """A part of the report that is not what the host has now: the last known value stands in for it, if any."""

    part: str
    reason: str

    def __str__(self) -> str:
        return f"{self.part}: {self.reason}"


@dataclass(frozen=True)
class NodeInfo:
    """virNodeGetInfo."""

    memory_mib: int
    cpus: int


@dataclass(frozen=True)
class DiskSpace:
    """Of the back end that holds the guests' disks, in bytes of guests' data: copies that a cluster keeps count once.

    `used` and `free` do not add up to `total` where blocks are kept for root, or where others use the same cluster.
    """

    total: int
    free: int
    used: int


@dataclass(frozen=True)
class GuestFacts:
    """One domain. `stats` is libvirt's own flat record; `domain` what its XML says. None: nobody asked."""

    uuid: str
    name: str
    active: bool
    stats: Mapping[str, int | str] = field(default_factory=dict)
    domain: "Domain | Unread | None" = None


@dataclass(frozen=True)
class Snapshot:
    """One look at one host. None means that the driver does not know such a thing; Unread, that asking failed."""

    uri: str
    driver: str | Unread
    version: int | Unread
    libvirt_version: int | Unread
    hostname: str | Unread
    capabilities: str | Unread
    node: NodeInfo | Unread
    online_cpus: int | Unread | None
    memory_kib: Mapping[str, int] | Unread | None
    disk_space: DiskSpace | Unread
    guests: tuple[GuestFacts, ...] | Unread
    host_ip: str | Unread
    node_devices: "tuple[NodeDevice, ...] | Unread | None" = ()
    """Mediated devices and their parents; all PCI devices if the settings offer some."""
    settings: AuditSettings = field(default_factory=AuditSettings)
    """What the audit was told: which CPUs, disks and devices are the guests'."""
