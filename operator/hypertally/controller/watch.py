"""kopf watches Instances and Migrations; what it tells goes into the cache, and nothing else happens in its handlers.

No change handlers, timers or daemons: they would put annotations and finalizers on users' objects, and they decide
from differences, where the ledger decides from what is.

Lists are ours, also where kopf asks for one: it would hold a whole fleet undecoded, thousands of workers beside it and
a record of each object for ever, and it does not compare. So what it asks for fills the cache (the first time `start`
has done so), and kopf is answered with an empty list of the same version, from which its watch goes on.

kopf takes some answers for final: a 404 or an error in the middle of a watch ends that watch for good and leaves the
operator without it. So it runs in a thread and an event loop of its own, and is started anew when it ends, or when it
has not asked for long enough.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Self

import aiohttp
import kopf
from kopf._core.engines.peering import Identity
from yarl import URL

from hypertally.api.names import CONTROLLER_MANAGER, GROUP, VERSION
from hypertally.kube.access import Access
from hypertally.kube.aio import open_session
from hypertally.kube.errors import KubeError
from hypertally.kube.reflector import Backoff, Sink

log = logging.getLogger(__name__)

_WATCH_SECONDS = 60
"""The server ends each watch after that; kopf asks again at once."""

_LIST_SECONDS = 120.0
"""A full list; each of its pages has a deadline of its own."""

_UNASKED_SECONDS = _LIST_SECONDS + 2.0 * _WATCH_SECONDS
_LOOK_SECONDS = 5.0
_LASTING_SECONDS = 60.0
_FAILURES = 3
"""Watches that ended sooner than that, one after another: no accident any more."""

_TRANSIENT = frozenset({401, 404, 410})
"""What a server answers for a moment while it restarts or a token is replaced, and kopf takes for final."""


@dataclass(frozen=True)
class Watched:
    """One kind of object: where its changes go, and how all of them come there.

    `list` answers with the resourceVersion of what it listed, may raise any KubeError.
    """

    sink: Sink
    list: Callable[[], Coroutine[Any, Any, str]]


class KopfWatch:
    """A context manager; what is `watched`, by plural, is called in the event loop that entered it."""

    def __init__(self, access: Access, watched: Mapping[str, Watched]) -> None:
        self._access = access
        self._watched = watched
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="kopf", daemon=True)
        self._home: asyncio.AbstractEventLoop | None = None
        self._attempt: _Attempt | None = None
        self._failures = 0
        self._why = ""

    def __enter__(self) -> Self:
        self._home = asyncio.get_running_loop()
        logging.getLogger("kopf").setLevel(logging.ERROR)  # below, it tells of each event that it passed on
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Daemon threads end with the process: nothing that kopf still does is worth waiting for."""
        self._stop.set()
        if self._attempt is not None:
            self._attempt.end()

    def _supervise(self) -> None:
        backoff = Backoff(first=0.5, most=20.0)
        while True:
            self._attempt = attempt = _Attempt(self._access, self, self._stop)
            attempt.run_while_it_asks()
            self._failures, self._why = 1 if attempt.has_lasted() else self._failures + 1, attempt.why
            if self._stop.wait(backoff.wait(self._failures - 1)):
                return
            log.warning("the watch of Instances and Migrations is started anew: %s", attempt.why)

    def complaints(self) -> list[str]:
        """Of a watch that ends again and again: nothing new would be heard but by the resync."""
        if self._failures < _FAILURES or (self._attempt is not None and self._attempt.has_lasted()):
            return []
        return [f"the watch of Instances and Migrations has ended {self._failures} times in a row: {self._why}"]

    @property
    def plurals(self) -> Iterable[str]:
        return self._watched

    async def list(self, plural: str) -> str:
        """Called in kopf's loop. An aiohttp.ClientConnectionError, which kopf waits for, if it fails."""
        if self._home is None:
            raise RuntimeError("the watch was not entered")
        listing = asyncio.run_coroutine_threadsafe(self._watched[plural].list(), self._home)
        try:
            return await asyncio.wrap_future(listing)
        except KubeError as error:
            raise aiohttp.ClientConnectionError(f"{plural} could not be listed: {error}") from error

    def tell(self, plural: str, event: dict[str, Any]) -> None:
        sink = self._watched[plural].sink
        call = sink.remove if event["type"] == "DELETED" else sink.put
        if self._home is not None and not self._stop.is_set():
            self._home.call_soon_threadsafe(call, dict(event["object"]))


