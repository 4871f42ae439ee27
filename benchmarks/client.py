"""The API server as the benchmarks speak to it: as admin, many requests at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from devcluster import Cluster
from hypertally.kube.access import find_access
from hypertally.kube.aio import AsyncKubeClient, Deadlines, open_session

T = TypeVar("T")

CLIENTS = 16


@asynccontextmanager
async def client(cluster: Cluster) -> AsyncIterator[AsyncKubeClient]:
    access = find_access(str(cluster.kubeconfig))
    async with open_session(access, "benchmark") as session:
        yield AsyncKubeClient(access, session, "benchmark", Deadlines())


async def each(things: Iterable[T], work: Callable[[T], Awaitable[object]], clients: int = CLIENTS) -> None:
    """`work` for each of the things, so many at once."""
    rest = iter(things)

    async def one() -> None:
        for thing in rest:
            await work(thing)

    await asyncio.gather(*(one() for _ in range(clients)))
