"""What libvirt and the host said in one look, untouched. The pure modules make the report of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from .ceph_conf import CephConf
from .mounts import Mounts
from .settings import AuditSettings

if TYPE_CHECKING:
    from .capabilities import Capabilities
    from .domain_xml import Domain
    from .node_devices import NodeDevice

T = TypeVar("T")


@dataclass(frozen=True)
class Unread:
    """A part that could not be read, and why."""

    reason: str


class Absent(Unread):
    """Nobody is there to be asked: no loss where nothing ever was known."""


@dataclass(frozen=True)
class Problem:
    """A part of the report that is not what the host has now: the last known value stands in for it, if any."""

    part: str
    reason: str

    def __str__(self) -> str:
        return f"{self.part}: {self.reason}"


@dataclass(frozen=True)
class Part(Generic[T]):
    """One part of the report. If it is Unread, the last known value stands in; problems of less weight come beside."""

    value: T | Unread
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class CpuMap:
    """CPUs 0 to `present` - 1 are built in, those of `online` are on."""

    present: int
    online: frozenset[int]


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
class PoolFacts:
    """One storage pool of libvirt; `document` is its XML."""

    uuid: str
    name: str
    active: bool
    document: str | Unread


@dataclass(frozen=True)
class GuestFacts:
    """One domain. `stats` is libvirt's own flat record; `domain` what its XML says. None: nobody asked.

    `saved`: it is off and goes on from a managed save, of which both tell.
    """

    uuid: str
    name: str
    active: bool
    stats: Mapping[str, int | str] = field(default_factory=dict)
    domain: "Domain | Unread | None" = None
    saved: bool = False


@dataclass(frozen=True)
class Snapshot:
    """One look at one host. None means that the driver does not know such a thing; Unread, that asking failed."""

    uri: str
    driver: str | Unread
    version: int | Unread
    libvirt_version: int | Unread
    hostname: str | Unread
    capabilities: "Capabilities | Unread"
    node: NodeInfo | Unread
    cpu_map: CpuMap | Unread | None
    memory_kib: Mapping[str, int] | Unread | None
    disk_space: DiskSpace | Unread
    guests: tuple[GuestFacts, ...] | Unread
    host_ip: str | Unread
    cpu_baseline: str | Unread | None = None
    """The host's CPU with all its features spelt out, as libvirt's document."""
    free_pages: Mapping[int, Mapping[int, int]] | Unread | None = None
    """By cell and page size in KiB."""
    huge_page_kib: int | None = None
    """The size that guests get who ask for huge pages without naming one."""
    cpu_time: Mapping[str, int] | Unread | None = None
    """The kernel's own words for what CPUs did, in nanoseconds; of all CPUs together."""
    node_devices: "tuple[NodeDevice, ...] | Unread | None" = ()
    """Mediated devices and their parents; all PCI devices if the settings offer some."""
    mounts: Mounts = field(default_factory=Mounts)
    """Of this machine; none where the hypervisor is on another."""
    file_bytes: Mapping[str, int] = field(default_factory=dict)
    """By path, what files take of which libvirt does not say it for sure."""
    storage_pools: tuple[PoolFacts, ...] | Unread | None = ()
    ceph: CephConf = field(default_factory=CephConf)
    settings: AuditSettings = field(default_factory=AuditSettings)
    """What the audit was told: which CPUs, disks and devices are the guests'."""
