"""Claims in a burst, against bare compare-and-swap patches of the same objects on the same API server.

Ours is the whole way: the Instance is seen, its node's ledger written, its status written, its Event told. The floor is
one JSON patch of a ledger of the same size, sent as fast as sixteen clients can.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from devcluster import Cluster, wait_until
from hypertally.kube.access import find_access
from hypertally.kube.aio import AsyncKubeClient, Deadlines, Object, open_session
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, Ref
from tests.support.fleet import Fleet, Host, controller

from .result import Result

ROOT = Path(__file__).resolve().parents[1]
HOSTS, GUESTS, CLAIMS, CLIENTS = 25, 40, 1000, 16
FLOOR_PATCHES = 1000
BUDGET = 2.0
"""At least half the rate of bare patches."""

_SECONDS = 120.0
_ZERO = {"vcpus": 0, "memoryMiB": 0, "diskMiB": 0}


def run() -> Iterator[Result]:
    with Cluster.start("bench") as cluster, tempfile.TemporaryDirectory() as directory:
        cluster.apply(ROOT / "crds", ROOT / "hack" / "rbac.yaml")
        fleet = Fleet(cluster)
        hosts = [_host(fleet) for _ in range(HOSTS)]
        floor = asyncio.run(_floor(cluster, [_host(fleet) for _ in range(HOSTS)]))
        with controller(cluster.kubeconfig_for("controller"), Path(directory) / "log") as process:
            wait_until(lambda: all(host.is_settled() for host in hosts), seconds=_SECONDS, what="the first ledgers")
            os.kill(process.pid, signal.SIGSTOP)
            asyncio.run(_bind(cluster, hosts))
            began = time.perf_counter()
            os.kill(process.pid, signal.SIGCONT)
            wait_until(
                lambda: not fleet.instances.select("status.computeNodeName="), seconds=_SECONDS, what="the claims"
            )
            ours = (time.perf_counter() - began) / CLAIMS
    yield Result(
        name="claims", ours=round(ours * 1000, 2), floor=round(floor * 1000, 2), unit="ms/claim", budget=BUDGET
    )


@asynccontextmanager
async def _client(cluster: Cluster) -> AsyncIterator[AsyncKubeClient]:
    access = find_access(str(cluster.kubeconfig))
    async with open_session(access, "benchmark") as session:
        yield AsyncKubeClient(access, session, "benchmark", Deadlines())


def _host(fleet: Fleet) -> Host:
    host = fleet.host(vcpus=1000, memoryMiB=10**6)
    for _ in range(GUESTS):
        host.run(str(uuid4()))
    host.report()
    return host


async def _floor(cluster: Cluster, hosts: list[Host]) -> float:
    """Seconds for one patch, with as many at once as there are clients."""
    async with _client(cluster) as client:
        nodes = [await client.get(Ref(COMPUTE_NODE, host.name)) for host in hosts]
        ledger = {"claims": [], "allocated": _ZERO, "free": _ZERO, "allocatable": _ZERO, "instances": 0,
                  "observedGeneration": 1, "observedReportGeneration": 1,
                  "orphans": {"count": 0, "resources": _ZERO}}  # fmt: skip
        turns = iter(range(FLOOR_PATCHES))
        began = time.perf_counter()
        await asyncio.gather(*(_swap(client, node, ledger, turns) for node in nodes[:CLIENTS]))
        return (time.perf_counter() - began) / FLOOR_PATCHES


async def _swap(client: AsyncKubeClient, node: Object, ledger: Object, turns: Iterator[int]) -> None:
    """Each client swaps the ledger of a node of its own: no swap ever fails."""
    for generation, _ in enumerate(turns):
        before = {"op": "test", "path": "/status/ledger/generation", "value": generation}
        first = {"op": "test", "path": "/status/ledger", "value": None}
        after = {"op": "add", "path": "/status/ledger", "value": {**ledger, "generation": generation + 1}}
        await client.patch(
            Ref(COMPUTE_NODE, node["metadata"]["name"]), [before if generation else first, after], "status"
        )


async def _bind(cluster: Cluster, hosts: list[Host]) -> None:
    async with _client(cluster) as client:
        numbers = iter(range(CLAIMS))
        await asyncio.gather(*(_create(client, hosts, numbers) for _ in range(CLIENTS)))


async def _create(client: AsyncKubeClient, hosts: list[Host], numbers: Iterator[int]) -> None:
    for number in numbers:
        spec = {
            "uuid": str(uuid4()),
            "resources": {"vcpus": 1, "memoryMiB": 64},
            "computeNodeName": hosts[number % len(hosts)].name,
        }
        await client.create(INSTANCE, {"metadata": {"name": f"burst-{number}"}, "spec": spec}, "default")
