"""The API server as the plugin asks it: with the caller's own kubeconfig and rights."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from hypertally.api.base import Wire
from hypertally.api.compute_node import ComputeNode
from hypertally.api.decode import MalformedObject, decode
from hypertally.api.instance import Instance
from hypertally.kube.access import find_access
from hypertally.kube.aio import AsyncKubeClient, Deadlines, open_session
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, Kind

NAME = "kubectl-hypertally"
"""Also the field manager of what it writes."""

W = TypeVar("W", bound=Wire)


@dataclass(frozen=True)
class Target:
    """Which cluster is meant; empty for what the kubeconfig says."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""


@dataclass(frozen=True)
class Cluster:
    client: AsyncKubeClient
    namespace: str


@dataclass(frozen=True)
class Found(Generic[W]):
    """All objects of a kind, less those that this version cannot read."""

    objects: tuple[W, ...]
    unreadable: tuple[MalformedObject, ...] = ()


@asynccontextmanager
async def connect(target: Target, deadlines: Deadlines | None = None) -> AsyncIterator[Cluster]:
    """May raise AccessError."""
    access = find_access(target.kubeconfig, target.context)
    async with open_session(access, NAME) as session:
        client = AsyncKubeClient(access, session, NAME, deadlines or Deadlines())
        yield Cluster(client, target.namespace or access.namespace or "default")


async def compute_nodes(client: AsyncKubeClient) -> Found[ComputeNode]:
    """May raise any KubeError."""
    return await _every(client, COMPUTE_NODE, ComputeNode)


async def instances(client: AsyncKubeClient) -> Found[Instance]:
    """Of all namespaces. May raise any KubeError."""
    return await _every(client, INSTANCE, Instance)


async def _every(client: AsyncKubeClient, kind: Kind, type_: type[W]) -> Found[W]:
    found: list[W] = []
    unreadable: list[MalformedObject] = []
    async for page in client.pages(kind):
        for item in page.items:
            try:
                found.append(decode(item, type_))
            except MalformedObject as error:
                unreadable.append(error)
    return Found(tuple(found), tuple(unreadable))
