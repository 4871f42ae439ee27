"""What the controller has seen of the cluster, and which object concerns which."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from hypertally.api.compute_node import ComputeNode
from hypertally.api.instance import Instance
from hypertally.api.migration import Migration
from hypertally.ledger.moves import is_closed
from hypertally.ledger.node_conditions import is_served
from hypertally.ledger.proof import NEEDS_PROOF
from hypertally.ledger.wants import names, owner

from .agents import Agent, Agents, Clock
from .concerns import accounted, held_at_last, room, said_of_guests, settled, told_to_all
from .counts import Counts
from .index import Index
from .namesakes import Namesakes
from .queue import Subject, Task
from .store import Store, instance_key, key_of

T = TypeVar("T")

_MOST_GONE = 10_000
"""Deletions that are remembered: a tenth of the largest fleet."""


class Cache:
    """Every change is told to `enqueue` as the tasks that it may concern; too many are harmless, too few are not."""

    def __init__(
        self, enqueue: Callable[[Task], None], clock: Clock, grace: float, counts: Counts | None = None
    ) -> None:
        self._enqueue = enqueue
        self._clock = clock
        self._gone_at: deque[float] = deque(maxlen=_MOST_GONE)
        self.counts = counts or Counts()
        self.nodes: Store[ComputeNode] = Store(ComputeNode, self._node_changed)
        self.instances: Store[Instance] = Store(Instance, self._instance_changed)
        self.migrations: Store[Migration] = Store(Migration, self._migration_changed)
        self.agents = Agents(clock, grace, self._agent_changed)
        self._instances_by_uuid = Index()
        self._instances_by_node = Index()
        self._migrations_by_instance = Index()
        self._migrations_by_node = Index()
        self._nodes_by_guest = Index()
        self._nodes_by_agent = Index()
        self.namesakes = Namesakes(self.nodes, self.agents)
        self._silent: set[str] = set()

    def twins(self, uuid: str) -> list[Instance]:
        """Every Instance with that guest uuid."""
        return self._instances(self._instances_by_uuid.of(uuid))

    def naming(self, node: str) -> list[Instance]:
        """Every Instance that may hold something on that node."""
        return self._instances(self._instances_by_node.of(node))

    def is_declared(self, uuid: str) -> bool:
        return bool(self._instances_by_uuid.of(uuid))

    @property
    def declared(self) -> "Declared":
        """Guest uuids for which an Instance exists anywhere."""
        return Declared(self._instances_by_uuid)

    @property
    def accounted(self) -> "Accounted":
        """Guest uuids whose Instance has a home."""
        return Accounted(self.owner_of)

    def leading_to(self, node: str) -> list[str]:
        """Every Migration to that node that is not completed."""
        found = map(self.migrations.get, sorted(self._migrations_by_node.of(node)))
        return [key_of(m.metadata) for m in found if m is not None and not is_closed(m)]

    def agents_of_nodes(self) -> list[str]:
        """Every agent that some ComputeNode names."""
        return self._nodes_by_agent.values()

    def nodes_listing(self, uuid: str) -> frozenset[str]:
        """ComputeNodes whose report lists the guest, or whose ledger holds something for it."""
        return self._nodes_by_guest.of(uuid)

    def nodes_of_agent(self, agent: str) -> frozenset[str]:
        return self._nodes_by_agent.of(agent)

    def migrations_of(self, instance: Instance) -> list[Migration]:
        """Oldest first: the first to come is the first to be accepted."""
        found = map(self.migrations.get, self._migrations_by_instance.of(key_of(instance.metadata)))
        return sorted(
            (m for m in found if m is not None), key=lambda m: (m.metadata.creation_timestamp, m.metadata.name)
        )

    def enqueue_everything(self) -> None:
        """For who begins to work: what was told while nobody did is not remembered. The hosts that an Instance waits
        for come first: it shall not wait for a look at all the others."""
        homeless = [i for i in self.instances if not i.status.compute_node_name]
        waited_for = {i.spec.compute_node_name for i in homeless}
        for node in sorted(self.nodes, key=lambda node: node.metadata.name not in waited_for):
            self._enqueue(Task(Subject.NODE, key_of(node.metadata)))
        for instance in self.instances:
            self._enqueue(Task(Subject.INSTANCE, key_of(instance.metadata)))
        for migration in self.migrations:
            self._enqueue(Task(Subject.MIGRATION, key_of(migration.metadata)))

    def gone_within(self, seconds: float) -> int:
        """ComputeNodes whose deletion was told of since then, whoever deleted them."""
        since = self._clock() - seconds
        return sum(at > since for at in self._gone_at)

    def notice_silence(self) -> None:
        """Enqueues what the agents serve that fell silent, or came back, since the last call."""
        silent = {agent for agent in self._nodes_by_agent.values() if self.agents.is_silent(agent)}
        for agent in silent ^ self._silent:
            self._enqueue_served(agent)
        for agent in self._silent - silent - set(self._nodes_by_agent.values()):
            self.agents.forget(agent)
        self._silent = silent

    def _enqueue_served(self, agent: str) -> None:
        for name in self.nodes_of_agent(agent):
            self._enqueue(Task(Subject.NODE, name))
            self._enqueue_instances(self.naming(name))
            node = self.nodes.get(name)
            self._enqueue_listed(node)
            self._enqueue_namesakes(node)

    def _instances(self, keys: Iterable[str]) -> list[Instance]:
        return [i for i in map(self.instances.get, sorted(keys)) if i is not None]

    def _node_changed(self, old: ComputeNode | None, new: ComputeNode | None) -> None:
        name = _one(old, new).metadata.name
        self.counts.hear(name, new)
        before, after = said_of_guests(old), said_of_guests(new)
        self._nodes_by_guest.set(name, after)
        self._nodes_by_agent.set(name, [new.spec.node_name] if new else [])
        self._enqueue(Task(Subject.NODE, name))
        for uuid in before.keys() | after.keys():
            if before.get(uuid) != after.get(uuid):
                self._enqueue_instances(self.twins(uuid))
        self._room_changed(name, old, new)
        if old is None or new is None:
            self._node_came_or_went(name, new)
        if old is None or new is None or is_served(old) != is_served(new):
            self._enqueue_listed(new)
            self._enqueue_namesakes(_one(old, new))
        if old is None or new is None or told_to_all(old) != told_to_all(new):
            self._enqueue_instances(self.naming(name))
            for key in self._migrations_by_node.of(name):
                self._enqueue_move(key)

    def _room_changed(self, name: str, old: ComputeNode | None, new: ComputeNode | None) -> None:
        """Or may have: also who is at home without a claim waits for room, or is to lose his home."""
        if room(old) != room(new):
            told = settled(new)
            self._enqueue_instances(i for i in self.naming(name) if i.status.move or i.metadata.uid not in told)
        if (held := held_at_last(old, new)) is not None:
            at_home = (i for i in self.naming(name) if i.status.compute_node_name == name)
            self._enqueue_instances(i for i in at_home if i.spec.uuid not in held)

    def _node_came_or_went(self, name: str, new: ComputeNode | None) -> None:
        self.namesakes.hear(name, new)
        if new is None:
            self._gone_at.append(self._clock())

    def _instance_changed(self, old: Instance | None, new: Instance | None) -> None:
        one = _one(old, new)
        key, uuid = key_of(one.metadata), one.spec.uuid
        self._instances_by_uuid.set(key, [uuid] if new else [])
        self._instances_by_node.set(key, names(new) if new else [])
        if old is None or new is None or accounted(old) != accounted(new):
            # Of an Instance that goes the next with its uuid may take the place, on another node.
            named = [names(i) for i in (old, new, *self.twins(uuid)) if i is not None]
            for node in self.nodes_listing(uuid).union(*named):
                self._enqueue(Task(Subject.NODE, node))
        self._enqueue_instances([one, *self.twins(uuid)])

    def _migration_changed(self, old: Migration | None, new: Migration | None) -> None:
        one = _one(old, new)
        key, instance = key_of(one.metadata), instance_key(one)
        self.counts.moves.hear(key, new)
        self._migrations_by_instance.set(key, [instance] if new else [])
        self._migrations_by_node.set(key, [one.spec.target_compute_node_name] if new else [])
        self._enqueue(Task(Subject.MIGRATION, key))
        self._enqueue(Task(Subject.INSTANCE, instance))

    def _enqueue_move(self, key: str) -> None:
        """The Migration, and the Instance that accepts it or not; one that is over is a record that nothing changes."""
        migration = self.migrations.get(key)
        if migration is not None and not is_closed(migration):
            self._enqueue(Task(Subject.MIGRATION, key))
            self._enqueue(Task(Subject.INSTANCE, instance_key(migration)))

    def _enqueue_listed(self, node: ComputeNode | None) -> None:
        """Whether a host is silent decides what its list of guests is evidence of, also for who does not name it."""
        for uuid in said_of_guests(node):
            self._enqueue_instances(self.twins(uuid))

    def _enqueue_namesakes(self, node: ComputeNode | None) -> None:
        """The records that have the host's UUID or name in common with one."""
        for name in self.namesakes.of(node) if node else ():
            self._enqueue(Task(Subject.NODE, name))

    def _sights_changed(self, before: Agent | None, agent: Agent) -> None:
        hosts = before.hosts if before else {}
        for name in hosts.keys() | agent.hosts.keys():
            old, new = hosts.get(name), agent.hosts.get(name)
            if old != new:
                self.namesakes.see(agent.name, name, new.host_uuid if new else None)
                uuids = {seen.host_uuid for seen in (old, new) if seen}
                for node in {name}.union(*(self.namesakes.records_of(uuid) for uuid in uuids)):
                    self._enqueue(Task(Subject.NODE, node))

    def _agent_changed(self, before: Agent | None, agent: Agent) -> None:
        self._sights_changed(before, agent)
        if agent.name in self._silent:  # it may fall silent again before anybody looks: that would be no change
            self._silent.discard(agent.name)
            self._enqueue_served(agent.name)
        for name in self.nodes_of_agent(agent.name):
            node = self.nodes.get(name)
            self._enqueue(Task(Subject.NODE, name))
            if node is None or node.status.ledger is None:
                continue
            waiting = {c.uuid for c in node.status.ledger.claims if c.role in NEEDS_PROOF}
            for uuid in waiting:
                self._enqueue_instances(self.twins(uuid))

    def _enqueue_instances(self, instances: Iterable[Instance]) -> None:
        """And their Migrations: what an end of a move holds decides whether it is over."""
        for instance in instances:
            key = key_of(instance.metadata)
            self._enqueue(Task(Subject.INSTANCE, key))
            for migration in self._migrations_by_instance.of(key):
                self._enqueue(Task(Subject.MIGRATION, migration))

    def owner_of(self, uuid: str) -> Instance | None:
        return owner(self.twins(uuid))


class Declared:
    """A container that nobody has to copy."""

    def __init__(self, by_uuid: Index) -> None:
        self._by_uuid = by_uuid

    def __contains__(self, uuid: object) -> bool:
        return isinstance(uuid, str) and bool(self._by_uuid.of(uuid))


class Accounted:
    """A container that nobody has to copy."""

    def __init__(self, owner_of: Callable[[str], Instance | None]) -> None:
        self._owner_of = owner_of

    def __contains__(self, uuid: object) -> bool:
        found = self._owner_of(uuid) if isinstance(uuid, str) else None
        return found is not None and bool(found.status.compute_node_name)


def _one(old: T | None, new: T | None) -> T:
    found = new if new is not None else old
    if found is None:
        raise ValueError("a change without an object")
    return found
