"""Programs that stand for a Lease, before an API server that holds nothing else and fails when it is told to."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from hypertally.controller.election import Election, Terms, lead
from hypertally.kube.errors import Conflict, KubeError, NotFound
from hypertally.kube.kinds import LEASE, Kind, Ref

Object = dict[str, Any]

REF = Ref(LEASE, "leader", "somewhere")
TERMS = Terms()


class Server:
    """One Lease, by compare-and-swap. `fails`: what is answered instead; `hangs`: nothing is."""

    def __init__(self) -> None:
        self.lease: Object | None = None
        self.fails: KubeError | None = None
        self.hangs = False
        self.loses_answers = False
        self.answers_after = 0.0
        self.asked = self.writes = 0

    async def get(self, ref: Ref) -> Object:
        await self._reached()
        if self.lease is None:
            raise NotFound(str(ref))
        return copy.deepcopy(self.lease)

    async def create(self, kind: Kind, body: Mapping[str, Any], namespace: str = "") -> Object:
        await self._reached()
        if self.lease is not None:
            raise Conflict("it is there already")
        assert (kind, namespace) == (LEASE, REF.namespace)
        return await self._store({**body}, 1)

    async def replace(self, ref: Ref, body: Mapping[str, Any]) -> Object:
        await self._reached()
        if self.lease is None:
            raise NotFound(str(ref))
        version = self.lease["metadata"]["resourceVersion"]
        if body["metadata"]["resourceVersion"] != version:
            raise Conflict("somebody else wrote")
        return await self._store({**body}, int(version) + 1)

    async def _reached(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails:
            raise self.fails
        await asyncio.sleep(0.01)

    async def _store(self, body: Object, version: int) -> Object:
        self.writes += 1
        self.lease = copy.deepcopy(body) | {"metadata": body["metadata"] | {"resourceVersion": str(version)}}
        if self.loses_answers:
            await asyncio.Event().wait()
        await asyncio.sleep(self.answers_after)
        return copy.deepcopy(self.lease)

    @property
    def spec(self) -> Object:
        assert self.lease is not None
        return dict(self.lease["spec"])

    def label(self) -> None:
        """As a person does, who renews nothing."""
        assert self.lease is not None
        metadata = self.lease["metadata"]
        version = str(int(metadata["resourceVersion"]) + 1)
        self.lease["metadata"] = metadata | {"labels": {"at": version}, "resourceVersion": version}


def now() -> float:
    return asyncio.get_running_loop().time()


class Candidate:
    """One program: `leads` while it works."""

    def __init__(self, server: Server, name: str, clock: Callable[[], float] = now) -> None:
        self.server = server
        self.election = Election(server, REF, name, TERMS, clock)
        self.stop = asyncio.Event()
        self.leads = False
        self.since = self.until = float("nan")
        self.asked = -1
        """Of the server, by everybody, until it stopped."""
        self.task = asyncio.create_task(lead(self.election, self.stop, self.working))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        self.leads, self.since = True, now()
        try:
            yield
        finally:
            self.leads, self.until, self.asked = False, now(), self.server.asked

    def kill(self) -> None:
        """It does nothing any more, and tells nobody."""
        self.election._server = Server()  # its way to the API server is cut
        self.task.cancel()


async def until(holds: Callable[[], bool], seconds: float = 120.0) -> float:
    """Seconds until it holds."""
    began = now()
    while not holds():
        await asyncio.sleep(0.01)
        assert now() - began < seconds, "it never came"
    return now() - began
