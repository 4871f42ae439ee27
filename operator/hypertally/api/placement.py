"""What a guest asks for beyond amounts, and what a claim holds of it: CPUs, NUMA cells, pages, devices."""

from enum import StrEnum
from hashlib import sha256
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from .base import Wire
from .inventory import PciType


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
    """One NUMA cell of the guest; it is placed whole on one cell of the host. `vcpus` counts dedicated ones, too."""

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

    map_keys: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    count: int = 1
    vendor_id: str = ""
    product_id: str = ""
    type: PciType | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    numa_policy: NumaPolicy = NumaPolicy.LEGACY


class MdevRequest(Wire, frozen=True, kw_only=True):
    """`count` mediated devices of one type."""

    map_keys: ClassVar[tuple[str, ...]] = ("type",)

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


def digest(request: PlacementRequest | None) -> str:
    """Which request a claim was made for, in few bytes; empty for one that asks for nothing.

    Of the deterministic JSON without defaults, so that a version that knows more fields finds the same for the same.
    """
    plain = _plain(request or PlacementRequest())
    if plain == PlacementRequest():
        return ""
    return sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()[:16]


def _plain(request: PlacementRequest) -> PlacementRequest:
    """The same for all that mean the same: requests have names and no order, and a default may be spelt out."""
    prefers = request.thread_policy is ThreadPolicy.PREFER
    return replace(
        request,
        thread_policy=None if prefers else request.thread_policy,
        pci_requests=tuple(sorted(request.pci_requests, key=lambda each: each.name)),
        mdev_requests=tuple(sorted(request.mdev_requests, key=lambda each: each.type)),
    )


class HeldCell(Wire, frozen=True, kw_only=True):
    """What a claim holds of one host cell in pages of one size."""

    map_keys: ClassVar[tuple[str, ...]] = ("id", "pageSizeKiB")

    id: int
    vcpus: int = 0
    memory_mib: int = 0
    page_size_kib: int = 0
    """0: the smallest size of the host."""
    cpus: str = ""
    """Dedicated host CPUs, as a CPU set."""


class HeldDevice(Wire, frozen=True, kw_only=True):
    map_keys: ClassVar[tuple[str, ...]] = ("address",)

    address: str
    request: str = ""
    """The name of the request that it was chosen for; empty where a host lists it."""


class HeldMdev(Wire, frozen=True, kw_only=True, omit_defaults=False):
    map_keys: ClassVar[tuple[str, ...]] = ("parentAddress", "type")

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

    map_keys: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    memory_mib: int
    shared_vcpus: int = 0
    """vcpus placed on the cell's shared CPUs so far."""
    cpus: str = ""
    """Dedicated CPUs that nobody holds."""
    pages: tuple["PagesFree", ...] = ()


class PagesFree(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """`free` is signed."""

    map_keys: ClassVar[tuple[str, ...]] = ("sizeKiB",)

    size_kib: int
    free: int


class PoolFree(Wire, frozen=True, kw_only=True):
    """How many devices of one pool nobody holds, and no owner of their PF or VFs shuts out."""

    map_keys: ClassVar[tuple[str, ...]] = ("vendorID", "productID", "type", "numaCell", "tags")

    vendor_id: str
    product_id: str
    type: str
    free: int
    numa_cell: int | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class MdevFree(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """How many more mediated devices of one type its parent can make, beyond those that are held."""

    map_keys: ClassVar[tuple[str, ...]] = ("parentAddress", "type")

    parent_address: str
    type: str
    free: int
