"""A proxy between one program and a real API server, which spoils some of what passes: the faults of a network, of a
loaded server and of a late watch, which a healthy API server on one machine does not show.
"""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from threading import Event, Thread

import aiohttp
from aiohttp import web

from devcluster import Cluster
from devcluster.loops import PatientLoop
from devcluster.users import write_kubeconfig

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "content-encoding"})
_STARTING_SECONDS = 20.0
_LATE_SECONDS = 0.3
_STALE_SECONDS = 1.0
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Fault(StrEnum):
    CUT_BEFORE = "cut before it reached the server"
    CUT_AFTER = "cut after it reached the server"
    LATE = "late"
    ANSWERED_LATE = "done at once, answered late"
    CONFLICT = "409"
    TOO_MANY = "429"
    FAILED = "500"
    STALE = "a watch that stands still"
    BROKEN = "a watch that breaks"


_ANSWERS = {Fault.CONFLICT: 409, Fault.TOO_MANY: 429, Fault.FAILED: 500}
_OF_WRITES = (
    Fault.CUT_BEFORE,
    Fault.CUT_AFTER,
    Fault.LATE,
    Fault.ANSWERED_LATE,
    Fault.CONFLICT,
    Fault.TOO_MANY,
    Fault.FAILED,
)
_OF_READS = (Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.LATE, Fault.TOO_MANY, Fault.FAILED)
_OF_WATCHES = (Fault.STALE, Fault.STALE, Fault.BROKEN)

Pick = Callable[[str, str], Fault | None]
"""From a request's method and path (with its query), or `WATCH` and the path for each piece of a watch."""


def seldom(seed: int, *, reads: float, writes: float) -> Pick:
    """Of all reads and pieces of watches, and of all writes, that part; the same ones for the same seed."""
    dice = random.Random(seed)  # noqa: S311

    def pick(method: str, _: str) -> Fault | None:
        faults = _OF_WATCHES if method == "WATCH" else _OF_WRITES if method in _WRITES else _OF_READS
        return dice.choice(faults) if dice.random() < (writes if method in _WRITES else reads) else None

    return pick


class FaultyServer:
    """What a program that talks to this proxy asked for, and what was spoilt. `heal` ends all faults."""

    def __init__(self, cluster: Cluster, pick: Pick, stale_seconds: float) -> None:
        self._cluster = cluster
        self._pick = pick
        self._stale_seconds = stale_seconds
        self._loop = PatientLoop()
        self._healed, self._ended = asyncio.Event(), asyncio.Event()
        self.asked: list[tuple[str, str]] = []
        """Method and path of every request, in order."""
        self.spoilt: Counter[Fault] = Counter()
        self.port = 0

    def heal(self) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._healed.set)

    def end(self) -> None:
        """From any thread."""
        self.heal()
        self._loop.call_soon_threadsafe(self._ended.set)

    def run(self, up: Event) -> None:
        """In the present thread, until `end`."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(up))

    async def _serve(self, up: Event) -> None:
        connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(cafile=str(self._cluster.ca_file)))
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

            async def handle(request: web.BaseRequest) -> web.StreamResponse:
                with suppress(aiohttp.ClientError, ConnectionError):
                    return await self.answer(session, request)
                return _cut(request)

            runner = web.ServerRunner(
                web.Server(handle, access_log=None, handler_cancellation=True), shutdown_timeout=0.1
            )
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.port = runner.addresses[0][1]
            up.set()
            await self._ended.wait()
            await runner.cleanup()
        await self._loop.until_closed()

    def kubeconfig(self, path: Path, user: str) -> Path:
        """As the user's own, but through this proxy."""
        write_kubeconfig(
            path,
            context="faulty",
            url=f"http://127.0.0.1:{self.port}",
            ca_file=self._cluster.ca_file,
            user=user,
            token=self._cluster.token_for(user),
        )
        return path

    def _fault(self, method: str, path: str) -> Fault | None:
        if self._healed.is_set():
            return None
        fault = self._pick(method, path)
        if fault is not None:
            self.spoilt[fault] += 1
        return fault

    async def answer(self, session: aiohttp.ClientSession, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs))
        if "watch" in request.query:
            return await self._pass_on(session, request, self._watch)
        fault = self._fault(request.method, request.path_qs)
        if fault is Fault.CUT_BEFORE:
            return _cut(request)
        if fault in _ANSWERS:
            return _refusal(_ANSWERS[fault])
        if fault is Fault.LATE:
            await asyncio.sleep(_LATE_SECONDS)
        answer = await self._pass_on(session, request, _whole)
        if fault is Fault.ANSWERED_LATE:
            await asyncio.sleep(_LATE_SECONDS)
        return _cut(request) if fault is Fault.CUT_AFTER else answer

    async def _pass_on(
        self,
        session: aiohttp.ClientSession,
        request: web.BaseRequest,
        finish: Callable[[web.BaseRequest, aiohttp.ClientResponse], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP_BY_HOP}
        url = f"{self._cluster.url}{request.path_qs}"
        body = await request.read()
        async with session.request(request.method, url, headers=headers, data=body or None) as found:
            return await finish(request, found)

    async def _watch(self, request: web.BaseRequest, found: aiohttp.ClientResponse) -> web.StreamResponse:
        answer = web.StreamResponse(status=found.status, headers=_passing(found))
        await answer.prepare(request)
        async for piece in found.content.iter_any():
            fault = self._fault("WATCH", request.path)
            if fault is Fault.BROKEN:
                return _cut(request)
            if fault is Fault.STALE:
                await self._stand_still()
            await answer.write(piece)
        return answer

    async def _stand_still(self) -> None:
        """What comes meanwhile waits in the connection."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._healed.wait(), self._stale_seconds)


def _cut(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _refusal(code: int) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "a fault of this test", "code": code}
    return web.json_response(
        body, status=code, headers={"Retry-After": "1"} if code == _ANSWERS[Fault.TOO_MANY] else {}
    )


async def _whole(_: web.BaseRequest, found: aiohttp.ClientResponse) -> web.Response:
    return web.Response(status=found.status, headers=_passing(found), body=await found.read())


def _passing(found: aiohttp.ClientResponse) -> dict[str, str]:
    return {key: value for key, value in found.headers.items() if key.lower() not in _HOP_BY_HOP}


@contextmanager
def faulty_server(cluster: Cluster, pick: Pick, *, stale_seconds: float = _STALE_SECONDS) -> Iterator[FaultyServer]:
    """Runs in a thread of its own until the block ends."""
    server, up = FaultyServer(cluster, pick, stale_seconds), Event()
    thread = Thread(target=server.run, args=(up,), daemon=True)
    thread.start()
    try:
        assert up.wait(_STARTING_SECONDS), "the proxy does not come up"
        yield server
    finally:
        server.end()
        thread.join(_STARTING_SECONDS)
