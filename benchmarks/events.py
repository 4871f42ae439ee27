"""From libvirt's event to a watcher of the API server: 200 guests that start alone, and 200 events in a storm.

The clock starts when libvirt tells this process that the guest has started, which it tells the agent at the same
moment: what libvirt and QEMU take for the start itself is nobody's here. The floor of each result is its budget.
"""

import http.client
import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

import libvirt

from devcluster import Cluster
from devcluster.waiting import wait_until
from devhost import Host
from devhost.guest import Guest
from hypertally.hypervisor.connection import Connection, KeepAlive
from hypertally.hypervisor.events import start_event_loop
from hypertally.hypervisor.spec import parse_connection
from tests.agent.conftest import Watched, grant_rights

from .agent import agent
from .result import Result

ROOT = Path(__file__).resolve().parents[1]
STARTS = int(os.environ.get("STARTS", "200"))
STORM = 200
P50_MS, P99_MS, LAST_MS = 50.0, 150.0, 1200.0

_PATH = "/apis/compute.hypertally.dev/v1alpha1/computenodes"
_SECONDS = 60.0
_ALONE = 1.3
"""Seconds since the last event, so that the next one is alone: reports of events are a second apart."""


@dataclass
class Seen:
    """What a watcher of the API server sees, with its time: the guests by name, and the report's generation."""

    guests: dict[str, str] = field(default_factory=dict)
    reports: dict[int, float] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, node: dict[str, Any]) -> None:
        report = node.get("status", {}).get("report", {})
        with self.changed:
            self.reports.setdefault(report.get("generation", 0), time.monotonic())
            self.guests = {guest["name"]: guest["state"] for guest in report.get("guests", [])}
            self.changed.notify_all()

    def wait(self, holds: Callable[[dict[str, str]], bool]) -> float:
        """When it held."""
        with self.changed:
            if not self.changed.wait_for(lambda: holds(self.guests), timeout=_SECONDS):
                raise TimeoutError(f"the watcher has not seen it in {_SECONDS:.0f} s: {self.guests}")
            return time.monotonic()


@contextmanager
def watching(cluster: Cluster, name: str) -> Iterator[Seen]:
    seen, address = Seen(), urlsplit(cluster.url)
    context = ssl.create_default_context(cafile=str(cluster.ca_file))
    connection = http.client.HTTPSConnection(address.hostname or "", address.port, context=context)
    query = f"{_PATH}?watch=1&fieldSelector=metadata.name%3D{name}"
    connection.request("GET", query, headers={"Authorization": f"Bearer {cluster.token}"})
    answer = connection.getresponse()
    threading.Thread(target=_read, args=(answer, seen), daemon=True).start()
    try:
        yield seen
    finally:
        if connection.sock:
            connection.sock.close()


def _read(answer: http.client.HTTPResponse, seen: Seen) -> None:
    try:
        for line in answer:
            seen.take(json.loads(line)["object"])
    except (OSError, ValueError, http.client.HTTPException):
        return  # the benchmark is over


class Starts:
    """When libvirt said that a guest started."""

    def __init__(self, uri: str) -> None:
        start_event_loop()
        self._connection = Connection.open(parse_connection(uri), KeepAlive())
        self._told = threading.Event()
        self._at = 0.0
        kind = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE
        self._connection.handle.domainEventRegisterAny(None, kind, self._on_event, None)

    def _on_event(self, _connection: object, _domain: object, event: int, *_: object) -> None:
        if event == libvirt.VIR_DOMAIN_EVENT_STARTED:
            self._at = time.monotonic()
            self._told.set()

    def time(self, start: Callable[[], object]) -> float:
        self._told.clear()
        start()
        if not self._told.wait(_SECONDS):
            raise TimeoutError("libvirt has not told of the start")
        return self._at


def run() -> Iterator[Result]:
    with Host.start("hv-bench") as host, Cluster.start("bench") as cluster:
        cluster.apply(ROOT / "crds")
        grant_rights(cluster)
        host.define_guest("first")
        node = Watched(cluster, "events")
        with agent(host, node, "--interval=600"), watching(cluster, node.name) as seen:
            yield from _lone_starts(host, seen)
            yield from _storm(host, seen)


def _lone_starts(host: Host, seen: Seen) -> Iterator[Result]:
    writable, starts, took = libvirt.open(host.uri), Starts(host.uri), []
    for _ in range(STARTS):
        time.sleep(_ALONE)
        begun = starts.time(lambda: writable.createXML(Guest(name="lone").xml()))
        took.append((seen.wait(lambda guests: guests.get("lone") == "Running") - begun) * 1000)
        time.sleep(_ALONE)
        writable.lookupByName("lone").destroy()
        seen.wait(lambda guests: "lone" not in guests)
    p99 = quantiles(took, n=100, method="inclusive")[98]
    yield Result(name="lone-start-p50", ours=round(median(took), 1), floor=P50_MS, unit="ms", budget=1.0)
    yield Result(name="lone-start-p99", ours=round(p99, 1), floor=P99_MS, unit="ms", budget=1.0)


def _storm(host: Host, seen: Seen) -> Iterator[Result]:
    writable, first = libvirt.open(host.uri), max(seen.reports)
    time.sleep(_ALONE)
    for number in range(STORM):
        writable.defineXML(Guest(name=f"storm-{number}").xml())
    ended = time.monotonic()
    last = seen.wait(lambda guests: sum(name.startswith("storm-") for name in guests) == STORM)
    wait_until(lambda: max(seen.reports) > first, seconds=_SECONDS, what="reports")
    times = sorted(at for number, at in seen.reports.items() if number > first)
    least = min((after - before for before, after in pairwise(times)), default=_ALONE)
    yield Result(name="storm-last-state", ours=round((last - ended) * 1000, 1), floor=LAST_MS, unit="ms", budget=1.0)
    # Reports are a second apart when they are sent; what a request takes moves them at the watcher.
    yield Result(name="storm-reports-rate", ours=round(1 / least, 2), floor=1.0, unit="1/s", budget=1.25)
