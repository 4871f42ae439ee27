"""The network of one program, which can be made bad and good again while it is used."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import aiohttp
from aiohttp import web

from devcluster import Cluster
from tests.support.faults import Fault, FaultyServer, _cut, _refusal

from .plan import Kind

_CUTS = (Fault.CUT_BEFORE, Fault.CUT_AFTER)
_LATE = (Fault.LATE, Fault.ANSWERED_LATE)
_OF_REQUESTS = {
    Kind.CUT: _CUTS, Kind.CONFLICT: (Fault.CONFLICT,), Kind.TOO_MANY: (Fault.TOO_MANY,),
    Kind.FAILED: (Fault.FAILED,), Kind.SLOW: _LATE,
}  # fmt: skip
_REFUSED = {Kind.TOO_MANY: 429, Kind.FAILED: 500}
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PART = 0.7
"""Of all requests that are spoilt while a fault lasts."""
_STALE_SECONDS = 1.0
_SECONDS = 20.0


class Proxy(FaultyServer):
    """`weather`: what goes wrong now; `closed`: nothing passes at all."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        super().__init__(cluster, self._choose, _STALE_SECONDS)
        self._dice = random.Random(seed)  # noqa: S311
        self.weather: Kind | None = None
        self.closed = False

    def _choose(self, method: str, _: str) -> Fault | None:
        if self.closed:
            return Fault.BROKEN if method == "WATCH" else Fault.CUT_BEFORE
        if self.weather is None or self._dice.random() > _PART:
            return None
        if method == "WATCH":
            return {Kind.CUT: Fault.BROKEN, Kind.STALE: Fault.STALE}.get(self.weather)
        if self.weather is Kind.CONFLICT and method not in _WRITES:
            return None
        return self._dice.choice((*_OF_REQUESTS.get(self.weather, ()), None))

    async def answer(self, session: aiohttp.ClientSession, request: web.BaseRequest) -> web.StreamResponse:
        """Also whether a watch begins at all."""
        self.asked.clear()  # nobody reads it, and a run is long
        if "watch" in request.query:
            if self.closed:
                return _cut(request)
            if self.weather in _REFUSED and self._dice.random() <= _PART:
                return _refusal(_REFUSED[self.weather])
        return await super().answer(session, request)


@contextmanager
def running_proxy(cluster: Cluster, seed: int) -> Iterator[Proxy]:
    proxy, up = Proxy(cluster, seed), Event()
    thread = Thread(target=proxy.run, args=(up,), name="proxy", daemon=True)
    thread.start()
    try:
        assert up.wait(_SECONDS), "the proxy does not come up"
        yield proxy
    finally:
        proxy.end()
        thread.join(_SECONDS)
