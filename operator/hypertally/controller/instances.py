"""One Instance at a time: where it is accounted, and what to tell its owner, in one compare-and-swap."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from hypertally.api.base import to_wire
from hypertally.api.carry import carry_unknown
from hypertally.api.compute_node import ComputeNode, GuestState, Role
from hypertally.api.decode import decode
from hypertally.api.instance import Instance, InstanceStatus
from hypertally.api.migration import Migration
from hypertally.kube.aio import Object
from hypertally.kube.kinds import INSTANCE, Ref
from hypertally.ledger.conditions import aged
from hypertally.ledger.evidence import Evidence, Sight, find_guest, gather, sight_of
from hypertally.ledger.instance_conditions import findings
from hypertally.ledger.moves import home_of, is_open, next_status
from hypertally.ledger.node_conditions import is_served
from hypertally.ledger.places import Refusal
from hypertally.ledger.proof import AgentLook
from hypertally.ledger.transitions import STAYS
from hypertally.ledger.wants import names, owner

from .copies import Copies
from .kit import Kit
from .nodes import NodeReconciler
from .patches import status_patch
from .queue import Subject, Task, WorkQueue
from .store import key_of

_ANSWER_SECONDS = 0.25
"""For the answer to a write whose result the watch has brought already."""


@dataclass(frozen=True)
class Surroundings:
    """All that an Instance's status is decided on, read after the Instance was."""

    nodes: dict[str, ComputeNode | None] = field(default_factory=dict)
    looks: dict[str, AgentLook | None] = field(default_factory=dict)
    migrations: Sequence[Migration] = ()