class _Attempt:
    """One life of a kopf operator, and the look at whether it still asks."""

    def __init__(self, access: Access, watch: KopfWatch, stop: threading.Event) -> None:
        self._access = access
        self._watch = watch
        self._stop = stop
        self._end = threading.Event()
        self._began = time.monotonic()
        self._asked = dict.fromkeys(watch.plurals, time.monotonic())
        self.why = "kopf ended"

    def run_while_it_asks(self) -> None:
        """Returns when it ended, when it no longer asks, or when all is to end. One that hangs is left behind."""
        thread = threading.Thread(target=self._run, name="kopf-operator", daemon=True)
        thread.start()
        while thread.is_alive() and not self._stop.is_set() and self._still_asks():
            thread.join(_LOOK_SECONDS)
        self.end()

    def has_lasted(self) -> bool:
        return time.monotonic() - self._began > _LASTING_SECONDS

    def end(self) -> None:
        """From any thread; kopf sees it within a moment."""
        self._end.set()

    def _still_asks(self) -> bool:
        for plural, asked in self._asked.items():
            if time.monotonic() - asked > _UNASKED_SECONDS:
                self.why = f"nobody has asked for {plural} for {_UNASKED_SECONDS:g} s"
                return False
        return True

    def _run(self) -> None:
        try:
            asyncio.run(self._operate())
        except Exception as error:  # noqa: BLE001  # whatever it was, the next attempt begins anew
            self.why = f"{type(error).__name__}: {error}"

    async def _operate(self) -> None:
        async with open_session(self._access, CONTROLLER_MANAGER, self._note) as session:
            await kopf.operator(
                registry=self._registry(session),
                settings=settings(),
                clusterwide=True,
                standalone=True,
                # Else it asks the system who it runs as, and ends where the image does not know that user.
                identity=Identity(CONTROLLER_MANAGER),
                stop_flag=self._end,
            )

    async def _note(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        plural = request.url.path.rpartition("/")[2]
        if plural in self._asked:
            if "watch" not in request.url.query:
                request.url = nothing_at(request.url, await self._watch.list(plural))
            self._asked[plural] = time.monotonic()
        answer = await handler(request)
        if answer.status in _TRANSIENT and plural in self._asked:
            answer.release()
            raise aiohttp.ClientConnectionError(f"the API server answers {answer.status} for {plural}")
        return answer

    def _registry(self, session: aiohttp.ClientSession) -> kopf.OperatorRegistry:
        handlers = kopf.OperatorRegistry()

        @kopf.on.login(registry=handlers)
        async def login(**_: Any) -> kopf.AiohttpSession:
            return kopf.AiohttpSession(server=self._access.server, aiohttp_session=session)

        for plural in self._asked:
            self._feed(handlers, plural)
        return handlers

    def _feed(self, handlers: kopf.OperatorRegistry, plural: str) -> None:
        @kopf.on.event(GROUP, VERSION, plural, registry=handlers, id=f"cache-{plural}")
        async def tell(event: kopf.RawEvent, **_: Any) -> None:
            self._watch.tell(plural, dict(event))


def nothing_at(url: URL, version: str) -> URL:
    """The address of an empty list of that version. One name in one namespace: the server need not look at the others,
    and an object that bears it does no harm."""
    root, _, plural = url.path.rpartition("/")
    query = {"fieldSelector": "metadata.name=none", "resourceVersion": version, "resourceVersionMatch": "Exact"}
    return url.with_path(f"{root}/namespaces/default/{plural}").with_query(query)


class Patience:
    """Waits between tries, without an end: kopf gives up after the last one, and ends the operator. A server that
    restarts answers 403 until it has read its roles, so the waits are short."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff

    def __iter__(self) -> Iterator[float]:
        return (self._backoff.wait(failures) for failures in count())


def settings() -> kopf.OperatorSettings:
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.scanning.disabled = True  # the kinds are known to be there: the controller lists them before kopf starts
    chosen.peering.standalone = True
    chosen.networking.error_backoffs = Patience(Backoff(first=0.25, most=5.0))
    chosen.networking.connect_timeout = 5
    chosen.networking.request_timeout = _LIST_SECONDS
    chosen.queueing.idle_timeout = 0.5  # each object that changed has a worker for that long
    chosen.watching.server_timeout = _WATCH_SECONDS
    chosen.watching.connect_timeout = 5
    return chosen
