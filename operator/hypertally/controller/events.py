"""Kubernetes Events: what `kubectl describe` shows of a transition. Told once, at best; conditions are the truth."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from hypertally.api.meta import ObjectMeta
from hypertally.api.names import API_VERSION, CONTROLLER_MANAGER
from hypertally.kube.aio import AsyncKubeClient
from hypertally.kube.errors import KubeError
from hypertally.kube.kinds import EVENT
from hypertally.serving.logs import about

from .news import Kind, KindStatus, News, news
from .pace import Pace

log = logging.getLogger(__name__)

_ROOM, _ROOM_OF_WARNINGS = 1000, 100
_AT_ONCE, _PER_SECOND = 100, 20.0
"""After a burst of claims, a thousand of them in a row would make the claims that follow wait."""

_OF_THE_CLUSTER = "default"
"""Where Events are whose object has no namespace, as client-go's recorder puts them: kubectl describe finds them."""

_MESSAGE_MAX = 1024
"""What the API server takes."""


class Events:
    """A bounded queue and one sender that takes its time: a slow API server costs events, never claims. Warnings come
    first, and have room that others leave them."""

    def __init__(self, client: AsyncKubeClient, now: Callable[[], str]) -> None:
        self._client = client
        self._now = now
        self._queue: asyncio.PriorityQueue[tuple[bool, int, dict[str, Any]]] = asyncio.PriorityQueue()
        self._told = 0
        self._drops = False
        self._pace = Pace(_PER_SECOND, _AT_ONCE, time.monotonic)

    def tell_transitions(self, regarding: Kind, status: KindStatus) -> None:
        """`regarding` as it was, `status` as it was written."""
        for each in news(regarding, status):
            self.tell(regarding, each)

    def tell(self, regarding: Kind, told: News) -> None:
        meta, kind = regarding.metadata, type(regarding).__name__
        waiting, room = self._queue.qsize(), _ROOM if told.warns else _ROOM - _ROOM_OF_WARNINGS
        if waiting < room:
            self._told += 1
            self._drops = False
            self._queue.put_nowait((not told.warns, self._told, self._event(meta, kind, told)))
        elif not self._drops:
            self._drops = True
            extra = about(kind, f"{meta.namespace}/{meta.name}")
            log.warning(
                "an Event on %s %s is dropped, and so are others: %d wait", kind, meta.name, waiting, extra=extra
            )

    def _event(self, meta: ObjectMeta, kind: str, told: News) -> dict[str, Any]:
        now, stem = self._now(), meta.name[:200].rstrip("-.")
        regarding = {"apiVersion": API_VERSION, "kind": kind, "name": meta.name, "uid": meta.uid}
        return {
            "metadata": {"generateName": f"{stem}.", "namespace": meta.namespace or _OF_THE_CLUSTER},
            "involvedObject": regarding | ({"namespace": meta.namespace} if meta.namespace else {}),
            "type": "Warning" if told.warns else "Normal",
            "reason": told.reason,
            "message": told.message[:_MESSAGE_MAX],
            "source": {"component": CONTROLLER_MANAGER},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._pace.wait())
            _, _, event = await self._queue.get()
            try:
                await self._client.create(EVENT, event, event["metadata"]["namespace"])
            except KubeError as error:
                of = event["involvedObject"]
                extra = about(of["kind"], f"{of.get('namespace', '')}/{of['name']}")
                log.warning("an Event could not be written: %s", error, extra=extra)
