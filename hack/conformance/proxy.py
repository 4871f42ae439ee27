"""What stands between the scheduler and the API server: it sees every binding, and can make a watch late, old or lost.

All that a healthy API server on one machine does not show within a minute, and every large one shows each day.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from devcluster.loops import PatientLoop
from hypertally.api.names import COMPUTE_NODES, INSTANCES
from hypertally.kube.access import Access
from hypertally.kube.aio import open_session

from .api import Object

BeforeBind = Callable[[str, str], None]
"""Called with the Instance's name and the host before a binding is passed on; the scheduler waits for it."""

_PASSED_ON = frozenset({"accept", "content-type", "user-agent"})
_STARTING_SECONDS = 20.0
_GONE = 410
_EXPIRED = {
    "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": _GONE,
    "message": "too old resource version: said by the conformance kit",
}  # fmt: skip
_NOTHING_CALLED: BeforeBind = lambda _, __: None  # noqa: E731


@dataclass(frozen=True)
class Bind:
    """One write of the scheduler that binds an Instance, and what the API server answered."""

    instance: str
    node: str
    status: int

    @property
    def took(self) -> bool:
        return self.status < 300  # noqa: PLR2004


class _Word(Enum):
    LINE = auto()
    INJECT = auto()
    HOLD = auto()
    RELEASE = auto()
    EXPIRE = auto()
    END = auto()


_Queue = asyncio.Queue[tuple[_Word, bytes]]


