"""Whatever changes: who would be told or charged something else because of it is looked at. Too many are harmless."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hypertally.api.base import to_wire
from hypertally.api.compute_node import ComputeNode, ComputeNodeStatus, Maintenance, MaintenanceMode, Schedulable
from hypertally.api.instance import Instance, InstanceStatus
from hypertally.api.migration import Migration, MigrationStatus
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
from tests.support.differences import differences
from tests.support.samples import NOW

World = tuple[list[Instance], list[Migration], list[ComputeNode]]
AnyKind = ComputeNode | Instance | Migration
SECOND_HOST = "0d0c4a5e-8a53-4a61-9b0f-2a9a5d1f7c22"
GRACE = 50.0
_TURNS = 300
_REPORTED = ("guests", "capacity", "guests_omitted", "generation")


class Program:
    """A controller without an API server. It looks at what it is told to look at, and at nothing else, and writes what
    should be. ComputeNodes come last: what an Instance is told of one before is out of date soonest."""

    def __init__(self) -> None:
        nobody: Any = None
        self.now = 0.0
        self.tasks: dict[Task, None] = {}
        self.cache = Cache(self.tasks.setdefault, lambda: self.now, GRACE)
        kit = Kit(nobody, LiveReads(nobody, "leases"), self.cache, Events(nobody, lambda: NOW), lambda: NOW)
        self.nodes = NodeReconciler(kit)
        self.instances = InstanceReconciler(kit, self.nodes, WorkQueue())
        self.migrations = MigrationReconciler(kit, self.nodes)
        self._version = 0

    def put(self, one: AnyKind) -> None:
        self._store(one).put(self._next_version(one))

    def remove(self, one: AnyKind) -> None:
        self._store(one).remove(self._next_version(one))

    def renew(self, agent: str) -> None:
        """A sign of life."""
        self._version += 1
        metadata = {"name": agent, "resourceVersion": str(self._version)}
        self.cache.agents.put({"metadata": metadata, "spec": {"holderIdentity": "h", "renewTime": str(self._version)}})

    def pass_grace(self) -> None:
        """Nobody renews for so long."""
        self.now += GRACE + 1
        self.cache.agents.confirm([])
        self.cache.notice_silence()

    def _store(self, one: AnyKind) -> Any:
        stores = {ComputeNode: self.cache.nodes, Instance: self.cache.instances, Migration: self.cache.migrations}
        return stores[type(one)]

    def _next_version(self, one: AnyKind) -> Any:
        self._version += 1
        return to_wire(replace(one, metadata=replace(one.metadata, resource_version=str(self._version))))

    def rest(self) -> None:
        """Until nothing is to be looked at."""
        for _ in range(_TURNS):
            if not self.tasks:
                return
            task = min(self.tasks, key=lambda task: task.subject is Subject.NODE)
            del self.tasks[task]
            one = self._stored()[task.subject].get(task.key)
            if one is not None and (status := self._following(one)) != one.status:
                self.put(replace(one, status=status))
        raise AssertionError("they follow each other for ever")

    def _following(self, one: AnyKind) -> ComputeNodeStatus | InstanceStatus | MigrationStatus:
        if isinstance(one, Instance):
            return self.instances._next(one, self.instances._remembered(one))
        if isinstance(one, Migration):
            return self.migrations._next(one, *self.migrations._remembered(one))
        ledger = self.nodes._next(one, {}, self.nodes._remembered_look(one))
        conditions = self.nodes._conditions(one, ledger)
        new = {c.type: c for c in (*one.status.conditions, *conditions)}
        return replace(one.status, ledger=ledger or one.status.ledger, conditions=tuple(new.values()))

    def _stored(self) -> dict[Subject, Any]:
        cache = self.cache
        return {Subject.NODE: cache.nodes, Subject.INSTANCE: cache.instances, Subject.MIGRATION: cache.migrations}

    def forgotten(self) -> list[str]:
        """What it would write, if it looked at everything now."""
        found = [(one, self._following(one)) for stored in self._stored().values() for one in stored]
        return [
            line
            for one, status in found
            for line in differences(to_wire(one.status), to_wire(status), key_of(one.metadata))
        ]


@st.composite
def changed(draw: st.DrawFn, node: ComputeNode) -> ComputeNode:
    """In some of its parts, and not in the others."""
    other = draw(made.nodes())
    report, ledger = node.status.report, node.status.ledger
    if report and other.status.report:
        parts = {name: getattr(other.status.report, name) for name in _REPORTED if draw(st.booleans())}
        report = replace(report, **parts)
        if draw(st.booleans()):
            report = replace(report, generation=report.generation + 1)
        if draw(st.integers(0, 5)) == 0:
            report = replace(report, capacity=None)
    report = report or other.status.report
    if ledger and other.status.ledger:
        parts = {name: getattr(other.status.ledger, name) for name in ("claims", "free") if draw(st.booleans())}
        ledger = replace(ledger, **parts)
    conditions = draw(st.sampled_from([node.status.conditions, other.status.conditions]))
    spec = replace(node.spec, schedulable=draw(st.sampled_from(Schedulable)), maintenance=draw(maintenances))
    return replace(node, spec=spec, status=replace(node.status, report=report, ledger=ledger, conditions=conditions))


maintenances = (
    st.none() | st.none() | st.sampled_from(MaintenanceMode).map(lambda mode: Maintenance(mode=mode, reason="why"))
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Of the Instances one may have the same uuid as another."""
    instances = [draw(made.instances(uuid)) for uuid in made.UUIDS]
    if draw(st.booleans()):
        twin = draw(made.instances("a"))
        instances.append(replace(twin, metadata=replace(twin.metadata, name="twin", uid="uid-twin")))
    migrations = draw(st.lists(made.migrations(), max_size=2, unique_by=lambda m: m.metadata.name))
    return instances, migrations, [draw(made.nodes()), as_second(draw(made.nodes()))]


