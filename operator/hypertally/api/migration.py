"""Migration: one move of one Instance, declared by whoever makes it."""

from enum import StrEnum

from .base import Wire
from .conditions import Condition
from .instance import InstanceResources, MoveType
from .meta import ObjectMeta
from .placement import PlacementRequest


class Outcome(StrEnum):
    CONFIRMED = "Confirmed"
    REVERTED = "Reverted"
    CANCELLED = "Cancelled"


class MigrationSpec(Wire, frozen=True, kw_only=True):
    instance_name: str
    type: MoveType
    target_compute_node_name: str
    resources: InstanceResources | None = None
    """The new size: if and only if `type` is Resize."""
    placement: PlacementRequest | None = None
    """With it what the guest asks for beyond amounts: absent, it will float."""
    outcome: Outcome | None = None


class MigrationStatus(Wire, frozen=True, kw_only=True):
    uuid: str = ""
    source: str = ""
    target: str = ""
    conditions: tuple[Condition, ...] = ()


class Migration(Wire, frozen=True, kw_only=True):
    metadata: ObjectMeta
    spec: MigrationSpec
    status: MigrationStatus = MigrationStatus()


class MigrationCondition(StrEnum):
    CLAIMED = "Claimed"
    COMPLETED = "Completed"
