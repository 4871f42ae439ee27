"""Hosts, and Instances that want a claim there, for the benchmarks of claims."""

from pathlib import Path
from uuid import uuid4

from devcluster import Cluster, wait_until
from hypertally.kube.aio import AsyncKubeClient
from hypertally.kube.kinds import INSTANCE
from tests.support.fleet import Fleet, Host

from .client import client, each

MANIFESTS = [Path(__file__).resolve().parents[1] / name for name in ("crds", "deploy")]
GUESTS = 40
SECONDS = 120.0
"""That anything may take here."""

IDLE = 0.01
"""Of a core: the Events of all that went before are told. Twenty of them a second take two hundredths."""

_SIZE = {"vcpus": 1, "memoryMiB": 64}


def make_host(fleet: Fleet) -> Host:
    """With room for all, and guests of its own."""
    host = fleet.host(vcpus=1000, memoryMiB=10**6)
    for _ in range(GUESTS):
        host.run(str(uuid4()), memoryMiB=_SIZE["memoryMiB"])
    host.report()
    return host


async def declare(cluster: Cluster, hosts: list[Host]) -> None:
    """An Instance for each guest."""
    guests = [(host.name, uuid) for host in hosts for uuid in host.guests]
    async with client(cluster) as api:
        await each(guests, lambda guest: create(api, *guest))


def wait_settled(fleet: Fleet, hosts: list[Host]) -> None:
    wait_until(lambda: all(host.is_settled() for host in hosts), seconds=SECONDS, what="the first ledgers")
    wait_for_homes(fleet)


def wait_for_homes(fleet: Fleet) -> None:
    wait_until(lambda: not fleet.instances.select("status.computeNodeName="), seconds=SECONDS, what="the claims")


async def bind(cluster: Cluster, nodes: list[str]) -> None:
    async with client(cluster) as api:
        await each(nodes, lambda node: create(api, node))


async def create(api: AsyncKubeClient, node: str, uuid: str = "", prefix: str = "burst") -> str:
    """The new Instance's name."""
    uuid = uuid or str(uuid4())
    spec = {"uuid": uuid, "resources": _SIZE, "computeNodeName": node}
    await api.create(INSTANCE, {"metadata": {"name": f"{prefix}-{uuid}"}, "spec": spec}, "default")
    return f"{prefix}-{uuid}"
