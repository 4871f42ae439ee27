"""A true copy of all objects of one kind: list, watch, and on a gap list again and tell what vanished in it."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from .aio import AsyncKubeClient, Event
from .errors import Expired, KubeError, ServerError
from .kinds import Kind

log = logging.getLogger(__name__)

Object = dict[str, Any]

_GONE = 410
_SHORTEST_WATCH = 1.0
"""Seconds."""


class Sink(Protocol):
    """Where a reflector writes. Objects are the server's, undecoded."""

    def take(self, objects: list[Object]) -> set[str]:
        """A part of a full list; answers with their keys."""

    def keep(self, keys: set[str]) -> None:
        """These are all there are: what is held and not among them is gone."""

    def put(self, obj: Object) -> None: ...

    def remove(self, obj: Object) -> None: ...


@dataclass(frozen=True)
class Backoff:
    """Seconds between tries: doubled each time, never more than `most`, spread by ± a half."""

    first: float = 0.5
    most: float = 20.0

    def wait(self, failures: int) -> float:
        return min(self.most, self.first * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.5)  # noqa: S311  # jitter

    def after(self, failures: int, asked: float | None) -> float:
        """No less than the server asked for (Retry-After), up to `most`; it asks all for the same: spread, too."""
        own = self.wait(failures)
        return own if asked is None else max(own, min(asked, self.most) * random.uniform(1.0, 1.5))  # noqa: S311


async def fill(sink: Sink, client: AsyncKubeClient, kind: Kind, namespace: str = "") -> str:
    """A full list into the sink; answers with the resourceVersion that a watch goes on from. May raise KubeError."""
    present: set[str] = set()
    version = ""
    async for page in client.pages(kind, namespace=namespace):
        present |= sink.take(page.items)
        version = page.resource_version
    sink.keep(present)
    return version


class Reflector:
    """Runs until cancelled; an API server that is away for any length of time is only waited for."""

    def __init__(
        self,
        client: AsyncKubeClient,
        kind: Kind,
        sink: Sink,
        *,
        namespace: str = "",
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._kind = kind
        self._sink = sink
        self._namespace = namespace
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._version = ""
        self._failures = 0
        self.heard_at = float("-inf")
        """When the server last said anything, by `clock`."""

    async def list(self) -> None:
        """The first full list: nothing may be concluded from the copy before it. May raise KubeError."""
        self._version = await fill(self._sink, self._client, self._kind, self._namespace)
        self.heard_at = self._clock()

    async def run(self) -> None:
        while True:
            asked: float | None = None
            try:
                await self._once()
            except Expired:
                self._version = ""
                self._failures += 1
            except KubeError as error:
                self._failures += 1
                asked = error.retry_after
                log.warning("watch of %s broke off: %s", self._kind.plural, error)
            if self._failures:
                await asyncio.sleep(self._backoff.after(self._failures - 1, asked))

    async def _once(self) -> None:
        """One watch. One that ends at once without a word counts as a failure, else it would be asked for at once."""
        if not self._version:
            await self.list()
        began, told = self._clock(), False
        async for event in self._client.watch(self._kind, self._version, namespace=self._namespace):
            self.heard_at = self._clock()
            self._take(event)
            self._failures, told = 0, True
        if not told and self._clock() - began < _SHORTEST_WATCH:
            self._failures += 1

    def _take(self, event: Event) -> None:
        if event.type == "ERROR":
            said = str(event.object.get("message") or "an error without a message")
            raise Expired(said) if event.object.get("code") == _GONE else ServerError(said)
        if event.type == "DELETED":
            self._sink.remove(event.object)
        elif event.type != "BOOKMARK":
            self._sink.put(event.object)
        self._version = event.object["metadata"]["resourceVersion"]