def as_second(node: ComputeNode) -> ComputeNode:
    spec = replace(node.spec, hypervisor_hostname="n1", host_uuid=SECOND_HOST, node_name="n1")
    return replace(node, metadata=replace(node.metadata, name="n1", uid="uid-n1"), spec=spec)


def at_rest(world: World) -> Program:
    program = Program()
    instances, migrations, nodes = world
    everything: list[AnyKind] = [*instances, *migrations, *nodes]
    for one in everything:
        program.put(one)
    for _ in range(2):  # the second time for what the first has forgotten
        program.cache.enqueue_everything()
        program.rest()
    return program


def assert_none_is_forgotten(program: Program) -> None:
    program.rest()
    assert program.forgotten() == []


@given(worlds(), st.data())
def test_of_a_change_of_a_node(world: World, data: st.DataObject) -> None:
    program = at_rest(world)
    node = data.draw(st.sampled_from(list(program.cache.nodes)))
    other = data.draw(st.none() | changed(node))
    if other is None:
        program.remove(node)
    else:
        program.put(other)
    assert_none_is_forgotten(program)


@given(worlds(), st.data())
def test_of_a_change_of_an_instance(world: World, data: st.DataObject) -> None:
    program = at_rest(world)
    old = data.draw(st.sampled_from(list(program.cache.instances)))
    other = data.draw(st.none() | made.instances(old.spec.uuid))
    if other is None:
        program.remove(old)
    else:
        program.put(replace(other, metadata=old.metadata))
    assert_none_is_forgotten(program)


@given(worlds(), made.migrations(), st.booleans())
def test_of_a_migration_that_comes_or_goes(world: World, migration: Migration, goes: bool) -> None:
    program = at_rest(world)
    program.put(migration)
    if goes:
        program.rest()
        program.remove(migration)
    assert_none_is_forgotten(program)


@given(worlds(), st.lists(st.sampled_from(["silence", "n0", "n1", "n2"]), max_size=4))
def test_of_agents_that_fall_silent_and_come_back(world: World, events: list[str]) -> None:
    program = at_rest(world)
    for event in events:
        if event == "silence":
            program.pass_grace()
        else:
            program.renew(event)
        assert_none_is_forgotten(program)
