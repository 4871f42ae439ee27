"""kopf watches Instances and Migrations; what it tells goes into the cache, and nothing else happens in its handlers.

No change handlers, timers or daemons: they would put annotations and finalizers on users' objects, and they decide
from differences, where the ledger decides from what is.
"""

import asyncio
import logging
from collections.abc import Iterator
from itertools import count
from typing import Any

import aiohttp
import kopf

from hypertally.api.names import GROUP, INSTANCES, MIGRATIONS, VERSION
from hypertally.kube.access import Access
from hypertally.kube.reflector import Backoff, Sink


def registry(
    access: Access, session: aiohttp.ClientSession, instances: Sink, migrations: Sink
) -> kopf.OperatorRegistry:
    """The handlers. The session is kopf's own: it closes it."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=access.server, aiohttp_session=session)

    _feed(handlers, INSTANCES, instances)
    _feed(handlers, MIGRATIONS, migrations)
    return handlers


def _feed(handlers: kopf.OperatorRegistry, plural: str, sink: Sink) -> None:
    @kopf.on.event(GROUP, VERSION, plural, registry=handlers, id=f"cache-{plural}")
    async def tell(event: kopf.RawEvent, **_: Any) -> None:
        if event["type"] == "DELETED":
            sink.remove(dict(event["object"]))
        else:
            sink.put(dict(event["object"]))


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
    chosen.networking.request_timeout = 30
    chosen.watching.server_timeout = 240
    chosen.watching.connect_timeout = 5
    return chosen


async def run(handlers: kopf.OperatorRegistry, ready: asyncio.Event | None = None) -> None:
    """Until SIGTERM or SIGINT, which kopf listens for."""
    logging.getLogger("kopf").setLevel(logging.WARNING)  # at INFO it tells of each event that it passed on
    await kopf.operator(registry=handlers, settings=settings(), clusterwide=True, standalone=True, ready_flag=ready)
