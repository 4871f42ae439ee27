"""Where an Instance is accounted: its home, its granted size and its move, from evidence read after the Instance.

Only an Instance's status depends on Migrations. A Migration that was deleted, a restart and a second controller
are ordinary cases: each rule looks at what is, never at what happened.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from hypertally.api.compute_node import Role
from hypertally.api.conditions import is_true
from hypertally.api.instance import Instance, InstanceStatus, Move, MovePhase, MoveType
from hypertally.api.migration import Migration, MigrationCondition, Outcome

from .evidence import Evidence, Sight, is_better

Nodes = Mapping[str, Evidence]
NOWHERE = Evidence()
TWO_PHASES = (MoveType.COLD, MoveType.RESIZE)
"""An outcome is awaited after the guest has arrived."""


def next_status(instance: Instance, nodes: Nodes, migrations: Sequence[Migration]) -> InstanceStatus:
    """The same status when nothing is to be done. `nodes` has every node that the Instance or a Migration names."""
    status, move = instance.status, instance.status.move
    if move is None:
        return _settle(instance, nodes) or _accept(instance, nodes, migrations) or _follow(instance, nodes) or status
    if move.phase is MovePhase.ENDED:
        return _forget(instance, move, nodes, migrations) or status
    if move.type is MoveType.OBSERVED:
        return _watch(status, move, nodes) or status
    return _advance(status, move, nodes, migrations) or status


def is_closed(migration: Migration) -> bool:
    return is_true(migration.status.conditions, MigrationCondition.COMPLETED)


def is_open(migration: Migration) -> bool:
    """Without an outcome and not completed."""
    return not is_closed(migration) and migration.spec.outcome is None


def is_for(migration: Migration, instance: Instance) -> bool:
    """Pinned at acceptance: an Instance created anew under the old name for another guest is another."""
    return migration.status.uuid in ("", instance.spec.uuid)


def home_of(instance: Instance) -> str:
    """Where it is accounted, or shall be."""
    return instance.status.compute_node_name or instance.spec.compute_node_name


def is_clean(instance: Instance, move: Move, nodes: Nodes) -> bool:
    """Neither end holds a claim for the move, and the end that is not home holds at most `Leaving`."""
    home = home_of(instance)
    at_home = nodes.get(home, NOWHERE)
    if at_home.holds(Role.INCOMING, Role.RESERVED_FOR_REVERT):
        return False
    return not any(nodes.get(end, NOWHERE).stays for end in (move.source, move.target) if end != home)


def is_barred(home: str, target: str, nodes: Nodes) -> bool:
    """An operator lets no such move begin. A guest that is at the target already has moved: it is accounted."""
    there = nodes.get(target, NOWHERE)
    return nodes.get(home, NOWHERE).frozen or (there.bar is not None and there.sight is Sight.ABSENT)


def _settle(instance: Instance, nodes: Nodes) -> InstanceStatus | None:
    """No home: the bound node holds `Running`, made for the present binding. A home that holds nothing is none."""
    status, bound = instance.status, instance.spec.compute_node_name
    if status.compute_node_name:
        home = nodes.get(status.compute_node_name, NOWHERE)
        lost = home.current and home.nothing
        return replace(status, compute_node_name="", resources=None, placement=None) if lost else None
    for claim in nodes.get(bound, NOWHERE).claims:
        made_for_this = (
            claim.instance_uid == instance.metadata.uid and claim.instance_generation == instance.metadata.generation
        )
        if claim.role is Role.RUNNING and made_for_this:
            granted = replace(status, resources=claim.resources, placement=instance.spec.placement)
            return replace(granted, compute_node_name=bound, refused_compute_node_name="")
    return None


def _accept(instance: Instance, nodes: Nodes, migrations: Sequence[Migration]) -> InstanceStatus | None:
    status, home = instance.status, instance.status.compute_node_name
    size = status.resources
    if not home or size is None:
        return None
    for migration in migrations:
        spec = migration.spec
        target = spec.target_compute_node_name
        leads_away = target != home or spec.type is MoveType.RESIZE
        may_begin = is_open(migration) and is_for(migration, instance) and not is_barred(home, target, nodes)
        if not (may_begin and leads_away and nodes.get(target, NOWHERE).has_ledger):
            continue
        move = Move(
            type=spec.type,
            phase=MovePhase.ACCEPTED,
            source=home,
            target=target,
            old_resources=size,
            new_resources=spec.resources.amounts(spec.placement) if spec.resources else size,
            old_placement=status.placement,
            new_placement=spec.placement if spec.resources else status.placement,
            migration_uid=migration.metadata.uid,
            migration_name=migration.metadata.name,
        )
        return replace(status, move=move)
    return None


def _follow(instance: Instance, nodes: Nodes) -> InstanceStatus | None:
    """A guest that somebody moved: another node's newer report lists it in a better state than home's does."""
    status = instance.status
    home = home_of(instance)
    size = status.resources or instance.spec.amounts()
    placement = status.placement if status.resources else instance.spec.placement
    if not home:
        return None
    at_home = nodes.get(home, NOWHERE)
    for name, there in sorted(nodes.items()):
        if name != home and there.has_ledger and there.settled and not there.silent and is_better(there.sight, at_home):
            move = Move(
                type=MoveType.OBSERVED,
                phase=MovePhase.ACCEPTED,
                source=home,
                target=name,
                old_resources=size,
                new_resources=size,
                old_placement=placement,
                new_placement=placement,
            )
            return replace(status, move=move)
    return None


def _watch(status: InstanceStatus, move: Move, nodes: Nodes) -> InstanceStatus | None:
    """An observed move ends where a report newer than its `Incoming` claim says.

    Nobody can end it by an outcome, so a target that fell silent ends it: its report may never come, and until then no
    declared move could begin.
    """
    target, source = nodes.get(move.target, NOWHERE), nodes.get(move.source, NOWHERE)
    if target.fresh is not None and is_better(target.fresh, source):
        return _ended(_at_target(status, move), move)
    if target.fresh is not None or target.nothing or target.silent:
        return _ended(status, move)
    return None


def _advance(
    status: InstanceStatus, move: Move, nodes: Nodes, migrations: Sequence[Migration]
) -> InstanceStatus | None:
    migration = next((m for m in migrations if m.metadata.uid == move.migration_uid and not is_closed(m)), None)
    if migration is None:
        return _ended(status, move)
    outcome = migration.spec.outcome
    if outcome in (Outcome.REVERTED, Outcome.CANCELLED):
        return _ended(_at_source(status, move), move)
    there = _at_target(status, move)
    if outcome is Outcome.CONFIRMED and move.type in TWO_PHASES:
        return _ended(there if move.phase is MovePhase.ACCEPTED else status, move)
    if move.phase is MovePhase.ACCEPTED and _has_arrived(move, nodes):
        moved = replace(move, phase=MovePhase.MOVED)
        return replace(there, move=moved) if move.type in TWO_PHASES else _ended(there, move)
    return None


def _has_arrived(move: Move, nodes: Nodes) -> bool:
    """Told by a report newer than the target's `Incoming`."""
    target, source = nodes.get(move.target, NOWHERE), nodes.get(move.source, NOWHERE)
    if target.fresh is None:
        return False
    if move.source == move.target:
        return move.new_resources != move.old_resources and target.size == move.new_resources
    if move.type is MoveType.LIVE:
        left_paused = target.fresh is Sight.DEFINED and source.gone
        return target.fresh is Sight.RUNNING or left_paused
    return target.fresh is not Sight.ABSENT


def _forget(instance: Instance, move: Move, nodes: Nodes, migrations: Sequence[Migration]) -> InstanceStatus | None:
    """Once both ends have let go and the Migration has been told."""
    told = all(is_closed(m) for m in migrations if m.metadata.uid == move.migration_uid)
    return replace(instance.status, move=None) if told and is_clean(instance, move, nodes) else None


def _ended(status: InstanceStatus, move: Move) -> InstanceStatus:
    return replace(status, move=replace(move, phase=MovePhase.ENDED))


def _at_source(status: InstanceStatus, move: Move) -> InstanceStatus:
    """Home is where it was, as it was."""
    return replace(status, compute_node_name=move.source, resources=move.old_resources, placement=move.old_placement)


def _at_target(status: InstanceStatus, move: Move) -> InstanceStatus:
    return replace(status, compute_node_name=move.target, resources=move.new_resources, placement=move.new_placement)
