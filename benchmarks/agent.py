"""The agent as a process, on a real host with 40 guests and a real API server: its memory, its CPU time, its writes.

The floor of each result is its budget: the ratio says how much of it is used.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import libvirt

from devcluster import Cluster
from devhost import Host
from devhost.guest import Guest
from tests.agent.conftest import AgentProcess, Watched, grant_rights

from .result import Result

ROOT = Path(__file__).resolve().parents[1]
GUESTS, BUSY = 40, 1
WARM_AUDITS, AUDITS = 1000, int(os.environ.get("AUDITS", "2000"))
"""Memory comes from the system in arenas of 1 MiB: the first thousand audits fill the last of them, then it stands."""

MEMORY_MIB, GROWTH_MIB = 60.0, 1.25
CORE_PER_CENT = 0.5
IDLE_SECONDS = float(os.environ.get("IDLE_SECONDS", "600"))
"""How long an unchanged host is watched, with audits each minute."""

_LONGEST = 1800.0

RAPID = """\
import sys
from dataclasses import replace
from hypertally.agent.options import parse
from hypertally.agent.program import Agent
from hypertally.serving.logs import configure
settings = parse(sys.argv[1:])
configure(settings.log_format)
sys.exit(Agent(replace(settings, interval=0.01)).run())
"""
"""The agent with an interval that no user may ask for: two thousand audits would take a day otherwise."""


def run() -> Iterator[Result]:
    with Host.start("hv-bench") as host, Cluster.start("bench", audit=True) as cluster:
        cluster.apply(ROOT / "crds")
        grant_rights(cluster)
        host.start_guests(GUESTS - BUSY, disk_mib=64)
        with busy_guests(host, BUSY):
            yield from _memory(host, cluster)
            yield from _rest(host, cluster)


@contextmanager
def busy_guests(host: Host, count: int) -> Iterator[None]:
    """Some that take CPU all the time, so that what is measured does not stand still."""
    image = bytearray(64 * 1024)
    image[-16:-14] = b"\xeb\xfe"  # a jump to itself
    (host.images / "busy.bin").write_bytes(image)
    connection = libvirt.open(host.uri)
    for number in range(count):
        document = Guest(name=f"busy-{number}").xml()
        connection.createXML(document.replace("/var/lib/libvirt/halt.bin", "/var/lib/libvirt/images/busy.bin"))
    yield
    connection.close()


@contextmanager
def agent(host: Host, node: Watched, *arguments: str, rapid: bool = False) -> Iterator[AgentProcess]:
    """Until it has published a report."""
    usual = [f"--node-name={node.name}", "--listen=127.0.0.1:0", "--host-ip=192.0.2.7", f"--connection={host.uri}"]
    environ = {"HYPERTALLY_KUBECONFIG": str(node.cluster.kubeconfig_for("agent"))}
    command = [sys.executable, "-c", RAPID] if rapid else None
    with tempfile.TemporaryDirectory() as folder:
        given = [*usual, f"--instances-path={host.images}", *arguments]
        process = AgentProcess(given, Path(folder) / "agent.log", environ, command)
        try:
            node.wait("a report", lambda: node.exists() and len(node.report().get("guests", [])) > 0)
            yield process
        finally:
            process.kill()


def _memory(host: Host, cluster: Cluster) -> Iterator[Result]:
    with agent(host, Watched(cluster, "rapid"), rapid=True) as process:
        _await_audits(process, WARM_AUDITS)
        warm = process.resident_mib()
        _await_audits(process, AUDITS)
        after = process.resident_mib()
    yield Result(name="agent-memory", ours=round(after, 1), floor=MEMORY_MIB, unit="MiB", budget=1.0)
    growth = round(max(after - warm, 0.0), 2)
    yield Result(name="agent-memory-growth", ours=growth, floor=GROWTH_MIB, unit="MiB", budget=1.0)


def _await_audits(process: AgentProcess, count: int) -> None:
    """Asks seldom: a scrape every few milliseconds would be what is measured."""
    end = time.monotonic() + _LONGEST
    while (done := process.metric("audits_total")) < count:
        if time.monotonic() > end:
            raise TimeoutError(f"{done:.0f} of {count} audits in {_LONGEST:.0f} s")
        time.sleep(1)


def _rest(host: Host, cluster: Cluster) -> Iterator[Result]:
    """Audits each minute of a host on which nothing happens but guests that work."""
    node = Watched(cluster, "rest")
    with agent(host, node) as process:
        _await_audits(process, 1)
        before = node.node()
        position, used, begun = cluster.audit_log.position(), process.cpu_seconds(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        core = (process.cpu_seconds() - used) / (time.monotonic() - begun)
        asked = [each for each in cluster.audit_log.writes(since=position) if each.name == node.name]
        after = node.node()
    yield Result(name="agent-cpu", ours=round(core * 100, 3), floor=CORE_PER_CENT, unit="% of core", budget=1.0)
    # An empty patch each five minutes ± 20 % reads the object back; the server writes nothing for it.
    patches, looks = [each for each in asked if each.resource == "computenodes"], IDLE_SECONDS // 240 + 1
    yield Result(name="idle-read-backs", ours=float(len(patches)), floor=looks, unit="requests", budget=1.0)
    written = after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
    if written:
        print(f"it was written: {'; '.join(_changes(before, after))}", file=sys.stderr)
    yield Result(name="idle-writes", ours=float(written), floor=1.0, unit="writes", budget=0.0)


def _changes(before: object, after: object, path: str = "") -> Iterator[str]:
    """The host may truly have changed: a disk that something else fills, a device that came."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted((before.keys() | after.keys()) - {"managedFields"}):
            yield from _changes(before.get(key), after.get(key), f"{path}.{key}")
    elif before != after:
        yield f"{path}: {before} → {after}"[:300]
