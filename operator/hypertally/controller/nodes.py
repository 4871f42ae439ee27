"""One ComputeNode at a time: its ledger and the controller's conditions of it, in one compare-and-swap."""

import logging
import time
from collections.abc import Callable, Container, Mapping, Sequence

from msgspec.structs import replace

from hypertally.api.base import to_wire
from hypertally.api.bounds import SUM_MAX
from hypertally.api.carry import carry_unknown
from hypertally.api.compute_node import ComputeNode, ComputeNodeStatus, Ledger, NodeCondition, Role
from hypertally.api.conditions import Condition, find
from hypertally.api.decode import MalformedObject, decode
from hypertally.api.instance import Instance
from hypertally.kube.aio import Object
from hypertally.kube.errors import Conflict
from hypertally.kube.kinds import COMPUTE_NODE, Ref
from hypertally.ledger.conditions import Finding, aged
from hypertally.ledger.drift import strays
from hypertally.ledger.identity_conditions import identity
from hypertally.ledger.node_conditions import SILENT, findings
from hypertally.ledger.places import Refusal
from hypertally.ledger.proof import AgentLook
from hypertally.ledger.reconcile import Inputs, is_lowered, same_content
from hypertally.ledger.wants import owner
from hypertally.serving.logs import about

from .copies import Copies
from .kit import Kit
from .outcomes import Outcomes, needs_look
from .patches import Operation, conditions_patch, ledger_patch
from .store import key_of
from .written import WrittenNodes

log = logging.getLogger(__name__)

Owners = Mapping[str, Instance | None]

_READING_ROUNDS = 8
"""Each round reads the Instances that the one before found to be lowered: two are the rule."""


