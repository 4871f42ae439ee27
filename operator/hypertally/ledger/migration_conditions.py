"""The conditions of a Migration: is the target's place held, and is the move over."""

from collections.abc import Sequence

from hypertally.api.compute_node import Role
from hypertally.api.conditions import Status
from hypertally.api.instance import Instance, Move, MovePhase, MoveType
from hypertally.api.migration import Migration, MigrationCondition

from .conditions import Finding
from .evidence import Evidence, Sight
from .gate import Bar
from .moves import NOWHERE, TWO_PHASES, Nodes, home_of, is_barred, is_clean, is_closed, is_for
from .places import Refusal
from .refusals import no_room

CLAIMED, COMPLETED = MigrationCondition.CLAIMED, MigrationCondition.COMPLETED


def findings(
    migration: Migration,
    instance: Instance | None,
    nodes: Nodes,
    known_nodes: frozenset[str],
    *,
    missing: Sequence[Refusal] = (),
) -> tuple[Finding, ...]:
    """What is said of a Migration that is not completed yet. `missing`: what its target refuses to the Instance."""
    return _claimed(migration, instance, nodes, known_nodes, missing), _completed(migration, instance, nodes)


def lock_of(migration: Migration, instance: Instance | None) -> Move | None:
    """The Instance's move, if it is this Migration's."""
    move = instance.status.move if instance else None
    return move if move is not None and move.migration_uid == migration.metadata.uid else None


def _claimed(
    migration: Migration,
    instance: Instance | None,
    nodes: Nodes,
    known: frozenset[str],
    missing: Sequence[Refusal],
) -> Finding:
    if instance is None:
        name = migration.spec.instance_name
        return Finding(CLAIMED, Status.FALSE, "InstanceNotFound", f"There is no Instance {name} in this namespace.")
    if not is_for(migration, instance):
        text = (
            f"It was for guest {migration.status.uuid}; Instance {instance.metadata.name} stands for another guest now:"
            " delete this Migration."
        )
        return Finding(CLAIMED, Status.FALSE, "InstanceReplaced", text)
    move = lock_of(migration, instance)
    if move is None:
        return _of_waiting(migration, instance, nodes, known)
    return _of_accepted(move, instance, nodes, missing)


def _of_waiting(migration: Migration, instance: Instance, nodes: Nodes, known: frozenset[str]) -> Finding:
    spec = migration.spec
    target, move, home = spec.target_compute_node_name, instance.status.move, instance.status.compute_node_name
    obstacles = (
        (target not in known, "NodeNotFound", f"There is no ComputeNode {target}: delete this Migration."),
        (move is not None, "MoveInProgress", f"Another move is under way: {_name(move)}. This one waits for it."),
        (not home, "InstanceNotAccounted", "The Instance has no home to move from: its condition Claimed says why."),
        (
            target == home and spec.type is not MoveType.RESIZE,
            "TargetIsSource",
            f"It is accounted on {target} already: delete this Migration.",
        ),
    )
    for stands, reason, message in obstacles:
        if stands:
            return Finding(CLAIMED, Status.FALSE, reason, message)
    there = nodes.get(target, NOWHERE)
    if is_barred(home, target, nodes):
        return _barred(home, there)
    return Finding(CLAIMED, Status.FALSE, "Pending", _pending(target, there))


def _barred(home: str, target: Evidence) -> Finding:
    if target.bar is not None and target.sight is Sight.ABSENT:
        return Finding(CLAIMED, Status.FALSE, target.bar.reason, target.bar.message)
    return Finding(CLAIMED, Status.FALSE, "SourceFrozen", f"{home} is frozen by its operator: no move away begins.")


def _pending(target: str, there: Evidence) -> str:
    if not there.has_ledger:
        return f"Nothing has been accounted on {target} yet: its condition Ready says why."
    return "Not accepted yet."


def _name(move: Move | None) -> str:
    return f"Migration {move.migration_name}" if move and move.migration_name else "one that nobody declared"


def _of_accepted(move: Move, instance: Instance, nodes: Nodes, missing: Sequence[Refusal]) -> Finding:
    if move.phase is not MovePhase.ACCEPTED:
        return Finding(CLAIMED, Status.TRUE, "Moved", f"Accounted on {home_of(instance)}.")
    claims = nodes.get(move.target, NOWHERE).claims
    held = [c for c in claims if c.role is Role.INCOMING and c.instance_uid == instance.metadata.uid]
    if any(c.overcommitted for c in held):
        text = f"{move.target} lists the guest already and has no room for it: it is charged all the same."
        return Finding(CLAIMED, Status.TRUE, "Overcommitted", text)
    if held:
        return Finding(CLAIMED, Status.TRUE, "Claimed", f"{move.target} holds its place: the guest may be moved now.")
    if missing and isinstance(missing[0], Bar):
        advice = "Do not move the guest: wait, or set spec.outcome to Cancelled."
        return Finding(CLAIMED, Status.FALSE, missing[0].reason, f"{missing[0]} {advice}")
    if missing:
        advice = "Do not move the guest: wait for room, or set spec.outcome to Cancelled."
        return Finding(CLAIMED, Status.FALSE, "NoRoom", f"{no_room(move.target, missing)} {advice}")
    return Finding(CLAIMED, Status.FALSE, "NoRoom", f"{move.target} does not hold a place for it yet.")


def _completed(migration: Migration, instance: Instance | None, nodes: Nodes) -> Finding:
    if is_closed(migration):
        return Finding(COMPLETED, Status.TRUE, "Completed", "")
    outcome = migration.spec.outcome
    if instance is None:
        over = bool(migration.status.uuid) or outcome is not None
        if not over:
            return Finding(COMPLETED, Status.FALSE, "Open", "It has not begun.")
        return Finding(COMPLETED, Status.TRUE, "InstanceDeleted", "The Instance was deleted: nothing is left to move.")
    if not is_for(migration, instance):
        return Finding(COMPLETED, Status.TRUE, "InstanceDeleted", "The Instance that it was for was deleted.")
    move = lock_of(migration, instance)
    ended = move is not None and move.phase is MovePhase.ENDED and is_clean(instance, move, nodes)
    done = ended or (move is None and outcome is not None)
    if done:
        return Finding(
            COMPLETED, Status.TRUE, "Completed", f"The Instance is accounted on {home_of(instance) or 'no node'}."
        )
    return Finding(COMPLETED, Status.FALSE, "InProgress", _awaited(move, instance) if move else "It has not begun.")


def _awaited(move: Move, instance: Instance) -> str:
    """What has to happen next, and who does it."""
    if move.phase is MovePhase.ACCEPTED:
        change = " with its new size" if move.source == move.target else ""
        return f"Waits for a report of {move.target} that lists the guest{change}."
    if move.phase is MovePhase.MOVED and move.type in TWO_PHASES:
        return f"{move.target} has the guest: spec.outcome is awaited, Confirmed or Reverted."
    home = home_of(instance)
    others = ", ".join(sorted({move.source, move.target} - {home})) or home
    return f"It is accounted on {home or 'no node'}; waits for {others} to let go of its claim."
