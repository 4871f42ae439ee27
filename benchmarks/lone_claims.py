"""How soon a claim is there at half load: half of what comes through one by one.

Beside it a bare patch of the same ledgers at half of its own load, so that what the API server makes everybody wait for
is told from what the controller adds.
"""

import asyncio
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from statistics import median, quantiles

from devcluster import Cluster
from hypertally.kube.aio import AsyncKubeClient
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, Ref
from tests.support.fleet import Fleet, Host, controller

from .claimants import IDLE, MANIFESTS, SECONDS, create, declare, make_host, wait_settled
from .client import client, each
from .process import PATIENCE, rest
from .result import Result

HOSTS = 50
"""The guests of each are declared, and hold claims."""

CLAIMS = int(os.environ.get("LONE_CLAIMS", "500"))
P50_MS, P99_MS = 100.0, 200.0
BARE = 2.0
"""A claim is two writes one after the other, each of which is watched."""


def run() -> Iterator[Result]:
    with Cluster.start("bench") as cluster, tempfile.TemporaryDirectory() as directory:
        cluster.apply(*MANIFESTS)
        fleet = Fleet(cluster)
        hosts = [make_host(fleet) for _ in range(HOSTS)]
        asyncio.run(declare(cluster, hosts))
        with controller(cluster.kubeconfig_for("controller"), Path(directory) / "log", *PATIENCE) as process:
            wait_settled(fleet, hosts)
            rest(process.pid, seconds=SECONDS, core=IDLE)
            steady = asyncio.run(_steady_rate(cluster, hosts))
            rest(process.pid, seconds=SECONDS, core=IDLE)
            took = asyncio.run(_lone_claims(cluster, hosts, every=2 * steady))
        bare = asyncio.run(_lone_patches(cluster, hosts))
    p99 = round(_p99(took), 1)
    yield Result(name="claim-latency-p50", ours=round(median(took), 1), floor=P50_MS, unit="ms", budget=1.0)
    yield Result(name="claim-latency-p99", ours=p99, floor=P99_MS, unit="ms", budget=1.0)
    yield Result(name="claim-latency-p99-bare", ours=p99, floor=round(_p99(bare), 1), unit="ms", budget=BARE)


def _p99(milliseconds: list[float]) -> float:
    return quantiles(milliseconds, n=100, method="inclusive")[98]


async def _steady_rate(cluster: Cluster, hosts: list[Host]) -> float:
    """Seconds for one claim while each client waits for the home of the one before: the most that comes through when
    nothing waits to be written together. A backlog goes faster, several claims a write."""
    homes: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
    async with client(cluster) as api, asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
        version = (await api.list(INSTANCE, field_selector="status.computeNodeName=")).resource_version
        watcher = group.create_task(_homes(api, version, "steady", lambda name: homes[name].set()))

        async def bind(number: int) -> None:
            await homes[await create(api, hosts[number % len(hosts)].name, prefix="steady")].wait()

        began = time.perf_counter()
        await each(range(CLAIMS), bind)
        took = time.perf_counter() - began
        await watcher
    return took / CLAIMS


async def _lone_claims(cluster: Cluster, hosts: list[Host], every: float) -> list[float]:
    """Milliseconds from the answer to the one who binds to the home that a watcher sees."""
    bound: dict[str, float] = {}
    homes: dict[str, float] = {}
    most = SECONDS + CLAIMS * every
    async with client(cluster) as api, asyncio.timeout(most), asyncio.TaskGroup() as group:

        async def bind(number: int) -> None:
            name = await create(api, hosts[number % len(hosts)].name, prefix="lone")
            bound[name] = time.perf_counter()

        version = (await api.list(INSTANCE, field_selector="status.computeNodeName=")).resource_version
        group.create_task(_homes(api, version, "lone", lambda name: homes.setdefault(name, time.perf_counter())))
        await _one_by_one(bind, every)
    return [(homes[name] - at) * 1000 for name, at in bound.items()]


async def _one_by_one(act: Callable[[int], Coroutine[None, None, None]], every: float) -> None:
    """One starts each `every` seconds, whatever became of those before."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(CLAIMS):
            await asyncio.sleep(began + number * every - time.perf_counter())
            group.create_task(act(number))


async def _lone_patches(cluster: Cluster, hosts: list[Host]) -> list[float]:
    """Milliseconds of each; nobody else writes."""
    took: list[float] = []
    async with client(cluster) as api, asyncio.timeout(SECONDS):
        ledgers = {host.name: host.ledger for host in hosts}

        async def patch(number: int) -> None:
            name = hosts[number % len(hosts)].name
            before = ledgers[name]
            ledgers[name] = after = {**before, "generation": before["generation"] + 1}
            test = {"op": "test", "path": "/status/ledger", "value": before}
            began = time.perf_counter()
            await api.patch(Ref(COMPUTE_NODE, name), [test, {**test, "op": "add", "value": after}], "status")
            took.append((time.perf_counter() - began) * 1000)

        began = time.perf_counter()
        await each(range(CLAIMS), patch)
        every = 2 * (time.perf_counter() - began) / CLAIMS
        took.clear()
        await _one_by_one(patch, every)
    return took


async def _homes(api: AsyncKubeClient, version: str, prefix: str, seen: Callable[[str], object]) -> None:
    """Tells of each of CLAIMS that are called so, once, when it has a home."""
    told = set[str]()
    async for event in api.watch(INSTANCE, version):
        name = str(event.object["metadata"].get("name", ""))
        ours = name.startswith(f"{prefix}-") and name not in told
        if ours and event.type != "BOOKMARK" and event.object.get("status", {}).get("computeNodeName"):
            told.add(name)
            seen(name)
        if len(told) == CLAIMS:
            return
    raise TimeoutError(f"the watch ended with {len(told)} of {CLAIMS} claims")
