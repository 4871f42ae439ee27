"""Instance: the declared guest, its size, where it is bound and what it holds."""

from enum import StrEnum

from .amounts import Amounts
from .base import Wire
from .compute_node import GuestState
from .conditions import Condition
from .meta import ObjectMeta
from .placement import CpuPolicy, PlacementRequest


class InstanceResources(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """A flavor's sizes. A volume-backed root counts 0 here."""

    vcpus: int
    memory_mib: int
    root_disk_mib: int = 0
    ephemeral_disk_mib: int = 0
    swap_mib: int = 0

    def amounts(self, placement: PlacementRequest | None = None) -> Amounts:
        """What a node is charged: root, ephemeral and swap are all local disk, dedicated CPUs count apart."""
        disk = self.root_disk_mib + self.ephemeral_disk_mib + self.swap_mib
        dedicated = placement is not None and placement.cpu_policy is CpuPolicy.DEDICATED
        return Amounts(
            vcpus=0 if dedicated else self.vcpus,
            pcpus=self.vcpus if dedicated else 0,
            memory_mib=self.memory_mib,
            disk_mib=disk,
        )


class InstanceSpec(Wire, frozen=True, kw_only=True):
    uuid: str
    resources: InstanceResources
    placement: PlacementRequest | None = None
    compute_node_name: str = ""
    """The *initial* binding, set by a scheduler. Where the Instance is accounted now is `status.computeNodeName`."""

    def amounts(self) -> Amounts:
        """What a node is charged."""
        return self.resources.amounts(self.placement)


class MovePhase(StrEnum):
    ACCEPTED = "Accepted"
    MOVED = "Moved"
    ENDED = "Ended"


class MoveType(StrEnum):
    LIVE = "Live"
    COLD = "Cold"
    RESIZE = "Resize"
    EVACUATION = "Evacuation"
    OBSERVED = "Observed"
    """Nobody declared it: another node's report lists the guest. Never in a Migration's spec."""


class Move(Wire, frozen=True, kw_only=True):
    """A move under way. It carries sizes of its own, so that a deleted Migration loses nothing."""

    type: MoveType
    phase: MovePhase
    source: str
    target: str
    old_resources: Amounts
    new_resources: Amounts
    old_placement: PlacementRequest | None = None
    new_placement: PlacementRequest | None = None
    migration_uid: str = ""
    migration_name: str = ""


class InstanceStatus(Wire, frozen=True, kw_only=True):
    compute_node_name: str = ""
    resources: Amounts | None = None
    placement: PlacementRequest | None = None
    """As granted with `resources`."""
    move: Move | None = None
    refused_compute_node_name: str = ""
    power_state: GuestState | None = None
    conditions: tuple[Condition, ...] = ()


class Instance(Wire, frozen=True, kw_only=True):
    metadata: ObjectMeta
    spec: InstanceSpec
    status: InstanceStatus = InstanceStatus()


class InstanceCondition(StrEnum):
    CLAIMED = "Claimed"
    PLACED = "Placed"
    READY = "Ready"
