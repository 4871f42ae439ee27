"""Claims: how many a second, how soon at half of what comes through one by one, and how many writes for a burst.

Ours is the whole way: the Instance is seen, its node's ledger written, its status written, its Event told. The floor of
the rate is one JSON patch of a ledger, sent as fast as sixteen clients can; elsewhere it is the budget.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from devcluster import Cluster
from hypertally.kube.aio import AsyncKubeClient, Object
from hypertally.kube.kinds import COMPUTE_NODE, Ref
from tests.support.fleet import Fleet, Host, controller

from . import lone_claims
from .claimants import IDLE, MANIFESTS, SECONDS, bind, make_host, wait_for_homes, wait_settled
from .client import CLIENTS, client
from .process import PATIENCE, rest
from .result import Result

HOSTS, FLOOR_PATCHES = 25, 1000
CLAIMS = int(os.environ.get("CLAIMS", "1000"))
BURST = 100
BUDGET = 2.0
"""At least half the rate of bare patches."""

BURST_WRITES = 0.25
"""Of the ledger, for each claim of a burst on one host."""

_ZERO = {"vcpus": 0, "memoryMiB": 0, "diskMiB": 0}


def run() -> Iterator[Result]:
    """Rate and latency have an API server each: its watch cache keeps the last versions of everything, decoded, until
    newer ones push them out, and the more it holds the longer it looks for garbage. What a claim meets at half load is
    to be the history of half load, not that of a thousand claims at once."""
    yield from _rates()
    yield from lone_claims.run()


def _rates() -> Iterator[Result]:
    with Cluster.start("bench") as cluster, tempfile.TemporaryDirectory() as directory:
        cluster.apply(*MANIFESTS)
        fleet = Fleet(cluster)
        hosts, patched = ([make_host(fleet) for _ in range(count)] for count in (HOSTS, CLIENTS))
        floor = asyncio.run(_floor(cluster, patched))
        with controller(cluster.kubeconfig_for("controller"), Path(directory) / "log", *PATIENCE) as process:
            wait_settled(fleet, hosts + patched)
            ours = _rate(cluster, fleet, hosts, process.pid)
            yield Result(
                name="claims", ours=round(ours * 1000, 2), floor=round(floor * 1000, 2), unit="ms/claim", budget=BUDGET
            )
            rest(process.pid, seconds=SECONDS, core=IDLE)
            yield _burst(cluster, fleet)


def _rate(cluster: Cluster, fleet: Fleet, hosts: list[Host], controller: int) -> float:
    """Seconds for one claim of many that the controller finds when it wakes."""
    os.kill(controller, signal.SIGSTOP)
    asyncio.run(bind(cluster, [hosts[number % len(hosts)].name for number in range(CLAIMS)]))
    began = time.perf_counter()
    os.kill(controller, signal.SIGCONT)
    wait_for_homes(fleet)
    return (time.perf_counter() - began) / CLAIMS


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


def _burst(cluster: Cluster, fleet: Fleet) -> Result:
    """As fast as the clients can bind, while the controller works."""
    host = make_host(fleet)
    host.wait_settled()
    before = host.ledger["generation"]
    asyncio.run(bind(cluster, [host.name] * BURST))
    wait_for_homes(fleet)
    writes = host.ledger["generation"] - before
    return Result(name="burst-writes", ours=float(writes), floor=float(BURST), unit="writes", budget=BURST_WRITES)
