"""Claims: how many a second, how soon at half of what comes through one by one, and how many writes for a burst.

Ours is the whole way: the Instance is seen, its node's ledger written, its status written, its Event told. The floor of
the rate is one JSON patch of a ledger, sent as fast as sixteen clients can; elsewhere it is the budget.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

from devcluster import Cluster, wait_until
from hypertally.kube.aio import AsyncKubeClient, Object
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, Ref
from tests.support.fleet import Fleet, Host, controller

from .client import CLIENTS, client, each
from .process import PATIENCE, rest
from .result import Result

ROOT = Path(__file__).resolve().parents[1]
HOSTS, GUESTS, FLOOR_PATCHES = 25, 40, 1000
SETTLED_HOSTS = 50
"""On which latencies are measured: the guests of each are declared, and hold claims."""

CLAIMS = int(os.environ.get("CLAIMS", "1000"))
LONE_CLAIMS = int(os.environ.get("LONE_CLAIMS", "500"))
BURST = 100
BUDGET = 2.0
"""At least half the rate of bare patches."""

P50_MS, P99_MS = 100.0, 200.0
BURST_WRITES = 0.25
"""Of the ledger, for each claim of a burst on one host."""

_SIZE = {"vcpus": 1, "memoryMiB": 64}
_SECONDS = 120.0
_IDLE = 0.01
"""Of a core. Twenty Events a second take two hundredths."""
_ZERO = {"vcpus": 0, "memoryMiB": 0, "diskMiB": 0}


def run() -> Iterator[Result]:
    """Rate and latency have an API server each: its watch cache keeps the last versions of everything, decoded, until
    newer ones push them out, and the more it holds the longer it looks for garbage. What a claim meets at half load is
    to be the history of half load, not that of a thousand claims at once."""
    yield from _rates()
    yield from _latencies()


def _rates() -> Iterator[Result]:
    with Cluster.start("bench") as cluster, tempfile.TemporaryDirectory() as directory:
        cluster.apply(ROOT / "crds", ROOT / "deploy")
        fleet = Fleet(cluster)
        hosts, patched = ([_host(fleet) for _ in range(count)] for count in (HOSTS, CLIENTS))
        floor = asyncio.run(_floor(cluster, patched))
        with controller(cluster.kubeconfig_for("controller"), Path(directory) / "log", *PATIENCE) as process:
            _wait_settled(fleet, hosts + patched)
            ours = _rate(cluster, fleet, hosts, process.pid)
            yield Result(
                name="claims", ours=round(ours * 1000, 2), floor=round(floor * 1000, 2), unit="ms/claim", budget=BUDGET
            )
            rest(process.pid, seconds=_SECONDS, core=_IDLE)  # the Events of all that went before are told
            yield _burst(cluster, fleet)


def _latencies() -> Iterator[Result]:
    with Cluster.start("bench") as cluster, tempfile.TemporaryDirectory() as directory:
        cluster.apply(ROOT / "crds", ROOT / "deploy")
        fleet = Fleet(cluster)
        settled = [_host(fleet) for _ in range(SETTLED_HOSTS)]
        asyncio.run(_declare(cluster, settled))
        with controller(cluster.kubeconfig_for("controller"), Path(directory) / "log", *PATIENCE) as process:
            _wait_settled(fleet, settled)
            rest(process.pid, seconds=_SECONDS, core=_IDLE)
            steady = asyncio.run(_steady_rate(cluster, settled))
            rest(process.pid, seconds=_SECONDS, core=_IDLE)
            yield from _latency(asyncio.run(_lone_claims(cluster, settled, every=2 * steady)))


def _wait_settled(fleet: Fleet, hosts: list[Host]) -> None:
    wait_until(lambda: all(host.is_settled() for host in hosts), seconds=_SECONDS, what="the first ledgers")
    _wait_for_homes(fleet)


def _rate(cluster: Cluster, fleet: Fleet, hosts: list[Host], controller: int) -> float:
    """Seconds for one claim of many that the controller finds when it wakes."""
    os.kill(controller, signal.SIGSTOP)
    asyncio.run(_bind(cluster, [hosts[number % len(hosts)].name for number in range(CLAIMS)]))
    began = time.perf_counter()
    os.kill(controller, signal.SIGCONT)
    _wait_for_homes(fleet)
    return (time.perf_counter() - began) / CLAIMS


async def _steady_rate(cluster: Cluster, hosts: list[Host]) -> float:
    """Seconds for one claim while each client waits for the home of the one before: the most that comes through when
    nothing waits to be written together. A backlog goes faster, several claims a write."""
    homes: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
    async with client(cluster) as api, asyncio.timeout(_SECONDS), asyncio.TaskGroup() as group:
        version = (await api.list(INSTANCE, field_selector="status.computeNodeName=")).resource_version
        watcher = group.create_task(_homes(api, version, "steady", lambda name: homes[name].set()))

        async def bind(number: int) -> None:
            await homes[await _create(api, hosts[number % len(hosts)].name, prefix="steady")].wait()

        began = time.perf_counter()
        await each(range(LONE_CLAIMS), bind)
        took = time.perf_counter() - began
        await watcher
    return took / LONE_CLAIMS


def _wait_for_homes(fleet: Fleet) -> None:
    wait_until(lambda: not fleet.instances.select("status.computeNodeName="), seconds=_SECONDS, what="the claims")


def _host(fleet: Fleet) -> Host:
    host = fleet.host(vcpus=1000, memoryMiB=10**6)
    for _ in range(GUESTS):
        host.run(str(uuid4()), memoryMiB=_SIZE["memoryMiB"])
    host.report()
    return host


async def _declare(cluster: Cluster, hosts: list[Host]) -> None:
    """An Instance for each guest."""
    guests = [(host.name, uuid) for host in hosts for uuid in host.guests]
    async with client(cluster) as api:
        await each(guests, lambda guest: _create(api, *guest))


async def _floor(cluster: Cluster, hosts: list[Host]) -> float:
    """Seconds for one patch, with as many at once as there are clients."""
    async with client(cluster) as api:
        nodes = [await api.get(Ref(COMPUTE_NODE, host.name)) for host in hosts]
        ledger = {"claims": [], "allocated": _ZERO, "free": _ZERO, "allocatable": _ZERO, "instances": 0,
                  "observedGeneration": 1, "observedReportGeneration": 1,
                  "orphans": {"count": 0, "resources": _ZERO}}  # fmt: skip
        turns = iter(range(FLOOR_PATCHES))
        began = time.perf_counter()
        await asyncio.gather(*(_swap(api, node, ledger, turns) for node in nodes[:CLIENTS]))
        return (time.perf_counter() - began) / FLOOR_PATCHES


async def _swap(api: AsyncKubeClient, node: Object, ledger: Object, turns: Iterator[int]) -> None:
    """Each client swaps the ledger of a node of its own: no swap ever fails."""
    for generation, _ in enumerate(turns):
        before = {"op": "test", "path": "/status/ledger/generation", "value": generation}
        first = {"op": "test", "path": "/status/ledger", "value": None}
        after = {"op": "add", "path": "/status/ledger", "value": {**ledger, "generation": generation + 1}}
        await api.patch(Ref(COMPUTE_NODE, node["metadata"]["name"]), [before if generation else first, after], "status")


async def _bind(cluster: Cluster, nodes: list[str]) -> None:
    async with client(cluster) as api:
        await each(nodes, lambda node: _create(api, node))


async def _create(api: AsyncKubeClient, node: str, uuid: str = "", prefix: str = "burst") -> str:
    """The new Instance's name."""
    uuid = uuid or str(uuid4())
    spec = {"uuid": uuid, "resources": _SIZE, "computeNodeName": node}
    await api.create(INSTANCE, {"metadata": {"name": f"{prefix}-{uuid}"}, "spec": spec}, "default")
    return f"{prefix}-{uuid}"


