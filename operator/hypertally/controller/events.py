"""Kubernetes Events: what `kubectl describe` shows of a transition. Told once, at best; conditions are the truth."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from hypertally.api.conditions import Condition, Status, find
from hypertally.api.instance import Instance, InstanceStatus
from hypertally.api.migration import Migration, MigrationStatus
from hypertally.api.names import API_VERSION, CONTROLLER_MANAGER
from hypertally.kube.aio import AsyncKubeClient
from hypertally.kube.errors import KubeError
from hypertally.kube.kinds import EVENT

log = logging.getLogger(__name__)

_ROOM = 1000
_NO_NEWS = frozenset({"NotSeen", "NotAccounted", "Pending", "InProgress", "Open"})
"""States on the way, that the next write replaces."""

_MESSAGE_MAX = 1024
"""What the API server takes."""


class Events:
    """A bounded queue and one sender: a slow API server costs events, never claims."""

    def __init__(self, client: AsyncKubeClient, now: Callable[[], str]) -> None:
        self._client = client
        self._now = now
        self._queue: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(_ROOM)

    def tell_transitions(self, regarding: Instance | Migration, status: InstanceStatus | MigrationStatus) -> None:
        """One Event for each condition whose status or reason is another than before; Ready only repeats others."""
        for condition in status.conditions:
            before = find(regarding.status.conditions, condition.type)
            changed = before is None or (before.status, before.reason) != (condition.status, condition.reason)
            if changed and condition.type != "Ready" and condition.reason not in _NO_NEWS:
                self._tell(regarding, condition)

    def _tell(self, regarding: Instance | Migration, condition: Condition) -> None:
        try:
            self._queue.put_nowait((regarding.metadata.namespace, self._event(regarding, condition)))
        except asyncio.QueueFull:
            log.warning("an Event on %s is dropped: %d wait already", regarding.metadata.name, _ROOM)

    def _event(self, regarding: Instance | Migration, condition: Condition) -> dict[str, Any]:
        meta, now = regarding.metadata, self._now()
        return {
            "metadata": {"generateName": f"{meta.name[:200]}.", "namespace": meta.namespace},
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": type(regarding).__name__,
                "namespace": meta.namespace,
                "name": meta.name,
                "uid": meta.uid,
            },
            "type": "Normal" if condition.status is Status.TRUE else "Warning",
            "reason": condition.reason,
            "message": (condition.message or condition.type)[:_MESSAGE_MAX],
            "source": {"component": CONTROLLER_MANAGER},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }

    async def run(self) -> None:
        while True:
            namespace, event = await self._queue.get()
            try:
                await self._client.create(EVENT, event, namespace)
            except KubeError as error:
                log.warning("an Event could not be written: %s", error)