class Proxy:
    """Methods without an underscore may be called from any thread."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._loop = PatientLoop()
        self._ended = asyncio.Event()
        self._watches: dict[str, set[_Queue]] = {COMPUTE_NODES: set(), INSTANCES: set()}
        self._held: set[str] = set()
        self._expired: set[str] = set()
        self._lock = Lock()
        self._binds: list[Bind] = []
        self._before_bind = _NOTHING_CALLED
        self.lists: Counter[str] = Counter()
        """Full lists that were answered, by plural."""
        self.port = 0

    @property
    def binds(self) -> list[Bind]:
        with self._lock:
            return list(self._binds)

    def before_next_bind(self, act: BeforeBind) -> None:
        self._before_bind = act

    def hold(self, *plurals: str) -> None:
        """From now on watches of these kinds say nothing; what comes waits."""
        self._tell(_Word.HOLD, plurals)

    def release(self, *plurals: str) -> None:
        self._tell(_Word.RELEASE, plurals)

    def expire(self, *plurals: str) -> None:
        """Their history is gone: watches end with a 410, what waited is lost, and only a new list helps."""
        self._tell(_Word.EXPIRE, plurals)

    def replay(self, plural: str, obj: Object) -> None:
        """Every watch tells of this version as if it were the newest."""
        self._tell(_Word.INJECT, (plural,), json.dumps({"type": "MODIFIED", "object": obj}).encode())

    def kubeconfig(self, path: Path) -> Path:
        """For the scheduler. No token: the proxy has the kit's."""
        server = {"server": f"http://127.0.0.1:{self.port}"}
        named = {"name": "conformance"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{**named, "cluster": server}],
            "users": [{**named, "user": {}}],
            "contexts": [{**named, "context": {"cluster": "conformance", "user": "conformance"}}],
            "current-context": "conformance",
        }
        path.write_text(json.dumps(content))
        return path

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)

    def run(self, up: Event) -> None:
        """In the present thread, until `end`."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(up))

    def _tell(self, word: _Word, plurals: tuple[str, ...], data: bytes = b"") -> None:
        def tell() -> None:
            for plural in plurals:
                self._note(word, plural)
                for watch in self._watches[plural]:
                    watch.put_nowait((word, data))

        self._loop.call_soon_threadsafe(tell)

    def _note(self, word: _Word, plural: str) -> None:
        if word is _Word.HOLD:
            self._held.add(plural)
        if word in (_Word.RELEASE, _Word.EXPIRE):
            self._held.discard(plural)
        if word is _Word.EXPIRE:
            self._expired.add(plural)

    async def _serve(self, up: Event) -> None:
        async with open_session(self._access, "hypertally-conformance") as session:

            async def handle(request: web.BaseRequest) -> web.StreamResponse:
                with suppress(aiohttp.ClientError, ConnectionError):
                    return await self._answer(session, request)
                return web.Response(status=502)

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

    async def _answer(self, session: aiohttp.ClientSession, request: web.BaseRequest) -> web.StreamResponse:
        plural = _listed(request.path)
        if request.query.get("watch") in ("true", "1") and plural:
            return await self._watch(session, request, plural)
        body = await request.read()
        bound = _binding(request, body)
        if bound:
            act, self._before_bind = self._before_bind, _NOTHING_CALLED
            await asyncio.to_thread(act, *bound)
        async with self._pass_on(session, request, body) as found:
            answer = web.Response(status=found.status, body=await found.read(), content_type=found.content_type)
        if bound:
            with self._lock:
                self._binds.append(Bind(*bound, found.status))
        elif plural and request.method == "GET" and "continue" not in request.query:
            self._is_listed(plural)
        return answer

    def _is_listed(self, plural: str) -> None:
        self.lists[plural] += 1
        self._expired.discard(plural)

    def _pass_on(self, session: aiohttp.ClientSession, request: web.BaseRequest, body: bytes) -> Any:
        headers = {key: value for key, value in request.headers.items() if key.lower() in _PASSED_ON}
        url = f"{self._access.server}{request.path_qs}"
        timeout = aiohttp.ClientTimeout(total=None)
        return session.request(request.method, url, headers=headers, data=body or None, timeout=timeout)

    async def _watch(self, session: aiohttp.ClientSession, request: web.BaseRequest, plural: str) -> web.StreamResponse:
        if request.query.get("sendInitialEvents") == "true":  # a list in the form of a watch
            self._is_listed(plural)
        if plural in self._expired:
            return web.json_response(_EXPIRED, status=_GONE)
        async with self._pass_on(session, request, b"") as found:
            answer = web.StreamResponse(status=found.status, headers={"Content-Type": found.content_type})
            await answer.prepare(request)
            lines: _Queue = asyncio.Queue()
            if plural in self._held:
                lines.put_nowait((_Word.HOLD, b""))
            self._watches[plural].add(lines)
            reading = asyncio.create_task(_read(found, lines))
            try:
                await _write(answer, lines)
            finally:
                self._watches[plural].discard(lines)
                reading.cancel()
        return answer


async def _read(found: aiohttp.ClientResponse, lines: _Queue) -> None:
    rest = b""
    with suppress(aiohttp.ClientError, ConnectionError):
        async for chunk in found.content.iter_any():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                lines.put_nowait((_Word.LINE, line))
    lines.put_nowait((_Word.END, b""))


async def _write(answer: web.StreamResponse, lines: _Queue) -> None:
    held, waiting = False, b""
    while True:
        word, data = await lines.get()
        match word:
            case _Word.LINE if held:
                waiting += data + b"\n"
            case _Word.LINE | _Word.INJECT:
                await answer.write(data + b"\n")
            case _Word.HOLD | _Word.RELEASE:
                held = word is _Word.HOLD
                if waiting and not held:
                    await answer.write(waiting)
                    waiting = b""
            case _:
                if word is _Word.EXPIRE:
                    await answer.write(json.dumps({"type": "ERROR", "object": _EXPIRED}).encode() + b"\n")
                return


def _listed(path: str) -> str:
    """The plural, if the path is that of a list of one of the two kinds."""
    last = path.rstrip("/").rpartition("/")[2]
    return last if last in (COMPUTE_NODES, INSTANCES) else ""


def _binding(request: web.BaseRequest, body: bytes) -> tuple[str, str] | None:
    """The Instance and the host, if the request binds one to the other."""
    parts = request.path.strip("/").split("/")
    if request.method not in ("PATCH", "PUT") or parts[-2:-1] != [INSTANCES]:
        return None
    try:
        content = yaml.safe_load(body)
    except yaml.YAMLError:
        return None
    node = _node_of(content)
    return (parts[-1], node) if node else None


def _node_of(content: Any) -> str:
    if isinstance(content, list):  # a JSON patch
        values = [each.get("value") for each in content if each.get("op") in ("add", "replace")]
        paths = [each.get("path") for each in content if each.get("op") in ("add", "replace")]
        return next((str(v) for p, v in zip(paths, values, strict=True) if p == "/spec/computeNodeName"), "")
    spec = content.get("spec") if isinstance(content, dict) else None
    return str(spec.get("computeNodeName") or "") if isinstance(spec, dict) else ""


@contextmanager
def proxy(access: Access) -> Iterator[Proxy]:
    """Runs in a thread of its own until the block ends."""
    made, up = Proxy(access), Event()
    thread = Thread(target=made.run, args=(up,), daemon=True)
    thread.start()
    if not up.wait(_STARTING_SECONDS):
        raise RuntimeError("the proxy of the conformance kit does not come up")
    try:
        yield made
    finally:
        made.end()
        thread.join(_STARTING_SECONDS)