async def _lone_claims(cluster: Cluster, hosts: list[Host], every: float) -> list[float]:
    """Milliseconds from the answer to the one who binds to the home that a watcher sees; one starts each `every`
    seconds, whatever became of those before."""
    bound: dict[str, float] = {}
    homes: dict[str, float] = {}
    most = _SECONDS + LONE_CLAIMS * every
    async with client(cluster) as api, asyncio.timeout(most), asyncio.TaskGroup() as group:

        async def bind(number: int) -> None:
            name = await _create(api, hosts[number % len(hosts)].name, prefix="lone")
            bound[name] = time.perf_counter()

        version = (await api.list(INSTANCE, field_selector="status.computeNodeName=")).resource_version
        group.create_task(_homes(api, version, "lone", lambda name: homes.setdefault(name, time.perf_counter())))
        began = time.perf_counter()
        for number in range(LONE_CLAIMS):
            await asyncio.sleep(began + number * every - time.perf_counter())
            group.create_task(bind(number))
    return [(homes[name] - at) * 1000 for name, at in bound.items()]


async def _homes(api: AsyncKubeClient, version: str, prefix: str, seen: Callable[[str], object]) -> None:
    """Tells of each of LONE_CLAIMS that are called so, once, when it has a home."""
    told = set[str]()
    async for event in api.watch(INSTANCE, version):
        name = str(event.object["metadata"].get("name", ""))
        ours = name.startswith(f"{prefix}-") and name not in told
        if ours and event.type != "BOOKMARK" and event.object.get("status", {}).get("computeNodeName"):
            told.add(name)
            seen(name)
        if len(told) == LONE_CLAIMS:
            return
    raise TimeoutError(f"the watch ended with {len(told)} of {LONE_CLAIMS} claims")


def _latency(took: list[float]) -> Iterator[Result]:
    p99 = quantiles(took, n=100, method="inclusive")[98]
    yield Result(name="claim-latency-p50", ours=round(median(took), 1), floor=P50_MS, unit="ms", budget=1.0)
    yield Result(name="claim-latency-p99", ours=round(p99, 1), floor=P99_MS, unit="ms", budget=1.0)


def _burst(cluster: Cluster, fleet: Fleet) -> Result:
    """As fast as the clients can bind, while the controller works."""
    host = _host(fleet)
    host.wait_settled()
    before = host.ledger["generation"]
    asyncio.run(_bind(cluster, [host.name] * BURST))
    _wait_for_homes(fleet)
    writes = host.ledger["generation"] - before
    return Result(name="burst-writes", ours=float(writes), floor=float(BURST), unit="writes", budget=BURST_WRITES)
