"""The controller's parts, put together, and its loops."""

import asyncio
import gc
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from hypertally.api.compute_node import ComputeNode
from hypertally.api.instance import Instance
from hypertally.api.migration import Migration
from hypertally.kube.aio import AsyncKubeClient
from hypertally.kube.errors import (
    Forbidden,
    KindMissing,
    KubeError,
    SchemaOutdated,
    ServerError,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, LEASE, MIGRATION, Kind, Ref
from hypertally.kube.reflector import Backoff, Reflector, fill
from hypertally.kube.schema import require_fields

from .cache import Cache
from .collector import Collector
from .counts import Counts
from .events import Events
from .instances import InstanceReconciler
from .kit import Kit
from .metrics import Metrics
from .migrations import MigrationReconciler
from .nodes import NodeReconciler
from .queue import Subject, Task, WorkQueue
from .reads import LiveReads
from .reconciler import Reconciler
from .settings import Settings
from .store import Store
from .watch import Watched

log = logging.getLogger(__name__)

T = TypeVar("T")

_SWEEP_SECONDS = 5.0
_HEARTBEAT_SECONDS = 1.0
_REFUSED_SECONDS = 10.0
_STUCK_SECONDS = 60.0
_UNHEARD_SECONDS = 600.0
"""The server sends a bookmark about once a minute and ends every watch after four."""


def now() -> str:
    """Wall clock as RFC 3339, whole seconds: as metav1.Time is written."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Controller:
    """`start` lists everything once, `watching` keeps that up to date, `leading` works on it."""

    def __init__(self, client: AsyncKubeClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._turned_at = time.monotonic()
        self._synced = False
        counts = Counts(settings.metrics_namespaces)
        self.metrics = Metrics(counts)
        self.queue = WorkQueue()
        self.leads = False
        self.standing: Callable[[], list[str]] = list
        """What keeps it from standing for the lead."""
        self.hearing: Callable[[], list[str]] = list
        """What keeps it from hearing of Instances and Migrations."""
        self.cache = Cache(self._enqueue, time.monotonic, settings.agent_grace, counts)
        self._stores: dict[Kind, Store[Any]] = {INSTANCE: self.cache.instances, MIGRATION: self.cache.migrations}
        self._listed: dict[Kind, str] = {}
        self._nodes = Reflector(client, COMPUTE_NODE, self.cache.nodes)
        self._leases = Reflector(client, LEASE, self.cache.agents, namespace=settings.lease_namespace)
        self._events = Events(client, now)
        reads = LiveReads(client, settings.lease_namespace)
        self.collector = Collector(client, reads, self.cache, settings, self.queue.add, self._events)
        self.collector.register(self.metrics.registry)
        self._reconciler = self._make_reconciler(reads)
        self._add_gauges()

    def _make_reconciler(self, reads: LiveReads) -> Reconciler:
        kit = Kit(self._client, reads, self.cache, self._events, now)
        nodes = NodeReconciler(kit, self.collector.finding)
        instances = InstanceReconciler(kit, nodes, self.queue)
        migrations = MigrationReconciler(kit, nodes)
        by_subject = {
            Subject.NODE: nodes.reconcile,
            Subject.INSTANCE: instances.reconcile,
            Subject.MIGRATION: migrations.reconcile,
        }
        return Reconciler(by_subject, self.metrics)

    def _enqueue(self, task: Task) -> None:
        """Nobody takes from the queue of who does not lead: it would grow with every object that came and went."""
        if self.leads:
            self.queue.add(task)

    async def start(self, stop: asyncio.Event) -> bool:
        """The first full lists: a half-synced cache is not an empty cluster. Waits out an absent API server; False if
        `stop` came first."""
        self._turning = asyncio.create_task(self._turn())
        listing, stopping = asyncio.create_task(self._list_everything()), asyncio.create_task(stop.wait())
        await asyncio.wait((listing, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not listing.done():
            listing.cancel()
            return False
        await listing
        return True

    async def _list_everything(self) -> None:
        await _patiently(self._check_schema)
        await _patiently(self._leases.list)
        for kind, store in self._stores.items():
            self._listed[kind] = await _patiently(partial(fill, store, self._client, kind))
        await _patiently(self._nodes.list)
        self._synced = True
        log.info(
            "synced: %d ComputeNodes, %d Instances, %d Migrations",
            len(self.cache.nodes),
            len(self.cache.instances),
            len(self.cache.migrations),
        )

    async def _check_schema(self) -> None:
        """A ledger without a field that the CRDs do not know yet would be a false one: rather none is written."""
        try:
            document = await self._client.schema()
        except Forbidden as error:
            log.warning("whether the CRDs are as new as this program cannot be told: %s", error)
        else:
            require_fields(document, {COMPUTE_NODE: ComputeNode, INSTANCE: Instance, MIGRATION: Migration})

    def watched(self) -> dict[str, Watched]:
        """What kopf watches."""
        return {kind.plural: Watched(store, partial(self._list_anew, kind)) for kind, store in self._stores.items()}

    async def _list_anew(self, kind: Kind) -> str:
        """The first watch goes on from what `start` listed."""
        return self._listed.pop(kind, "") or await fill(self._stores[kind], self._client, kind)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """What is known follows what is; nothing is written. Also who stands by watches, to take over at once."""
        async with _together(self._nodes.run(), self._leases.run(), self._sweep(), self._resync()):
            yield

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        """All that writes. Afterwards nothing is under way: a reconcile that is cut off between two writes goes on from
        what is stored, as after a kill. Once only: what it was at is forgotten."""
        workers = [self.queue.work(self._reconciler) for _ in range(self._settings.workers)]
        self.leads = True
        try:
            self.cache.enqueue_everything()
            async with _together(*workers, self._events.run(), self.collector.run()):
                yield
        finally:
            self.leads = False

    async def _turn(self) -> None:
        """The loop turns: what /healthz asks."""
        while True:
            self._turned_at = time.monotonic()
            await asyncio.sleep(_HEARTBEAT_SECONDS)

    async def _sweep(self) -> None:
        """An agent falls silent without any event. Before it counts as silent, the API server is asked: a watch that
        hangs, or a server that is away, is no host's death."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            if self.cache.agents.has_suspects():
                await self._ask_for_leases()
            self.cache.notice_silence()

    async def _ask_for_leases(self) -> None:
        try:
            listing = await self._client.list(LEASE, namespace=self._settings.lease_namespace)
        except KubeError as error:
            log.warning("agents that seem silent are not judged: %s", error)
        else:
            self.cache.agents.confirm(listing.items)

    async def _resync(self) -> None:
        """kopf does not compare its lists: what came, changed or went in a gap of its watch would never be known."""
        while True:
            await asyncio.sleep(self._settings.resync_interval * random.uniform(0.8, 1.2))  # noqa: S311  # jitter
            for kind, store in self._stores.items():
                await self._compare(kind, store)

    async def _compare(self, kind: Kind, store: Store[Any]) -> None:
        try:
            listing = await self._client.list(kind, names_only=True)
        except KubeError as error:
            log.warning("resync of %s put off: %s", kind.plural, error)
            return
        store.keep_only(frozenset(item["metadata"]["uid"] for item in listing.items), listing.resource_version)
        for metadata in store.outdated(item["metadata"] for item in listing.items):
            await self._refresh(Ref(kind, metadata["name"], metadata["namespace"]), store)
        self.metrics.resynced(kind.kind)

    async def _refresh(self, ref: Ref, store: Store[Any]) -> None:
        try:
            store.put(await self._client.get(ref))
        except KubeError as error:
            log.info("%s is looked at with the next resync: %s", ref, error)

    def complaints_live(self) -> list[str]:
        idle = time.monotonic() - self._turned_at
        return [f"the event loop has not turned for {idle:.0f} s"] if idle > _STUCK_SECONDS else []

    def complaints_ready(self) -> list[str]:
        """Nothing also for who stands by: a rollout waits for it."""
        if not self._synced:
            return ["the first full lists are not complete"]
        silence = time.monotonic() - min(self._nodes.heard_at, self._leases.heard_at)
        unheard = [f"the API server has said nothing for {silence:.0f} s"] if silence > _UNHEARD_SECONDS else []
        return unheard + self.hearing() + self.standing()

    def _add_gauges(self) -> None:
        self.metrics.gauge("ready", "1 if /readyz says so, else 0.", lambda: float(not self.complaints_ready()))
        self.metrics.gauge("leader", "1 if this one works, 0 if it stands by.", lambda: float(self.leads))
        self.metrics.gauge("queue_length", "Objects that wait to be reconciled.", lambda: len(self.queue))
        self.metrics.gauge("compute_nodes", "ComputeNodes in the cache.", lambda: len(self.cache.nodes))
        self.metrics.gauge("instances", "Instances in the cache.", lambda: len(self.cache.instances))
        self.metrics.gauge("migrations", "Migrations in the cache.", lambda: len(self.cache.migrations))


@asynccontextmanager
async def _together(*loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """The loops run as long as the context; the first to fail ends it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


@contextmanager
def _lasting() -> Iterator[None]:
    """What is made meanwhile stays: the search for garbage in it costs as much as the lists, and finds nothing."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


async def _patiently(listing: Callable[[], Awaitable[T]]) -> T:
    """An API server that is away is waited for. One that refuses is asked again for a while: after a restart it answers
    403 and 404 until it has read its roles and kinds."""
    backoff, failures, refusal_ends = Backoff(first=0.25, most=10.0), 0, time.monotonic() + _REFUSED_SECONDS
    while True:
        try:
            with _lasting():
                return await listing()
        except (Unreachable, ServerError, TooManyRequests) as error:
            log.warning("waiting for the API server: %s", error)
            refusal_ends = time.monotonic() + _REFUSED_SECONDS
        except (Forbidden, KindMissing, SchemaOutdated, Unauthorized):
            if time.monotonic() > refusal_ends:
                raise
        await asyncio.sleep(backoff.wait(failures))
        failures += 1
