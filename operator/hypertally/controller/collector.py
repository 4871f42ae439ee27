"""Records of hosts that are gone: looked at in passes, and deleted when every guard of `ledger.collection` is open."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from prometheus_client import CollectorRegistry, Counter, Gauge

from hypertally.api.compute_node import ComputeNode, NodeCondition
from hypertally.api.conditions import Status, find
from hypertally.api.decode import MalformedObject, decode
from hypertally.kube.aio import AsyncKubeClient, Object
from hypertally.kube.errors import Conflict, KubeError, NotFound
from hypertally.kube.kinds import COMPUTE_NODE, NODE, Ref
from hypertally.ledger.collection import (
    Facts,
    Guard,
    Life,
    Verdict,
    decide,
    finding,
    fleet_quota,
    is_candidate,
    refusals,
)
from hypertally.ledger.conditions import Finding
from hypertally.ledger.node_conditions import is_served
from hypertally.serving.logs import about

from .cache import Cache
from .events import Events
from .kept import is_kept
from .news import collected
from .queue import Subject, Task
from .reads import LiveReads
from .settings import Settings
from .store import key_of

log = logging.getLogger(__name__)

Labels = Mapping[str, Mapping[str, str]]
"""Of the Kubernetes nodes that there are, by their names."""

_SHORTEST, _LONGEST = 0.9, 1.1
"""Between two passes: parts of the interval."""

_LATER = frozenset({Guard.UNCONFIRMED, Guard.FLEET_LIMIT})
"""Shut only because of when this is."""

SIGN_OF_LIFE = Finding(NodeCondition.VANISHED, Status.FALSE, "SignOfLife", "Its agent lives, or its node is there.")


@dataclass
class _Trace:
    """What earlier passes found of one record; forgotten with any sign of life."""

    since: float
    confirmed_at: float | None = None


@dataclass
class _Pass:
    """One look at the whole fleet."""

    labels: Labels | None
    quota: int
    seen: set[str] = field(default_factory=set)


class Collector:
    """`finding` is asked by who writes the conditions; everything else happens in `run`."""

    def __init__(
        self,
        client: AsyncKubeClient,
        reads: LiveReads,
        cache: Cache,
        settings: Settings,
        enqueue: Callable[[Task], None],
        events: Events,
    ) -> None:
        self._client = client
        self._reads = reads
        self._cache = cache
        self._settings = settings
        self._clock = time.monotonic
        self._enqueue = enqueue
        self._events = events
        self._traces: dict[str, _Trace] = {}
        self._found: dict[str, tuple[Finding, frozenset[Guard]]] = {}
        """By the name of each candidate."""
        self._has_passed = False

    def finding(self, node: ComputeNode) -> Finding | None:
        """`Vanished` of a record; None while there is nothing to say, or nothing known yet."""
        if (found := self._found.get(node.metadata.name)) is not None:
            return found[0]
        said = find(node.status.conditions, NodeCondition.VANISHED)
        return SIGN_OF_LIFE if self._has_passed and said is not None else None

    def register(self, registry: CollectorRegistry) -> None:
        candidates = Gauge(
            "hypertally_controller_collection_candidates",
            "ComputeNodes whose host seems gone.",
            registry=registry,
        )
        candidates.set_function(lambda: len(self._found))
        self._refusals = Gauge(
            "hypertally_controller_collection_refusals",
            "Candidates that a guard keeps, by the guard; several may keep one.",
            ["reason"],
            registry=registry,
        )
        self._deleted = Counter(
            "hypertally_controller_collection_deletions", "ComputeNodes that were deleted.", registry=registry
        )

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.collect_interval * random.uniform(_SHORTEST, _LONGEST))  # noqa: S311
            await self.look()

    async def look(self) -> None:
        """One pass, after the first full lists."""
        current = _Pass(await self._kubernetes_nodes(), self._quota())
        for node in self._cache.nodes:
            if self._may_be_gone(node, current):
                await self._guarded(node.metadata.name, current)
        for name in self._found.keys() - current.seen:
            self._forget(name)
        self._has_passed = True
        for guard in Guard:
            self._refusals.labels(guard.value).set(sum(guard in shut for _, shut in self._found.values()))

    def _quota(self) -> int:
        """Less what went since the last pass, by whoever's hand: two controllers together delete no more than one."""
        gone = self._cache.gone_within(_SHORTEST * self._settings.collect_interval)
        return max(0, fleet_quota(len(self._cache.nodes) + gone) - gone)

    def _may_be_gone(self, node: ComputeNode, current: _Pass) -> bool:
        if not is_served(node):
            return True
        if not self._cache.agents.is_silent(node.spec.node_name):
            return False
        there = self._is_there(node, current)
        return there is False or (there is None and node.metadata.name in self._found)

    def _is_there(self, node: ComputeNode, current: _Pass) -> bool | None:
        """Its Kubernetes node is, and agents are meant for it."""
        if current.labels is None:
            return None
        labels = current.labels.get(node.spec.node_name)
        return labels is not None and self._settings.agent_nodes.matches(labels)

    async def _kubernetes_nodes(self) -> Labels | None:
        """Asked for only where an agent is silent."""
        if not any(self._cache.agents.is_silent(agent) for agent in self._cache.agents_of_nodes()):
            return {}
        try:
            listing = await self._client.list(NODE, names_only=True)
        except KubeError as error:
            log.warning("no record of a silent host is collected: %s", error)
            return None
        return {item["metadata"]["name"]: item["metadata"].get("labels") or {} for item in listing.items}

    async def _guarded(self, name: str, current: _Pass) -> None:
        extra = about(COMPUTE_NODE.kind, name)
        try:
            await self._judge(name, current)
        except (Conflict, NotFound) as error:
            log.info("ComputeNode %s is looked at with the next pass: %s", name, error, extra=extra)
        except KubeError as error:
            log.warning("ComputeNode %s is looked at with the next pass: %s", name, error, extra=extra)
        except MalformedObject as error:
            log.error("kept as it is: %s", error, extra=extra)  # noqa: TRY400  # one line, no trace
        current.seen.add(name)

    async def _judge(self, name: str, current: _Pass) -> None:
        """Decides on the record as it is at the API server, and deletes that very version of it."""
        raw = await self._reads.raw_node(name)
        if raw is None:
            return self._forget(name)
        node = decode(raw, ComputeNode)
        facts = self._facts(node, raw, current)
        if not is_candidate(facts):
            return self._forget(name)
        verdicts = decide(facts)
        self._note(node, verdicts)
        if not refusals(verdicts):
            verdicts = decide(await self._read(facts))
        is_news = self._find(name, verdicts)
        try:
            if not refusals(verdicts):
                await self._delete(node, current)
                is_news = False
        finally:
            # Not before: the word on a record that goes would be a new version of it, which nobody has judged.
            if is_news:
                self._enqueue(Task(Subject.NODE, name))
        return None

    async def _read(self, facts: Facts) -> Facts:
        """The same, with what other objects say as it is at the API server: a cache may be behind."""
        name, report = facts.node.metadata.name, facts.node.status.report
        listed = [self._cache.owner_of(guest.uuid) for guest in (report.guests if report else ())]
        return replace(
            facts,
            accounted=await self._reads.accounted(key_of(owner.metadata) for owner in listed if owner),
            instances=await self._reads.naming(name),
            migrations=await self._reads.leading_to(name),
        )

    async def _delete(self, node: ComputeNode, current: _Pass) -> None:
        meta = node.metadata
        await self._client.delete(Ref(COMPUTE_NODE, meta.name), uid=meta.uid, resource_version=meta.resource_version)
        current.quota -= 1
        self._deleted.inc()
        self._traces.pop(meta.uid, None)
        self._events.tell(node, collected(node))
        text, extra = "ComputeNode %s (host %s) is deleted: its host is gone", about(COMPUTE_NODE.kind, meta.name)
        log.warning(text, meta.name, node.spec.host_uuid, extra=extra)

    def _facts(self, node: ComputeNode, raw: Object, current: _Pass) -> Facts:
        now, trace = self._clock(), self._traces.setdefault(node.metadata.uid, _Trace(self._clock()))
        name, life = node.metadata.name, self._life(node.spec.node_name)
        quiet = self._cache.agents.quiet_for(node.spec.node_name) if life is Life.SILENT else now - trace.since
        return Facts(
            node=node,
            switched_on=self._settings.collect_vanished,
            kept_by_annotation=is_kept(raw),
            lists_complete=True,
            agent=life,
            node_exists=self._is_there(node, current),
            records_alive=self._records_alive(node),
            accounted=self._cache.accounted,
            instances=[f"{i.metadata.namespace}/{i.metadata.name}" for i in self._cache.naming(name)],
            migrations=self._cache.leading_to(name),
            gone_for=min(now - trace.since, quiet),
            keep=self._settings.keep_vanished,
            confirmed=trace.confirmed_at is not None and quiet >= now - trace.confirmed_at,
            quota=current.quota,
        )

    def _life(self, agent: str) -> Life:
        agents = self._cache.agents
        if agents.is_silent(agent):
            return Life.SILENT
        return Life.LIVES if agents.is_heard(agent) else Life.UNKNOWN

    def _records_alive(self, node: ComputeNode) -> list[str]:
        peers = self._cache.namesakes.neighbours(node, silent=True).same_uuid
        return sorted(peer.name for peer in peers if not peer.silent)

    def _note(self, node: ComputeNode, verdicts: tuple[Verdict, ...]) -> None:
        trace = self._traces[node.metadata.uid]
        shut = {verdict.guard for verdict in refusals(verdicts)}
        if shut - _LATER:
            trace.confirmed_at = None
        elif Guard.UNCONFIRMED in shut:
            trace.confirmed_at = self._clock()

    def _find(self, name: str, verdicts: tuple[Verdict, ...]) -> bool:
        """Whether its condition is to say something else."""
        before, said = self._found.get(name), finding(verdicts)
        self._found[name] = said, frozenset(verdict.guard for verdict in refusals(verdicts))
        return before is None or before[0] != said

    def _forget(self, name: str) -> None:
        """A sign of life, or no record any more."""
        self._found.pop(name, None)
        self._enqueue(Task(Subject.NODE, name))
        held = self._cache.nodes.get(name)
        if held is not None:
            self._traces.pop(held.metadata.uid, None)
