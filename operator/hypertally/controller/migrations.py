"""One Migration at a time: what became of the move that it declares."""

from msgspec.structs import replace

from hypertally.api.base import to_wire
from hypertally.api.carry import carry_unknown
from hypertally.api.compute_node import ComputeNode
from hypertally.api.decode import decode
from hypertally.api.instance import Instance
from hypertally.api.migration import Migration, MigrationStatus
from hypertally.kube.kinds import MIGRATION, Ref
from hypertally.ledger.conditions import aged
from hypertally.ledger.evidence import gather
from hypertally.ledger.migration_conditions import findings, lock_of
from hypertally.ledger.moves import is_closed

from .kit import Kit
from .nodes import NodeReconciler
from .patches import status_patch
from .store import instance_key

Nodes = dict[str, ComputeNode | None]


class MigrationReconciler:
    def __init__(self, kit: Kit, nodes: NodeReconciler) -> None:
        self._kit = kit
        self._cache = kit.cache
        self._reads = kit.reads
        self._nodes = nodes

    async def reconcile(self, key: str) -> None:
        """May raise any KubeError; Conflict and Invalid mean that somebody else wrote: try again."""
        cached = self._cache.migrations.get(key)
        if cached is None or self._next(cached, *self._remembered(cached)) == cached.status:
            return
        raw = await self._reads.raw_migration(key)
        if raw is None:
            return
        migration = decode(raw, Migration)
        status = self._next(migration, *await self._read(migration))
        if status == migration.status:
            return
        wire = carry_unknown(raw.get("status"), to_wire(status), MigrationStatus)
        ref = Ref(MIGRATION, migration.metadata.name, migration.metadata.namespace)
        written = await self._kit.client.patch(ref, status_patch(migration.metadata, wire), "status")
        self._cache.migrations.renew(written)
        self._kit.events.tell_transitions(migration, status)

    def _next(self, migration: Migration, instance: Instance | None, nodes: Nodes) -> MigrationStatus:
        """A Migration that is over stays as it is: its record."""
        if is_closed(migration):
            return migration.status
        evidence = {n: gather(instance, node, None) for n, node in nodes.items()} if instance else {}
        known = frozenset(name for name, node in nodes.items() if node is not None)
        move = lock_of(migration, instance)
        target = nodes.get(move.target) if move else None
        missing = self._nodes.missing_for_move(instance, target) if instance and target else ()
        said = findings(migration, instance, evidence, known, missing=missing)
        status = migration.status
        if move is not None and instance is not None:
            status = replace(status, uuid=instance.spec.uuid, source=move.source, target=move.target)
        conditions = aged(said, migration.status.conditions, self._kit.now(), migration.metadata.generation)
        return replace(status, conditions=conditions)

    def _remembered(self, migration: Migration) -> tuple[Instance | None, Nodes]:
        instance = self._cache.instances.get(instance_key(migration))
        return instance, {name: self._cache.nodes.get(name) for name in _concerned(migration, instance)}

    async def _read(self, migration: Migration) -> tuple[Instance | None, Nodes]:
        instance = await self._reads.instance(instance_key(migration))
        return instance, {name: await self._reads.node(name) for name in sorted(_concerned(migration, instance))}


def _concerned(migration: Migration, instance: Instance | None) -> set[str]:
    """Its target, and every end at which the move may hold something."""
    concerned = {migration.spec.target_compute_node_name}
    if instance is not None:
        move = instance.status.move
        concerned |= {instance.status.compute_node_name, instance.spec.compute_node_name}
        concerned |= {move.source, move.target} if move else set()
    return concerned - {""}