class InstanceReconciler:
    def __init__(self, kit: Kit, nodes: NodeReconciler, queue: WorkQueue) -> None:
        self._kit = kit
        self._cache = kit.cache
        self._reads = kit.reads
        self._nodes = nodes
        self._queue = queue
        self._copies = Copies()
        self._put_off: set[tuple[str, bool]] = set()
        """With whether it has a home to be told."""

    async def reconcile(self, key: str) -> None:
        """May raise any KubeError; Conflict and Invalid mean that somebody else wrote: try again."""
        cached = self._cache.instances.get(key)
        if cached is None or (following := self._next(cached, self._remembered(cached))) == cached.status:
            self._put_off_no_more(key)
            self._copies.forget(key)
        elif not self._is_put_off(key, cached, following):
            await self._look(key, cached)

    async def _look(self, key: str, cached: Instance) -> None:
        is_trusted = self._copies.may_be_so(key)
        if is_trusted and cached.status == InstanceStatus():
            await self._follow(cached, None)
            return
        since = cached.metadata.resource_version if is_trusted else ""
        if raw := await self._reads.raw_instance(key, since=since):
            instance = decode(raw, Instance)
            self._copies.was_read(key)
            self._cache.instances.renew(raw)
            await self._follow(instance, raw)

    async def _follow(self, instance: Instance, raw: Object | None) -> None:
        """Decides again, on what is read after `instance`, and writes only to that very version. Without `raw` it was
        told nothing yet, so there is no key that this version does not know."""
        status = self._next(instance, await self._read(instance))
        if status == instance.status:
            return
        wire = carry_unknown(raw.get("status"), to_wire(status), InstanceStatus) if raw else to_wire(status)
        meta = instance.metadata
        operations = status_patch(meta, wire, is_first=raw is None)
        with self._copies.written(key_of(meta)):
            written = await self._kit.client.patch(Ref(INSTANCE, meta.name, meta.namespace), operations, "status")
        self._cache.instances.renew(written)
        self._kit.events.tell_transitions(instance, status)

    def _is_put_off(self, key: str, instance: Instance, following: InstanceStatus) -> bool:
        """Who would only be told that a ledger is waited for is told once, after that was written: it would be out of
        date at once. Who has a claim is told when the answer to the write is there, which spares the read of the node:
        the watch may be sooner. Each put off once only, and the second not for long: a host may have something to do
        for ever, and an answer may be lost."""
        has_home = bool(following.compute_node_name)
        if (key, has_home) in self._put_off or instance.status.compute_node_name or following.refused_compute_node_name:
            self._put_off_no_more(key)
            return False
        task, node = Task(Subject.INSTANCE, key), Task(Subject.NODE, instance.spec.compute_node_name)
        if not has_home:
            is_put_off = self._queue.add_after(task, node)
        else:
            is_put_off = not self._is_answered(instance) and self._queue.add_at_end(task, node)
            if is_put_off:
                self._queue.add_later(task, _ANSWER_SECONDS)
        if is_put_off:
            self._put_off.add((key, has_home))
        return is_put_off

    def _put_off_no_more(self, key: str) -> None:
        self._put_off -= {(key, False), (key, True)}

    def _is_answered(self, instance: Instance) -> bool:
        cached = self._cache.nodes.get(instance.spec.compute_node_name)
        return cached is not None and self._nodes.written.is_after(cached, instance)

    def _next(self, instance: Instance, around: Surroundings) -> InstanceStatus:
        elder = owner([*self._cache.twins(instance.spec.uuid), instance])
        twin = elder if elder and elder.metadata.uid != instance.metadata.uid else None
        status = instance.status if twin else next_status(instance, self._evidence(instance, around), around.migrations)
        bound = status.compute_node_name or instance.spec.compute_node_name
        node = around.nodes.get(bound)
        missing = () if twin or node is None else self._missing(instance, node)
        status = replace(
            status,
            refused_compute_node_name=self._refused(status, bound, node, missing),
            power_state=_power_state(instance, around.nodes.get(status.compute_node_name)),
        )
        seen_on = [name for name, node in around.nodes.items() if node and _lists(node, instance)]
        said = findings(instance, status, node, missing=missing, twin=twin, seen_on=seen_on)
        conditions = aged(said, instance.status.conditions, self._kit.now(), instance.metadata.generation)
        return replace(status, conditions=conditions)

    def _evidence(self, instance: Instance, around: Surroundings) -> dict[str, Evidence]:
        return {
            name: gather(instance, node, around.looks.get(name), silent=node is not None and self._is_silent(node))
            for name, node in around.nodes.items()
        }

    def _is_silent(self, node: ComputeNode) -> bool:
        """Nobody looks at the host: what its report says is of old."""
        return self._cache.agents.is_silent(node.spec.node_name) or not is_served(node)

    def _missing(self, instance: Instance, node: ComputeNode) -> tuple[Refusal, ...]:
        """What the node refuses to an Instance that holds nothing on it yet."""
        uuid = instance.spec.uuid
        if node.status.ledger is None or any(c.uuid == uuid and c.role in STAYS for c in node.status.ledger.claims):
            return ()
        return self._nodes.refusals(instance, node)

    @staticmethod
    def _refused(status: InstanceStatus, bound: str, node: ComputeNode | None, missing: Sequence[Refusal]) -> str:
        if status.compute_node_name or not bound:
            return ""
        if missing or node is None:
            return bound
        return ""

    def _remembered(self, instance: Instance) -> Surroundings:
        nodes = {name: self._cache.nodes.get(name) for name in self._concerned(instance)}
        looks = {n: self._cache.agents.look(node.spec.node_name, n) for n, node in nodes.items() if node}
        return Surroundings(nodes, looks, self._cache.migrations_of(instance))

    async def _read(self, instance: Instance) -> Surroundings:
        nodes = {name: await self._read_node(name, instance) for name in sorted(self._concerned(instance))}
        looks = {n: await self._reads.look(node) for n, node in nodes.items() if node and _has_stamp(node, instance)}
        keys = [key_of(m.metadata) for m in self._cache.migrations_of(instance)]
        move = instance.status.move
        if move and move.migration_name:
            keys.append(f"{instance.metadata.namespace}/{move.migration_name}")
        migrations = [await self._reads.migration(key) for key in dict.fromkeys(keys)]
        return Surroundings(nodes, looks, [m for m in migrations if m is not None])

    async def _read_node(self, name: str, instance: Instance) -> ComputeNode | None:
        cached = self._cache.nodes.get(name)
        if cached is not None and _is_granted(cached, instance) and self._nodes.written.is_after(cached, instance):
            return cached
        return await self._reads.node(name)

    def _concerned(self, instance: Instance) -> set[str]:
        targets = {m.spec.target_compute_node_name for m in self._cache.migrations_of(instance) if is_open(m)}
        return names(instance) | targets | self._cache.nodes_listing(instance.spec.uuid) | ({home_of(instance)} - {""})


def _is_granted(node: ComputeNode, instance: Instance) -> bool:
    """All that there is to tell is that the node holds what it was asked for: no move, no evidence of guests."""
    ledger, status, meta = node.status.ledger, instance.status, instance.metadata
    if ledger is None or status.compute_node_name or status.move:
        return False
    own = [c for c in ledger.claims if c.role is Role.RUNNING and c.instance_uid == meta.uid]
    return any(c.instance_generation == meta.generation for c in own)


def _has_stamp(node: ComputeNode, instance: Instance) -> bool:
    """Only a claim that was stamped can be proven by what the Lease says."""
    ledger = node.status.ledger
    return ledger is not None and any(c.uuid == instance.spec.uuid and c.since is not None for c in ledger.claims)


def _lists(node: ComputeNode, instance: Instance) -> bool:
    return sight_of(find_guest(node, instance.spec.uuid)) is not Sight.ABSENT


def _power_state(instance: Instance, home: ComputeNode | None) -> GuestState | None:
    guest = find_guest(home, instance.spec.uuid) if home else None
    return guest.state if guest else None
