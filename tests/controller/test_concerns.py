"""Whatever changes: who would be told or charged something else because of it is looked at. Too many are harmless."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hypertally.api.base import to_wire
from hypertally.api.compute_node import ComputeNode, ComputeNodeStatus
from hypertally.api.instance import Instance
from hypertally.api.migration import Migration
from hypertally.controller.cache import Cache
from hypertally.controller.events import Events
from hypertally.controller.instances import InstanceReconciler
from hypertally.controller.kit import Kit
from hypertally.controller.migrations import MigrationReconciler
from hypertally.controller.nodes import NodeReconciler
from hypertally.controller.queue import Subject, Task, WorkQueue
from hypertally.controller.reads import LiveReads
from hypertally.controller.store import key_of
from tests.ledger import strategies as made
from tests.support.samples import NOW

Wanted = dict[Task, object]
World = tuple[list[Instance], list[Migration], list[ComputeNode]]
AnyKind = ComputeNode | Instance | Migration
SECOND_HOST = "0d0c4a5e-8a53-4a61-9b0f-2a9a5d1f7c22"
_ROUNDS = 10
_REPORTED = ("guests", "capacity", "guests_omitted")


class Program:
    """A controller without an API server: what it knows, and what it would write of it."""

    def __init__(self) -> None:
        nobody: Any = None
        self.tasks: set[Task] = set()
        self.cache = Cache(self.tasks.add, lambda: 0.0, 50.0)
        kit = Kit(nobody, LiveReads(nobody, "leases"), self.cache, Events(nobody, lambda: NOW), lambda: NOW)
        self.nodes = NodeReconciler(kit)
        self.instances = InstanceReconciler(kit, self.nodes, WorkQueue())
        self.migrations = MigrationReconciler(kit, self.nodes)
        self._version = 0

    def put(self, one: AnyKind) -> None:
        self._store(one).put(self._next_version(one))

    def remove(self, one: AnyKind) -> None:
        self._store(one).remove(self._next_version(one))

    def _store(self, one: AnyKind) -> Any:
        stores = {ComputeNode: self.cache.nodes, Instance: self.cache.instances, Migration: self.cache.migrations}
        return stores[type(one)]

    def _next_version(self, one: AnyKind) -> Any:
        self._version += 1
        return to_wire(replace(one, metadata=replace(one.metadata, resource_version=str(self._version))))

    def settle(self) -> None:
        """Every ledger follows what it stands for. What an Instance is told meanwhile is out of date at once."""
        for _ in range(_ROUNDS):
            due = [(node, self._following(node)) for node in self.cache.nodes]
            if all(node.status == status for node, status in due):
                return
            for node, status in due:
                self.put(replace(node, status=status))
        raise AssertionError("ledgers follow each other for ever")

    def _following(self, node: ComputeNode) -> ComputeNodeStatus:
        ledger = self.nodes._next(node, {}, self.nodes._remembered_look(node))
        conditions = self.nodes._conditions(node, ledger)
        new = {c.type: c for c in (*node.status.conditions, *conditions)}
        return replace(node.status, ledger=ledger or node.status.ledger, conditions=tuple(new.values()))

    def wanted(self) -> Wanted:
        """What it would tell each Instance and Migration, if it looked at it now."""
        found: Wanted = {}
        for instance in self.cache.instances:
            around = self.instances._remembered(instance)
            found[Task(Subject.INSTANCE, key_of(instance.metadata))] = self.instances._next(instance, around)
        for migration in self.cache.migrations:
            known = self.migrations._remembered(migration)
            found[Task(Subject.MIGRATION, key_of(migration.metadata))] = self.migrations._next(migration, *known)
        return found


@st.composite
def changed(draw: st.DrawFn, node: ComputeNode) -> ComputeNode:
    """In some of its parts, and not in the others."""
    other = draw(made.nodes())
    report, ledger = other.status.report, other.status.ledger
    if node.status.report and report:
        parts = {
            name: getattr(report, name) for name in ("guests", "capacity", "guests_omitted") if draw(st.booleans())
        }
        report = replace(node.status.report, **parts)
    if node.status.ledger and ledger:
        parts = {name: getattr(ledger, name) for name in ("claims", "free") if draw(st.booleans())}
        ledger = replace(node.status.ledger, **parts)
    conditions = draw(st.sampled_from([node.status.conditions, other.status.conditions]))
    return replace(node, status=replace(node.status, report=report, ledger=ledger, conditions=conditions))


def of_the_world(world: World) -> Program:
    program = Program()
    instances, migrations, nodes = world
    everything: list[AnyKind] = [*instances, *migrations, *nodes]
    for one in everything:
        program.put(one)
    return program


def as_second(node: ComputeNode) -> ComputeNode:
    spec = replace(node.spec, hypervisor_hostname="n1", host_uuid=SECOND_HOST, node_name="n1")
    return replace(node, metadata=replace(node.metadata, name="n1", uid="uid-n1"), spec=spec)


worlds = st.tuples(
    st.tuples(*(made.instances(uuid) for uuid in made.UUIDS)).map(list),
    st.lists(made.migrations(), max_size=2, unique_by=lambda m: m.metadata.name),
    st.tuples(made.nodes(), made.nodes().map(as_second)).map(list),
)


def assert_none_is_forgotten_after(program: Program, change: Callable[[], None]) -> None:
    program.settle()
    before = program.wanted()
    program.tasks.clear()
    change()
    program.settle()
    after = program.wanted()
    differ = {task for task in after if before.get(task) != after[task]}
    forgotten = differ - program.tasks
    assert not forgotten, "\n".join(f"{task}: {before.get(task)}, now {after[task]}" for task in forgotten)


@given(worlds, st.data())
def test_of_a_change_of_a_node(world: World, data: st.DataObject) -> None:
    program = of_the_world(world)
    program.settle()
    node = next(iter(program.cache.nodes))
    other = data.draw(st.none() | changed(node))
    assert_none_is_forgotten_after(program, lambda: program.put(other) if other else program.remove(node))


@given(worlds, st.data())
def test_of_a_change_of_an_instance(world: World, data: st.DataObject) -> None:
    program, uuid = of_the_world(world), data.draw(made.uuids)
    old = program.cache.twins(uuid)[0]
    other = data.draw(st.none() | made.instances(uuid))
    assert_none_is_forgotten_after(program, lambda: program.put(other) if other else program.remove(old))


@given(worlds, made.migrations(), st.booleans())
def test_of_a_change_of_a_migration(world: World, migration: Migration, goes: bool) -> None:
    program = of_the_world(world)
    if goes:
        program.put(migration)
    assert_none_is_forgotten_after(program, lambda: program.remove(migration) if goes else program.put(migration))
