"""The real rules under all that users, movers, agents and two controllers with stale caches may do, step by step.

With HYPERTALLY_EXHAUSTIVE=1 for many more and longer runs.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from hypertally.api.compute_node import ComputeNode, Role
from hypertally.api.instance import Instance, InstanceStatus, MovePhase, MoveType
from hypertally.api.migration import Migration
from hypertally.ledger.proof import AgentLook
from tests.ledger.audit import (
    Clerk,
    assert_granted,
    assert_leftover_free,
    assert_listed,
    assert_sums,
    assert_truth,
)
from tests.ledger.books import (
    Controller,
    Memory,
    concerned,
    decide_ledger,
    decide_migration,
    decide_status,
    migrations_of,
)
from tests.ledger.bounds import EXAMPLES, STEPS
from tests.ledger.surroundings import HOSTS, MOVES, NAMES, Surroundings, controllers, hosts, moves, names, sizes


@dataclass
class Reader:
    """A controller half way: what it has read and not yet written."""

    memory: Memory = field(default_factory=Memory)
    node: ComputeNode | None = None
    instance: Instance | None = None
    nodes: dict[str, tuple[ComputeNode | None, AgentLook | None]] = field(default_factory=dict)
    migrations: list[Migration] | None = None


class Declared(Surroundings):
    """Two controllers keep the books of a world in which everything is declared."""

    def __init__(self) -> None:
        super().__init__()
        self.clerk = Clerk(self.world)
        self.readers = [Reader(), Reader()]
        self.strayed = False

    # -- controllers

    @rule(c=controllers, name=names)
    def see(self, c: int, name: str) -> None:
        self.readers[c].memory.see(self.world, name)

    @rule(c=controllers, host=hosts)
    def read_node(self, c: int, host: str) -> None:
        self.readers[c].node = self.world.nodes.get(host)

    @rule(c=controllers)
    def write_node(self, c: int) -> None:
        """Instances and the Lease are read now, or remembered from long ago."""
        reader = self.readers[c]
        if reader.node is not None:
            self.swap(reader.node, reader.memory)
        reader.node = None

    @rule(c=controllers)
    def keep_nodes(self, c: int) -> None:
        """Twice: what was written is stamped."""
        for host in (*HOSTS, *HOSTS):
            self.keep_node(c, host)

    @rule(c=controllers, host=hosts)
    def keep_node_from_memory(self, c: int, host: str) -> None:
        if host in self.world.nodes:
            self.swap(self.world.nodes[host], self.readers[c].memory)

    def swap(self, node: ComputeNode, memory: Memory) -> None:
        new = decide_ledger(self.world, memory, node)
        before = self.world.nodes.get(node.metadata.name)
        if new is not None and self.world.swap_ledger(node, new) and before is not None:
            self.clerk.check(before, self.world.nodes[node.metadata.name])

    @rule(c=controllers, host=hosts)
    def keep_node(self, c: int, host: str) -> None:
        if host in self.world.nodes:
            self.readers[c].memory.catch_up(self.world)
            self.swap(self.world.nodes[host], self.readers[c].memory)

    @rule(c=controllers, name=names)
    def read_instance(self, c: int, name: str) -> None:
        reader = self.readers[c]
        reader.instance, reader.nodes, reader.migrations = self.world.instances.get(name), {}, None

    @rule(c=controllers, host=hosts)
    def read_surroundings(self, c: int, host: str) -> None:
        node = self.world.nodes.get(host)
        self.readers[c].nodes[host] = (node, self.world.look(node))

    @rule(c=controllers)
    def read_migrations(self, c: int) -> None:
        reader = self.readers[c]
        if reader.instance is not None:
            reader.migrations = migrations_of(self.world, reader.instance)

    @rule(c=controllers)
    def write_instance(self, c: int) -> None:
        """What was not read before is read now."""
        reader, instance = self.readers[c], self.readers[c].instance
        if instance is None:
            return
        world = self.world
        around = {}
        for name in concerned(world, instance):
            around[name] = reader.nodes.get(name) or (world.nodes.get(name), world.look(world.nodes.get(name)))
        declared = migrations_of(world, instance) if reader.migrations is None else reader.migrations
        status = decide_status(world, reader.memory, instance, around, declared)
        if status != instance.status and world.swap_instance(instance, status):
            move = status.move
            self.check_arrival(instance, status)
            followed = move is not None and (move.type, move.phase) == (MoveType.OBSERVED, MovePhase.ENDED)
            self.strayed |= followed and move is not None and status.compute_node_name == move.target
        reader.instance = None

    def check_arrival(self, before: Instance, status: InstanceStatus) -> None:
        """Home follows the guest only by a look at the target that began after its place was claimed."""
        move = before.status.move
        if move is None or status.compute_node_name in ("", before.status.compute_node_name):
            return
        declared = next((m for m in self.world.migrations.values() if m.metadata.uid == move.migration_uid), None)
        node = self.world.nodes.get(move.target)
        claims = node.status.ledger.claims if node and node.status.ledger else ()
        held = next((c for c in claims if (c.uuid, c.role) == (before.spec.uuid, Role.INCOMING)), None)
        if held is not None and not held.overcommitted and (declared is None or declared.spec.outcome is None):
            assert self.clerk.is_newer(move.target, held), f"{before.spec.uuid} arrived by a look older than {held}"

    @rule(c=controllers, name=names)
    def keep_instance(self, c: int, name: str) -> None:
        self.read_instance(c, name)
        self.readers[c].memory.catch_up(self.world)
        self.write_instance(c)

    @rule(name=moves)
    def keep_migration(self, name: str) -> None:
        held = self.world.migrations.get(name)
        if held is not None:
            status = decide_migration(self.world, held)
            self.world.swap_migration(held, status)
            self.hear(name, self.world.migrations[name])

    @rule(c=controllers)
    def keep_all(self, c: int) -> None:
        for name in NAMES:
            self.keep_instance(c, name)
        for host in HOSTS:
            self.keep_node(c, host)
        for name in MOVES:
            self.keep_migration(name)

    # -- what holds

    @invariant()
    def what_is_listed_is_charged_and_the_sums_are_right(self) -> None:
        for node in self.world.nodes.values():
            assert_listed(node)
            assert_sums(node)

    @invariant()
    def every_guest_is_charged_where_it_really_is(self) -> None:
        assert_truth(self.world)

    @invariant()
    def what_was_granted_is_in_the_ledger(self) -> None:
        if not self.strayed:
            assert_granted(self.world)

    def teardown(self) -> None:
        if not self.world.hosts:
            return
        for host in self.world.hosts.values():
            host.alive = True
        Controller(self.world).settle()
        assert_leftover_free(self.world)


class Anything(Declared):
    """Guests become anything anywhere, node objects are deleted, agents fall silent, Instances share a uuid."""

    @rule(name=names, host=hosts, number=sizes, state=st.integers(0, 2))
    def become(self, name: str, host: str, number: int, state: int) -> None:
        self.put(host, name, number * 4 + state if state else 0)

    @rule(host=hosts)
    def drop(self, host: str) -> None:
        if host in self.world.nodes:
            self.world.drop_node(host)

    @rule(host=hosts, alive=st.booleans())
    def fall_silent(self, host: str, alive: bool) -> None:
        self.world.hosts[host].alive = alive

    @rule(host=hosts, number=sizes)
    def twin(self, host: str, number: int) -> None:
        if "twin-of-a" not in self.world.instances:
            self.world.declare("twin-of-a", "a", host, number)

    @rule()
    def delete_twin(self) -> None:
        self.world.instances.pop("twin-of-a", None)

    @invariant()
    def every_guest_is_charged_where_it_really_is(self) -> None:
        """Not in this world: what nobody declared is charged once it is reported."""

    @invariant()
    def what_was_granted_is_in_the_ledger(self) -> None:
        """Not in this world: a node object that somebody deletes takes its ledger with it."""


Declared.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
Anything.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)

TestDeclared = Declared.TestCase
TestAnything = Anything.TestCase
