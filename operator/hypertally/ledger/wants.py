"""What should be held on a node: one function of each Instance that names it.

home N (without a home: spec.computeNodeName N, if it fits)    Running            its size and placement
move Accepted towards N, if it fits                            Incoming           max(old, new) per amount
move Moved away from N                                         ReservedForRevert  old size
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Role
from hypertally.api.instance import Instance, MovePhase
from hypertally.api.placement import PlacementRequest, digest

from .vectors import most


@dataclass(frozen=True)
class Want:
    """One claim that should stand. `binding` is the Instance's generation as long as it has no home."""

    resources: Amounts
    placement: PlacementRequest | None = None
    binding: int | None = None
    migration_uid: str = ""
    arrives_with: Amounts | None = None
    """`Incoming`: the size that is placed. Held are the old and the new size, whichever is more; but the cells, CPUs
    and pages that are chosen stay the guest's, and it has the new size then."""

    @property
    def placed(self) -> Amounts:
        """The size for which cells are chosen."""
        return self.resources if self.arrives_with is None else self.arrives_with

    @property
    def digest(self) -> str:
        """As claims keep it."""
        return digest(self.placement)


def wants(instance: Instance, node: str) -> dict[Role, Want]:
    result: dict[Role, Want] = {}
    status = instance.status
    if (status.compute_node_name or instance.spec.compute_node_name) == node:
        result[Role.RUNNING] = _running(instance)
    move = status.move
    if move and move.phase is MovePhase.ACCEPTED and move.target == node:
        size = most(move.old_resources, move.new_resources)
        result[Role.INCOMING] = Want(
            size, move.new_placement, migration_uid=move.migration_uid, arrives_with=move.new_resources
        )
    if move and move.phase is MovePhase.MOVED and move.source == node:
        result[Role.RESERVED_FOR_REVERT] = Want(
            move.old_resources, move.old_placement, migration_uid=move.migration_uid
        )
    return result


def _running(instance: Instance) -> Want:
    spec, status = instance.spec, instance.status
    if not status.compute_node_name:
        return Want(spec.amounts(), spec.placement, binding=instance.metadata.generation)
    if status.resources is None:
        return Want(spec.amounts(), spec.placement)
    return Want(status.resources, status.placement)


def seniority(instance: Instance) -> tuple[bool, str, str, str]:
    """Of two Instances with one uuid: who is accounted, then the older, then by name."""
    meta = instance.metadata
    return (not instance.status.compute_node_name, meta.creation_timestamp, meta.namespace, meta.name)


def owner(twins: Iterable[Instance]) -> Instance | None:
    """The one of all Instances with a uuid that stands for the guest; the others hold nothing."""
    return min(twins, key=seniority, default=None)


def names(instance: Instance) -> set[str]:
    """Every ComputeNode on which this Instance may hold something."""
    move = instance.status.move
    ends = (move.source, move.target) if move else ()
    return {n for n in (instance.status.compute_node_name or instance.spec.compute_node_name, *ends) if n}
