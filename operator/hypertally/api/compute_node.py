"""ComputeNode: what a libvirt host has (the agent's report) and who holds what of it (the controller's ledger)."""

from enum import StrEnum
from typing import ClassVar

from .amounts import AllocationRatios, Amounts, GuestOverhead, ReservedAmounts
from .base import Wire
from .conditions import Condition
from .inventory import Cpu, GuestType, MdevType, NumaCell, PagesInUse, PciPool, StoragePool
from .meta import ObjectMeta
from .placement import CellFree, HeldCell, HeldDevice, HeldMdev, MdevFree, Placement, PoolFree


class GuestState(StrEnum):
    """virDomainState under its usual names (nova-style power states fold some of these together)."""

    RUNNING = "Running"
    BLOCKED = "Blocked"
    PAUSED = "Paused"
    SHUTDOWN = "ShuttingDown"
    SHUTOFF = "Shutoff"
    CRASHED = "Crashed"
    PM_SUSPENDED = "Suspended"
    UNKNOWN = "Unknown"

    @classmethod
    def _missing_(cls, value: object) -> "GuestState | None":
        """A newer version's state must not make a whole host unreadable."""
        return cls.UNKNOWN if isinstance(value, str) else None


class Guest(Wire, frozen=True, kw_only=True):
    """One domain that libvirt lists, declared or not. Sizes are what it may use: maximum memory, virtual disk sizes."""

    map_keys: ClassVar[tuple[str, ...]] = ("uuid",)

    uuid: str
    name: str
    state: GuestState
    vcpus: int
    memory_mib: int
    disk_mib: int
    pcpus: int = 0
    """CPUs of the dedicated set that its threads are confined to; virtual CPUs so confined do not count in `vcpus`."""
    memory_current_mib: int = 0
    """The balloon's present size; 0 while it is off, and where the hypervisor does not tell."""
    cells: tuple[int, ...] = ()
    """Host NUMA cells that its memory is bound to (numatune's strict and restrictive)."""
    pinned_cpus: str = ""
    """Host CPUs that it has to itself, as a CPU set."""
    page_size_kib: int = 0
    """Of huge pages that back it, the largest; 0 for ordinary pages."""
    pci_addresses: tuple[str, ...] = ()
    mdev_uuids: tuple[str, ...] = ()

    def amounts(self) -> Amounts:
        """What a node is charged for it."""
        return Amounts(vcpus=self.vcpus, pcpus=self.pcpus, memory_mib=self.memory_mib, disk_mib=self.disk_mib)


class Hypervisor(Wire, frozen=True, kw_only=True):
    """Versions as `major.minor.micro`."""

    type: str
    version: str
    libvirt_version: str
    host_ip: str = ""


class Omission(Wire, frozen=True, kw_only=True):
    """What a bound kept out of the report. Guests are counted apart, since they are charged all the same."""

    map_keys: ClassVar[tuple[str, ...]] = ("part",)

    part: str
    """The list or CPU set that was cut, as the API spells it: `pciPools[].devices`."""
    entries: int
    """How many were left out; of a CPU set, its ranges."""


class ReportContent(Wire, frozen=True, kw_only=True):
    """One full look at a host. A part that could not be read and never was is absent, never zero."""

    hypervisor: Hypervisor
    cpu: Cpu | None = None
    guest_types: tuple[GuestType, ...] = ()
    capacity: Amounts | None = None
    measured: Amounts | None = None
    measured_pages: tuple[PagesInUse, ...] = ()
    disk_available_least_mib: int | None = None
    """Free disk less what thin disks may still grow by; may be negative. Absent: unknown."""
    numa_cells: tuple[NumaCell, ...] = ()
    pci_pools: tuple[PciPool, ...] = ()
    mdev_types: tuple[MdevType, ...] = ()
    storage_pools: tuple[StoragePool, ...] = ()
    guests: tuple[Guest, ...] = ()
    guests_omitted: int = 0
    """How many guests did not fit the bound of the list; 0 when `guests` is complete."""
    omitted_resources: Amounts | None = None
    """The sum of their sizes: charged beside everything else, so that a cut list charges too much, never too little."""
    omitted: tuple[Omission, ...] = ()
    """By part; empty when nothing but guests was cut."""


class Report(ReportContent, frozen=True, kw_only=True):
    """`status.report`: the content and its number, one more with each change of content."""

    generation: int


class Role(StrEnum):
    RUNNING = "Running"
    INCOMING = "Incoming"
    RESERVED_FOR_REVERT = "ReservedForRevert"
    LEAVING = "Leaving"


