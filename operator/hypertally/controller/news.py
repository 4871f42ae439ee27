"""What of a change is worth an Event: transitions that a person would want to be told of, each once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hypertally.api.compute_node import ComputeNode, ComputeNodeStatus, NodeCondition
from hypertally.api.conditions import Condition, Status, find
from hypertally.api.instance import Instance, InstanceStatus, MovePhase, MoveType
from hypertally.api.migration import Migration, MigrationStatus

Kind = ComputeNode | Instance | Migration
KindStatus = ComputeNodeStatus | InstanceStatus | MigrationStatus

_ON_THE_WAY = frozenset({"NotSeen", "NotAccounted", "Pending", "InProgress", "Open"})
"""States that the next write replaces."""

_TRUE_AND_STILL_BAD = frozenset(
    {"Overcommitted", "SizeDiffersFromSpec", "PlacementDiffersFromSpec", "Unplaced", "Drifted"}
)
"""Reasons of conditions that hold, and somebody should look."""

_AS_SOMEBODY_WANTS = frozenset({"Cordoned", "Maintenance"})
"""Reasons for which a host is not ready, and nothing is wrong."""


@dataclass(frozen=True)
class News:
    """One Event. `warns`: somebody should look."""

    reason: str
    message: str
    warns: bool


def news(before: Kind, after: KindStatus) -> Iterator[News]:
    """Of the status that was written, against the object that it was decided on."""
    if isinstance(before, ComputeNode):
        yield from _of_node(before.status.conditions, after.conditions)
        return
    for condition in _changed(before.status.conditions, after.conditions):
        if condition.type != "Ready" and condition.reason not in _ON_THE_WAY:  # Ready only repeats the others
            warns = condition.status is not Status.TRUE or condition.reason in _TRUE_AND_STILL_BAD
            yield News(condition.reason, condition.message or condition.type, warns)
    if isinstance(before, Instance) and isinstance(after, InstanceStatus):
        yield from _of_place(before.status, after)


def _changed(before: Sequence[Condition], after: Sequence[Condition]) -> Iterator[Condition]:
    """Another status or reason: a message may follow numbers, which are no news."""
    for condition in after:
        old = find(tuple(before), condition.type)
        if old is None or (old.status, old.reason) != (condition.status, condition.reason):
            yield condition


def _of_node(before: Sequence[Condition], after: Sequence[Condition]) -> Iterator[News]:
    """The controller's conditions: what Ready says, and what is wrong or no longer is."""
    for condition in _changed(before, after):
        if condition.type == NodeCondition.READY:
            if condition.reason != NodeCondition.IDENTITY_CONFLICT:  # that condition tells it itself
                warns = condition.status is not Status.TRUE and condition.reason not in _AS_SOMEBODY_WANTS
                yield News(condition.reason, condition.message, warns)
        elif condition.status is Status.TRUE:
            yield News(condition.type, condition.message, warns=True)
        elif (old := find(tuple(before), condition.type)) is not None and old.status is Status.TRUE:
            yield News(condition.reason, condition.message, warns=False)


def collected(node: ComputeNode) -> News:
    """Of a record that was just deleted."""
    text = f"Its host {node.spec.host_uuid} is gone and nothing stood for it any more: the record is deleted."
    return News("Collected", text, warns=False)


def _of_place(before: InstanceStatus, after: InstanceStatus) -> Iterator[News]:
    home, move = after.compute_node_name, after.move
    if home and before.compute_node_name and home != before.compute_node_name:
        text = f"Accounted on {home} now; it was on {before.compute_node_name}."
        yield News("Moved", text, warns=False)
    begins = move is not None and move.phase is MovePhase.ACCEPTED and before.move is None
    if move is not None and begins and move.type is MoveType.OBSERVED:
        text = f"{move.target} lists its guest, and no Migration declares that: the move is followed."
        yield News("MoveObserved", text, warns=False)
