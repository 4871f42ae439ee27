"""What a guest asks for beyond amounts, and what a claim holds of it: CPUs, NUMA cells, pages, devices."""

from enum import StrEnum

import msgspec

from .base import Wire


class CpuPolicy(StrEnum):
    SHARED = "Shared"
    DEDICATED = "Dedicated"
    """Each vcpu has a host CPU to itself: it is charged as pcpu."""


class ThreadPolicy(StrEnum):
    """Of dedicated CPUs on hosts whose cores have several threads (Nova's cpu_thread_policy)."""

    PREFER = "Prefer"
    REQUIRE = "Require"
    ISOLATE = "Isolate"


class PageSize(StrEnum):
    """Nova's mem_page_size: `Any` and `Large` take the largest that fits, `Explicit` the one that is named."""

    SMALL = "Small"
    LARGE = "Large"
    ANY = "Any"
    EXPLICIT = "Explicit"


class GuestCell(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One NUMA cell of the guest; it is placed whole on one cell of the host."""

    vcpus: int
    memory_mib: int


class NumaPolicy(StrEnum):
    """How near a device must be to the guest's cells."""

    REQUIRED = "Required"
    SOCKET = "Socket"
    LEGACY = "Legacy"
    PREFERRED = "Preferred"


class PciRequest(Wire, frozen=True, kw_only=True):
    """`count` devices of one kind. Empty means any; a PF or VDPA device must be asked for by type."""

    name: str
    count: int = 1
    vendor_id: str = ""
    product_id: str = ""
    type: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    numa_policy: NumaPolicy = NumaPolicy.LEGACY


class MdevRequest(Wire, frozen=True, kw_only=True):
    """`count` mediated devices of one type."""

    type: str
    count: int = 1


class PlacementRequest(Wire, frozen=True, kw_only=True):
    """All that an Instance asks for beyond its amounts. Without any of it, a guest floats over the whole host."""

    cpu_policy: CpuPolicy = CpuPolicy.SHARED
    thread_policy: ThreadPolicy | None = None
    page_size: PageSize | None = None
    page_size_kib: int | None = None
    cells: tuple[GuestCell, ...] = ()
    """Empty: one cell if anything else here asks for cells, else none."""
    pci_requests: tuple[PciRequest, ...] = ()
    mdev_requests: tuple[MdevRequest, ...] = ()


class HeldCell(Wire, frozen=True, kw_only=True):
    """What a claim holds of one host cell."""

    id: int
    vcpus: int = 0
    memory_mib: int = 0
    page_size_kib: int = 0
    """0: the smallest size of the host."""
    cpus: str = ""
    """Dedicated host CPUs, as a CPU set."""


class HeldDevice(Wire, frozen=True, kw_only=True, omit_defaults=False):
    request: str
    address: str


class HeldMdev(Wire, frozen=True, kw_only=True, omit_defaults=False):
    type: str
    parent_address: str
    count: int


class Placement(Wire, frozen=True, kw_only=True):
    """What a claim holds beyond its amounts: its own copy, decided in the same write as they are."""

    cells: tuple[HeldCell, ...] = ()
    devices: tuple[HeldDevice, ...] = ()
    mdevs: tuple[HeldMdev, ...] = ()


class CellFree(Wire, frozen=True, kw_only=True):
    """What is left of one host cell. `memory_mib` is signed."""

    id: int
    memory_mib: int
    shared_vcpus: int = 0
    """vcpus placed on the cell's shared CPUs so far."""
    cpus: str = ""
    """Dedicated CPUs that nobody holds."""
    pages: tuple["PagesFree", ...] = ()


class PagesFree(Wire, frozen=True, kw_only=True, omit_defaults=False):
    size_kib: int
    free: int


class PoolFree(Wire, frozen=True, kw_only=True):
    """How many devices of one pool nobody holds, and no owner of their PF or VFs shuts out."""

    vendor_id: str
    product_id: str
    type: str
    numa_cell: int | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    free: int = 0
