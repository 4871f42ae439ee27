"""The parts of a host beyond its amounts: CPU, NUMA cells, pages, devices, storage. All lists sorted, all bounded.

CPU sets are written as Linux and libvirt write them: `0-3,8` (empty: none).
"""

from enum import StrEnum
from typing import ClassVar

from msgspec import field

from .base import Wire


class CpuTopology(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Of one socket's kind, as libvirt's capabilities give it; `cells` is the number of NUMA cells (1 without any)."""

    cells: int
    sockets: int
    cores: int
    threads: int


class Cpu(Wire, frozen=True, kw_only=True):
    """The host's CPU in libvirt's terms. Features are expanded through the hypervisor's baseline where it can."""

    arch: str
    model: str = ""
    vendor: str = ""
    topology: CpuTopology | None = None
    features: tuple[str, ...] = ()


class GuestType(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One kind of guest that the host can run: Nova's supported_instances (arch, hypervisor type, OS type)."""

    map_keys: ClassVar[tuple[str, ...]] = ("arch", "hypervisor", "osType")

    arch: str
    hypervisor: str
    os_type: str


class Pages(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Memory pages of one size in one cell. `reserved` is the agent's configuration: not for guests."""

    map_keys: ClassVar[tuple[str, ...]] = ("sizeKiB",)

    size_kib: int
    total: int
    reserved: int = 0


class Distance(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """ACPI SLIT: 10 is local."""

    map_keys: ClassVar[tuple[str, ...]] = ("cell",)

    cell: int
    value: int


class NumaCell(Wire, frozen=True, kw_only=True):
    """One NUMA cell. `shared_cpus` carry vcpus, `dedicated_cpus` pcpus; both online CPUs of this cell only."""

    map_keys: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    memory_mib: int
    shared_cpus: str = ""
    dedicated_cpus: str = ""
    siblings: tuple[str, ...] = ()
    """CPU sets of hardware threads that share a core, those of usable CPUs; single threads are left out."""
    socket: int | None = None
    """Absent where the cell's CPUs are not of one socket."""
    pages: tuple[Pages, ...] = ()
    distances: tuple[Distance, ...] = ()


class PagesInUse(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Measured: huge pages really taken on the machine, by whomever."""

    map_keys: ClassVar[tuple[str, ...]] = ("cell", "sizeKiB")

    cell: int
    size_kib: int
    used: int


class PciType(StrEnum):
    PCI = "PCI"
    PF = "PF"
    VF = "VF"
    VDPA = "VDPA"
    UNKNOWN = "Unknown"
    """Of a newer version; never written. No request asks for it."""

    @classmethod
    def _missing_(cls, value: object) -> "PciType | None":
        """A newer version's type must not make a whole host unreadable."""
        return cls.UNKNOWN if isinstance(value, str) else None


class PciDevice(Wire, frozen=True, kw_only=True):
    """Addresses as `0000:0a:00.1`."""

    map_keys: ClassVar[tuple[str, ...]] = ("address",)

    address: str
    parent_address: str = ""
    """Of a VF: its PF."""
    missing: bool = False
    """A guest uses it and the host no longer lists it."""


class PciPool(Wire, frozen=True, kw_only=True):
    """Devices that a request cannot tell apart; which devices are offered at all is the agent's allow-list."""

    map_keys: ClassVar[tuple[str, ...]] = ("vendorID", "productID", "type", "numaCell", "tags")

    vendor_id: str
    product_id: str
    type: PciType
    numa_cell: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    devices: tuple[PciDevice, ...] = ()


class MdevType(Wire, frozen=True, kw_only=True):
    """A type of mediated device at one parent; `instances` are the uuids of the devices that exist."""

    map_keys: ClassVar[tuple[str, ...]] = ("parentAddress", "type")

    parent_address: str
    type: str
    name: str = ""
    available: int = 0
    instances: tuple[str, ...] = ()


class StoragePool(Wire, frozen=True, kw_only=True):
    """A libvirt storage pool. Pools with one `identity` on several hosts are one storage, to be counted once."""

    map_keys: ClassVar[tuple[str, ...]] = ("uuid",)

    name: str
    uuid: str
    type: str
    active: bool
    identity: str
    capacity_mib: int | None = None
    allocation_mib: int | None = None
    available_mib: int | None = None
    """An inactive pool has no sizes."""
