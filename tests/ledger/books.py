"""How a controller drives the rules, which are the real ones: which object it reads when, and from where.

Reading order as in hypertally.controller: the object that will be swapped first, its inputs after it; whatever lowers a
charge from live reads. `Memory` is a controller's cache: as old as it likes to be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from hypertally.api.compute_node import ComputeNode, Ledger
from hypertally.api.instance import Instance, InstanceStatus
from hypertally.api.migration import Migration, MigrationStatus
from hypertally.ledger.conditions import aged
from hypertally.ledger.evidence import gather
from hypertally.ledger.migration_conditions import findings, lock_of
from hypertally.ledger.moves import home_of, is_closed, is_open, next_status
from hypertally.ledger.proof import AgentLook
from hypertally.ledger.reconcile import Inputs, is_lowered, next_ledger, same_content
from hypertally.ledger.wants import names, owner
from tests.ledger.make import NOW
from tests.ledger.world import World

_ROUNDS = 8


@dataclass
class Memory:
    """The Instances that a controller has seen, by name."""

    instances: dict[str, Instance] = field(default_factory=dict)

    def see(self, world: World, name: str) -> None:
        if name in world.instances:
            self.instances[name] = world.instances[name]
        else:
            self.instances.pop(name, None)

    def catch_up(self, world: World) -> None:
        self.instances = dict(world.instances)

    def twins(self, uuid: str) -> list[Instance]:
        return [i for i in self.instances.values() if i.spec.uuid == uuid]


def decide_ledger(world: World, memory: Memory, node: ComputeNode) -> Ledger | None:
    """`node` was read before. None when its ledger stands as it is."""
    held = node.status.ledger
    live: dict[str, Instance | None] = {}
    if held is None:
        granted = [i for i in world.instances.values() if i.status.compute_node_name == node.metadata.name]
        live = {i.spec.uuid: i for i in granted}
    look = world.look(node)
    for _ in range(_ROUNDS):
        new = _next(memory, node, live, look)
        unread = is_lowered(held, new) - live.keys() if new else set()
        if not unread:
            return new
        for uuid in unread:
            live[uuid] = _read_owner(world, memory, node, uuid)
    raise AssertionError("one round reads what the one before found to be lowered: eight are not enough")


def _next(
    memory: Memory, node: ComputeNode, live: Mapping[str, Instance | None], look: AgentLook | None
) -> Ledger | None:
    held = node.status.ledger
    name = node.metadata.name
    uuids = {i.spec.uuid for i in memory.instances.values() if name in names(i)} | live.keys()
    uuids |= {c.uuid for c in held.claims} if held else set()
    found = {uuid: live[uuid] if uuid in live else owner(memory.twins(uuid)) for uuid in uuids}
    declared = {i.spec.uuid for i in memory.instances.values()}
    inputs = Inputs(node=node, owners={u: i for u, i in found.items() if i is not None}, declared=declared, look=look)
    outcome = next_ledger(inputs)
    return None if outcome is None or same_content(held, outcome.ledger) else outcome.ledger


def _read_owner(world: World, memory: Memory, node: ComputeNode, uuid: str) -> Instance | None:
    held = node.status.ledger
    keys = {c.name for c in held.claims if c.uuid == uuid} if held else set()
    keys |= {i.metadata.name for i in memory.twins(uuid)}
    return owner(i for name in keys if (i := world.instances.get(name)) is not None and i.spec.uuid == uuid)


def concerned(world: World, instance: Instance) -> set[str]:
    """ComputeNodes that an Instance's status may depend on."""
    uuid = instance.spec.uuid
    targets = {m.spec.target_compute_node_name for m in migrations_of(world, instance) if is_open(m)}
    showing = {name for name, node in world.nodes.items() if _shows(node, uuid)}
    return names(instance) | targets | showing | ({home_of(instance)} - {""})


def _shows(node: ComputeNode, uuid: str) -> bool:
    listed = any(g.uuid == uuid for g in node.status.report.guests) if node.status.report else False
    return listed or (any(c.uuid == uuid for c in node.status.ledger.claims) if node.status.ledger else False)


def migrations_of(world: World, instance: Instance) -> list[Migration]:
    found = [m for m in world.migrations.values() if m.spec.instance_name == instance.metadata.name]
    return sorted(found, key=lambda m: (m.metadata.creation_timestamp, m.metadata.name))


def decide_status(
    world: World,
    memory: Memory,
    instance: Instance,
    nodes: Mapping[str, tuple[ComputeNode | None, AgentLook | None]],
    migrations: Sequence[Migration],
) -> InstanceStatus:
    """`instance` was read before `nodes` and `migrations` were."""
    elder = owner([*memory.twins(instance.spec.uuid), instance])
    if elder is not None and elder.metadata.uid != instance.metadata.uid:
        return instance.status
    evidence = {
        name: gather(instance, node, look, silent=name in world.hosts and not world.hosts[name].alive)
        for name, (node, look) in nodes.items()
    }
    return next_status(instance, evidence, migrations)


def decide_migration(world: World, migration: Migration) -> MigrationStatus:
    if is_closed(migration):
        return migration.status
    instance = world.instances.get(migration.spec.instance_name)
    concerned_ = {migration.spec.target_compute_node_name} | (names(instance) if instance else set())
    nodes = {name: world.nodes.get(name) for name in concerned_}
    evidence = {n: gather(instance, node, None) for n, node in nodes.items()} if instance else {}
    known = frozenset(name for name, node in nodes.items() if node is not None)
    status, move = migration.status, lock_of(migration, instance)
    if move is not None and instance is not None:
        status = replace(status, uuid=instance.spec.uuid, source=move.source, target=move.target)
    said = findings(migration, instance, evidence, known)
    return replace(status, conditions=aged(said, migration.status.conditions, NOW, migration.metadata.generation))


class Controller:
    """One that reads everything anew before each decision."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.memory = Memory()

    def work(self) -> bool:
        """Each object once. True if anything was written."""
        world = self.world
        written = False
        for name in sorted(world.nodes):
            written |= self.keep_ledger(name)
        for name in sorted(world.instances):
            written |= self.keep_instance(name)
        for name in sorted(world.migrations):
            written |= self.keep_migration(name)
        return written

    def keep_ledger(self, name: str) -> bool:
        self.memory.catch_up(self.world)
        node = self.world.nodes[name]
        new = decide_ledger(self.world, self.memory, node)
        return new is not None and self.world.swap_ledger(node, new)

    def keep_instance(self, name: str) -> bool:
        self.memory.catch_up(self.world)
        world, instance = self.world, self.world.instances[name]
        nodes = {n: (world.nodes.get(n), world.look(world.nodes.get(n))) for n in concerned(world, instance)}
        status = decide_status(world, self.memory, instance, nodes, migrations_of(world, instance))
        return status != instance.status and world.swap_instance(instance, status)

    def keep_migration(self, name: str) -> bool:
        migration = self.world.migrations[name]
        status = decide_migration(self.world, migration)
        return status != migration.status and self.world.swap_migration(migration, status)

    def rest(self) -> None:
        """Works until nothing is left to write, without any audit."""
        for _ in range(60):
            if not self.work():
                return
        raise AssertionError("in a quiet world one controller does not come to rest")

    def settle(self) -> None:
        """Works and lets every living agent audit, until neither changes anything any more."""
        quiet = 0
        for _ in range(60):
            for name, host in sorted(self.world.hosts.items()):
                if host.alive:
                    self.world.audit(name)
            quiet = 0 if self.work() else quiet + 1
            if quiet > 3:
                return
        raise AssertionError("with agents that audit, one controller does not come to rest")