class AuditMark(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """An agent's place in its sequence of audits: the Lease's holder and the number of its last published audit."""

    holder: str
    audit: int


class Claim(Wire, frozen=True, kw_only=True):
    """An amount held by one (guest uuid, role) on one node; it carries its own copy of everything it was made for."""

    map_keys: ClassVar[tuple[str, ...]] = ("uuid", "role")

    uuid: str
    role: Role
    namespace: str
    name: str
    instance_uid: str
    resources: Amounts
    instance_generation: int = 0
    """`Running` before home is set: the Instance's metadata.generation that it was made for."""
    migration_uid: str = ""
    since: AuditMark | None = None
    """`Incoming` and `Leaving`: the audit seen when the claim was written; proof needs one that began later."""
    overcommitted: bool = False
    """Taken without room because the report lists the guest; lasts while it does."""
    request_digest: str = ""
    """Of the placement request that it was made for; empty for a guest that floats over the whole host."""
    cells: tuple[HeldCell, ...] = ()
    devices: tuple[HeldDevice, ...] = ()
    mdevs: tuple[HeldMdev, ...] = ()

    @property
    def placement(self) -> Placement:
        """What it holds beyond its amounts, decided in the same write as they were."""
        return Placement(cells=self.cells, devices=self.devices, mdevs=self.mdevs)

    @property
    def is_unplaced(self) -> bool:
        """It asks for cells or devices and has none: nothing fitted when what runs had to be charged."""
        return bool(self.request_digest) and self.placement == Placement()


class Orphans(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Guests on the host that no claim stands for: charged at what the report lists, never touched."""

    count: int
    resources: Amounts


class Workload(Wire, frozen=True, kw_only=True):
    """What is under way on a node: claims by what they wait for."""

    starting: int = 0
    """`Running`, and the report does not list the guest (yet)."""
    incoming: int = 0
    reserved: int = 0
    leaving: int = 0


class InstanceStates(Wire, frozen=True, kw_only=True):
    """The Instances that hold something on a node, by the state of their guest there: `GuestState`, or not listed."""

    running: int = 0
    blocked: int = 0
    paused: int = 0
    shutting_down: int = 0
    shutoff: int = 0
    crashed: int = 0
    suspended: int = 0
    unknown: int = 0
    not_listed: int = 0


class Ledger(Wire, frozen=True, kw_only=True):
    """`status.ledger`: all claims on one node. What is free is stale while an observed number lags behind its original.

    The lists of what is free have the order of the report's; they are counted anew with each write.
    """

    generation: int
    observed_report_generation: int
    observed_generation: int
    claims: tuple[Claim, ...]
    allocatable: Amounts
    allocated: Amounts
    free: Amounts
    instances: int
    orphans: Orphans
    states: InstanceStates = InstanceStates()
    workload: Workload = Workload()
    free_cells: tuple[CellFree, ...] = ()
    free_devices: tuple[PoolFree, ...] = ()
    free_mdevs: tuple[MdevFree, ...] = ()


class Schedulable(StrEnum):
    ENABLED = "Enabled"
    DISABLED = "Disabled"

    @classmethod
    def _missing_(cls, value: object) -> "Schedulable | None":
        """A newer version's word is not taken for leave to place guests."""
        return cls.DISABLED if isinstance(value, str) else None


class MaintenanceMode(StrEnum):
    DRAIN = "Drain"
    """Nothing new; what is there may be moved away."""
    FROZEN = "Frozen"
    """Nothing new, and no move away begins either."""

    @classmethod
    def _missing_(cls, value: object) -> "MaintenanceMode | None":
        """Of a newer version's modes this one knows only that they restrict."""
        return cls.FROZEN if isinstance(value, str) else None


class Maintenance(Wire, frozen=True, kw_only=True, omit_defaults=False):
    mode: MaintenanceMode
    reason: str


class ComputeNodeSpec(Wire, frozen=True, kw_only=True):
    hypervisor_hostname: str
    host_uuid: str
    node_name: str
    schedulable: Schedulable = Schedulable.ENABLED
    maintenance: Maintenance | None = None
    reserved: ReservedAmounts | None = None
    allocation_ratios: AllocationRatios | None = None
    guest_overhead: GuestOverhead | None = None


class ComputeNodeStatus(Wire, frozen=True, kw_only=True):
    report: Report | None = None
    ledger: Ledger | None = None
    conditions: tuple[Condition, ...] = ()


class ComputeNode(Wire, frozen=True, kw_only=True):
    metadata: ObjectMeta
    spec: ComputeNodeSpec
    status: ComputeNodeStatus = ComputeNodeStatus()


class NodeCondition(StrEnum):
    """Each type has one writer: the first three the agent, the others the controller."""

    LIBVIRT_CONNECTED = "LibvirtConnected"
    INVENTORY_COMPLETE = "InventoryComplete"
    HYPERVISOR_SERVED = "HypervisorServed"
    READY = "Ready"
    OVERCOMMITTED = "Overcommitted"
    DRIFTED = "Drifted"
    MISPLACED = "Misplaced"
    DOUBTFUL = "Doubtful"
    IDENTITY_CONFLICT = "IdentityConflict"
    VANISHED = "Vanished"


AGENT_CONDITIONS = (
    NodeCondition.LIBVIRT_CONNECTED,
    NodeCondition.INVENTORY_COMPLETE,
    NodeCondition.HYPERVISOR_SERVED,
)
CONTROLLER_CONDITIONS = (
    NodeCondition.READY,
    NodeCondition.OVERCOMMITTED,
    NodeCondition.DRIFTED,
    NodeCondition.MISPLACED,
    NodeCondition.DOUBTFUL,
    NodeCondition.IDENTITY_CONFLICT,
    NodeCondition.VANISHED,
)


class LeasedAudit(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """In the agent's Lease, per ComputeNode: proof of a newer look at an unchanged host, at no extra write."""

    uid: str
    report_generation: int
    audit: int


class LeasedHost(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """In the agent's Lease, per ComputeNode: which host its connection leads to at present, whatever the record says.
    An agent that may not write a record, since it stands for another host, says so here."""

    host_uuid: str
    hypervisor_hostname: str
