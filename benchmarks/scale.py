"""The controller with fleets of different sizes: its start, its memory, and what one event costs it.

A start is timed from the process to the first admission that a watcher sees, against one client that lists the same
objects and parses them with `json.loads`. The cost of an event is the controller's CPU time beyond what it uses at
rest, over many events of one kind; with the largest fleet it may be half as much again as with the smallest.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import urllib3

from devcluster import Cluster, wait_until
from hypertally.api.names import AUDITS_ANNOTATION, LEASE_NAMESPACE
from hypertally.kube.aio import AsyncKubeClient
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, LEASE, MIGRATION, Ref
from tests.support.fleet import controller

from .client import client, each
from .copies import GUESTS, Copies, guest_name, host_name
from .process import PATIENCE, cpu_seconds, resident_mib, rest
from .result import Result

ROOT = Path(__file__).resolve().parents[1]
FLEETS = tuple(int(size) for size in os.environ.get("FLEETS", "100,1000,5000").split(","))
"""Hosts, ten Instances each, smallest first. Starts are timed with all but the smallest and the largest."""

EVENTS = int(os.environ.get("EVENTS", "100"))
"""Of each kind, on as many hosts; at most as many as the smallest fleet has."""

TIMES = {"lease-renewal": 10}
"""How often each of these hosts has it, if not once: a hundred renewals cost 12 ms, which a pause of Python doubles."""

STARTS, ROUNDS = 3, 3
START, GROWTH = 2.0, 1.5
BARE_MIB, LARGEST_MIB, LARGEST_HOSTS = 80.0, 600.0, 10_000
"""What the controller may hold without any object, and for 10,000 hosts with 100,000 Instances."""

AT_REST = 2.0
"""Percent of a core."""

_SECONDS = 300.0
_REST_SECONDS = 10.0
Event = Callable[[AsyncKubeClient, int], Awaitable[object]]


@dataclass(frozen=True)
class Measured:
    """One controller with one fleet: MiB after the start, percent of a core at rest, milliseconds for an event."""

    resident: float
    most: float
    at_rest: float
    events: dict[str, float]


def run() -> Iterator[Result]:
    with Cluster.start("bench") as cluster, tempfile.TemporaryDirectory() as directory:
        cluster.apply(ROOT / "crds", ROOT / "deploy")
        copies, smallest = Copies(cluster, Path(directory)), None
        for size in FLEETS:
            copies.grow(size)
            if size not in (FLEETS[0], FLEETS[-1]):
                yield asyncio.run(_start(cluster, Path(directory), size))
            found = _measured(cluster, Path(directory) / f"{size}.log")
            smallest = smallest or found
            yield from _results(size, found, smallest)


def _results(size: int, found: Measured, smallest: Measured) -> Iterator[Result]:
    share = BARE_MIB + (LARGEST_MIB - BARE_MIB) * size / LARGEST_HOSTS
    yield Result(name=f"memory-{size}", ours=round(found.resident, 1), floor=round(share, 1), unit="MiB", budget=1.0)
    yield Result(name=f"memory-most-{size}", ours=round(found.most, 1), floor=LARGEST_MIB, unit="MiB", budget=1.0)
    yield Result(name=f"at-rest-{size}", ours=round(found.at_rest, 2), floor=AT_REST, unit="% of core", budget=1.0)
    for kind, cost in found.events.items():
        before = round(smallest.events[kind], 3)
        yield Result(name=f"{kind}-{size}", ours=round(cost, 3), floor=before, unit="ms CPU", budget=GROWTH)


async def _start(cluster: Cluster, folder: Path, size: int) -> Result:
    """The median of some starts, each between two lists of the client that does nothing else."""
    ours, floor = [], [_list(cluster)]
    for number in range(STARTS):
        ours.append(await _first_admission(cluster, folder / f"start-{number}.log", host_name(size - 1 - number)))
        floor.append(_list(cluster))
    return Result(
        name=f"start-{size}", ours=round(median(ours), 2), floor=round(median(floor), 2), unit="s", budget=START
    )


def _list(cluster: Cluster) -> float:
    http = urllib3.PoolManager(ca_certs=str(cluster.ca_file), timeout=60.0, retries=False)
    began = time.perf_counter()
    for kind, namespace in ((LEASE, LEASE_NAMESPACE), (INSTANCE, ""), (MIGRATION, ""), (COMPUTE_NODE, "")):
        going_on: str | None = ""
        while going_on is not None:
            query = urlencode({"limit": kind.page} | ({"continue": going_on} if going_on else {}))
            url = f"{cluster.url}{kind.path(namespace)}?{query}"
            answer = http.request("GET", url, headers={"Authorization": f"Bearer {cluster.token}"})
            going_on = json.loads(answer.data)["metadata"].get("continue") or None
    return time.perf_counter() - began


async def _first_admission(cluster: Cluster, log: Path, host: str) -> float:
    """An Instance waits on that host, the last of all lists, when the controller starts."""
    async with client(cluster) as api:
        uuid = str(uuid4())
        spec = {"uuid": uuid, "resources": {"vcpus": 1, "memoryMiB": 64}, "computeNodeName": host}
        await api.create(INSTANCE, {"metadata": {"name": f"waiting-{uuid}"}, "spec": spec}, "default")
        version = (await api.list(COMPUTE_NODE, field_selector=f"metadata.name={host}")).resource_version
        began = time.perf_counter()
        with controller(cluster.kubeconfig_for("controller"), log, *PATIENCE):
            async with asyncio.timeout(_SECONDS):
                async for event in api.watch(COMPUTE_NODE, version):
                    ledger = event.object.get("status", {}).get("ledger", {})
                    if any(c["uuid"] == uuid for c in ledger.get("claims", ())):
                        return time.perf_counter() - began
    raise TimeoutError(f"the watch ended before ComputeNode {host} had the claim")


def _measured(cluster: Cluster, log: Path) -> Measured:
    with controller(cluster.kubeconfig_for("controller"), log, *PATIENCE) as process:
        wait_until(lambda: "synced" in log.read_text(), seconds=_SECONDS, what="the controller's first lists")
        rest(process.pid, seconds=_SECONDS)
        time.sleep(_REST_SECONDS)  # what came with the start is let go
        resident, most = resident_mib(process.pid), resident_mib(process.pid, "VmHWM")
        used = cpu_seconds(process.pid)
        time.sleep(_REST_SECONDS)
        at_rest = (cpu_seconds(process.pid) - used) / _REST_SECONDS
        events = {name: asyncio.run(_cost(cluster, process.pid, name, at_rest)) for name in KINDS}
    return Measured(resident, most, at_rest * 100, events)


async def _cost(cluster: Cluster, pid: int, kind: str, at_rest: float) -> float:
    """CPU milliseconds for one, beyond what the controller uses at rest; the median of some rounds."""
    costs, hosts = [], [*range(EVENTS)] * TIMES.get(kind, 1)
    async with client(cluster) as api:
        for _ in range(ROUNDS):
            used, began = cpu_seconds(pid), time.monotonic()
            await each(hosts, partial(KINDS[kind], api), clients=4)
            await asyncio.to_thread(rest, pid, seconds=_SECONDS, core=at_rest + 0.02)
            costs.append((cpu_seconds(pid) - used - at_rest * (time.monotonic() - began)) / len(hosts) * 1000)
    return median(costs)


async def _guest_starts(api: AsyncKubeClient, number: int) -> None:
    """Its host's next report lists a guest in another state: the ledger is written, and the Instance's status."""
    ref = Ref(COMPUTE_NODE, host_name(number))
    report = (await api.get(ref))["status"]["report"]
    state = "Running" if report["guests"][0]["state"] != "Running" else "Shutoff"
    await api.patch(ref, [_put("/status/report/generation", report["generation"] + 1),
                          _put("/status/report/guests/0/state", state)], "status")  # fmt: skip


async def _instance_changes(api: AsyncKubeClient, number: int) -> None:
    """In nothing that matters."""
    note = {"changed": str(time.monotonic_ns())}
    await api.patch(Ref(INSTANCE, guest_name(number, GUESTS - 1), "default"), [_put("/metadata/annotations", note)])


async def _lease_is_renewed(api: AsyncKubeClient, number: int) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    await api.patch(Ref(LEASE, host_name(number), LEASE_NAMESPACE), [_put("/spec/renewTime", now)])


async def _audit_is_told(api: AsyncKubeClient, number: int) -> None:
    """The next look at an unchanged host, which only its Lease tells of."""
    ref = Ref(LEASE, host_name(number), LEASE_NAMESPACE)
    audits = json.loads((await api.get(ref))["metadata"]["annotations"][AUDITS_ANNOTATION])
    audits[host_name(number)]["audit"] += 1
    key = AUDITS_ANNOTATION.replace("/", "~1")
    await api.patch(ref, [_put(f"/metadata/annotations/{key}", json.dumps(audits))])


KINDS: dict[str, Event] = {
    "guest-start": _guest_starts,
    "instance-event": _instance_changes,
    "lease-renewal": _lease_is_renewed,
    "audit-told": _audit_is_told,
}


def _put(path: str, value: object) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}