class NodeReconciler:
    def __init__(self, kit: Kit, vanished: Callable[[ComputeNode], Finding | None] = lambda _: None) -> None:
        self._kit = kit
        self._cache = kit.cache
        self._reads = kit.reads
        self._vanished = vanished
        self._outcomes = Outcomes()
        self._copies = Copies()
        self._frozen: dict[str, set[str]] = {}
        """By ComputeNode, the guests whose Instance could not be read when its ledger was last decided."""
        self.written = WrittenNodes(time.monotonic)

    async def reconcile(self, name: str) -> None:
        """May raise any KubeError; Conflict and Invalid mean that somebody else wrote: try again."""
        cached = self._cache.nodes.get(name)
        if cached is None:
            self._forget(name)
        elif self._is_due(cached):
            if self._copies.may_be_so(name):
                await self._follow(cached, None)
            elif (raw := await self._reads.raw_node(name)) is not None:
                await self._follow(self._heard(raw), raw)

    def _forget(self, name: str) -> None:
        self.written.forget(name)
        self._copies.forget(name)
        self._frozen.pop(name, None)

    def _heard(self, raw: Object) -> ComputeNode:
        node = decode(raw, ComputeNode)
        held = node.status.ledger
        self._copies.was_read(node.metadata.name, is_whole=held is None or raw["status"]["ledger"] == to_wire(held))
        self._cache.nodes.renew(raw)
        return node

    async def _follow(self, node: ComputeNode, raw: Object | None) -> None:
        """Without `raw`, `node` is a copy."""
        ledger = await self._decide(node)
        conditions = self._conditions(node, ledger)
        if ledger is not None:
            operations = _swap(node, raw, ledger, conditions)
        elif _differ(node, conditions):
            operations = conditions_patch(node, conditions)
        else:
            return
        await self._write(node, operations)
        self._kit.events.tell_transitions(node, replace(node.status, conditions=conditions))

    async def _write(self, node: ComputeNode, operations: list[Operation]) -> None:
        """Only to that very report, ledger and spec: of an older one nothing comes."""
        name = node.metadata.name
        known = [i for i in self._cache.naming(name) if not i.status.compute_node_name]
        with self._copies.written(name):
            written = await self._kit.client.patch(Ref(COMPUTE_NODE, name), operations, "status")
        self._cache.nodes.renew(written)
        self.written.note(written, known)

    def _is_due(self, cached: ComputeNode) -> bool:
        """As far as the cache knows: a hint that saves reads, and decides nothing."""
        ledger = self._next(cached, {}, self._remembered_look(cached))
        return ledger is not None or _differ(cached, self._conditions(cached, None))

    def _remembered_look(self, node: ComputeNode) -> AgentLook | None:
        return self._cache.agents.look(node.spec.node_name, node.metadata.name)

    async def _decide(self, node: ComputeNode) -> Ledger | None:
        """Reads after the node whatever lowers a charge. None when the ledger stands as it is."""
        live: dict[str, Instance | None] = {}
        name, held = node.metadata.name, node.status.ledger
        self._frozen.pop(name, None)
        if held is None:
            live = {i.spec.uuid: i for i in await self._reads.granted_on(node.metadata.name)}
        look = await self._reads.look(node) if needs_look(node) else None
        for _ in range(_READING_ROUNDS):
            ledger = self._next(node, live, look, self._frozen.get(name, ()))
            unread = is_lowered(held, ledger) - live.keys() if ledger else ()
            if not unread:
                return ledger
            for uuid in unread:
                try:
                    live[uuid] = await self._read_owner(uuid, node)
                except MalformedObject as error:
                    extra = about(COMPUTE_NODE.kind, node.metadata.name)
                    log.error("its claims stay as they are: %s", error, extra=extra)  # noqa: TRY400  # one line, no trace
                    self._frozen.setdefault(name, set()).add(uuid)
        raise Conflict(f"the Instances of ComputeNode {node.metadata.name} change faster than they can be read")

    def _next(
        self, node: ComputeNode, live: Owners, look: AgentLook | None, frozen: Container[str] = ()
    ) -> Ledger | None:
        outcome = self._outcomes.of(self._inputs(node, live, look, frozen))
        if outcome is None or same_content(node.status.ledger, outcome.ledger):
            return None
        if outcome.ledger.generation > SUM_MAX:  # by somebody's hand: no ledger can follow, and Doubtful says so
            return None
        return outcome.ledger

    def _inputs(self, node: ComputeNode, live: Owners, look: AgentLook | None, frozen: Container[str] = ()) -> Inputs:
        owners = self._owners(node, live)
        return Inputs(node=node, owners=owners, declared=self._cache.declared, look=look, frozen=frozen)

    def _owners(self, node: ComputeNode, live: Owners) -> dict[str, Instance]:
        """By guest uuid, who stands for each guest that this node holds or should hold something for."""
        uuids = {i.spec.uuid for i in self._cache.naming(node.metadata.name)} | live.keys()
        uuids |= {c.uuid for c in node.status.ledger.claims} if node.status.ledger else set()
        found = {uuid: live[uuid] if uuid in live else self._cache.owner_of(uuid) for uuid in uuids}
        return {uuid: instance for uuid, instance in found.items() if instance is not None}

    def missing_for_move(self, instance: Instance, target: ComputeNode) -> tuple[Refusal, ...]:
        """What a target refuses to a move that was accepted and holds no place there yet."""
        uuid, ledger = instance.spec.uuid, target.status.ledger
        if ledger is None or any(c.uuid == uuid and c.role is Role.INCOMING for c in ledger.claims):
            return ()
        return self.refusals(instance, target)

    def refusals(self, instance: Instance, node: ComputeNode) -> tuple[Refusal, ...]:
        """What the node refuses to an Instance that wants something there."""
        uuid, look = instance.spec.uuid, self._remembered_look(node)
        frozen = self._frozen.get(node.metadata.name, ())
        outcome = self._outcomes.of(self._inputs(node, {uuid: instance}, look, frozen))
        return outcome.refusals.get(uuid, ()) if outcome else ()

    async def _read_owner(self, uuid: str, node: ComputeNode) -> Instance | None:
        claims = node.status.ledger.claims if node.status.ledger else ()
        keys = {f"{c.namespace}/{c.name}" for c in claims if c.uuid == uuid}
        keys |= {key_of(i.metadata) for i in self._cache.twins(uuid)}
        twins = [await self._reads.instance(key) for key in sorted(keys)]
        return owner(i for i in twins if i is not None and i.spec.uuid == uuid)

    def _conditions(self, node: ComputeNode, ledger: Ledger | None) -> tuple[Condition, ...]:
        if ledger is not None:
            node = replace(node, status=replace(node.status, ledger=ledger))
        silent = self._is_silent(node)
        whose = identity(node, self._cache.namesakes.neighbours(node, silent=silent))
        elsewhere = strays(node, self._cache.owner_of)
        self._cache.counts.misplaced(node.metadata.name, len(elsewhere))
        gone = self._vanished(node)
        said = findings(node, agent_silent=silent, strays=elsewhere, identity=whose)
        said = (*said, gone) if gone else said
        return aged(said, node.status.conditions, self._kit.now(), node.metadata.generation)

    def _is_silent(self, node: ComputeNode) -> bool:
        """After a start, who was silent before stays so until a sign of life: a grace is no reason to trust him."""
        agents, agent = self._cache.agents, node.spec.node_name
        ready = find(node.status.conditions, NodeCondition.READY)
        was_silent = ready is not None and ready.reason == SILENT
        return agents.is_silent(agent) or (was_silent and not agents.is_heard(agent))


def _swap(node: ComputeNode, raw: Object | None, ledger: Ledger, conditions: Sequence[Condition]) -> list[Operation]:
    """A copy has no keys that this version does not know, so it must be the whole of what the server holds; what was
    read has them, and they are carried over."""
    if raw is None:
        return ledger_patch(node, to_wire(ledger), conditions, held_is_whole=True)
    return ledger_patch(node, carry_unknown(raw["status"].get("ledger"), to_wire(ledger), Ledger), conditions)


def _differ(node: ComputeNode, conditions: tuple[Condition, ...]) -> bool:
    """A node without any status is written to by its agent first."""
    if node.status == ComputeNodeStatus():
        return False
    return any(find(node.status.conditions, c.type) != c for c in conditions)
