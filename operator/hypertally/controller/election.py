"""Which of several controllers works: the one that holds a Lease, by the rules of client-go's leader election.

The Lease is written by compare-and-swap. Who finds it held by another waits until it has stood still for as long as it
lasts, by its own clock: no clock is ever compared with another one's. Who holds it stops well before that time is over.

This keeps two from doing the same work, and is no lock: a holder that was paused may wake up and write once more. What
keeps the books right then is the compare-and-swap of each ledger.
"""

import asyncio
import logging
import random
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from hypertally.kube.errors import BadRequest, Conflict, Forbidden, Invalid, KubeError, NotFound, Unauthorized
from hypertally.kube.kinds import LEASE, Kind, Ref

log = logging.getLogger(__name__)

Object = dict[str, Any]
Working = Callable[[], AbstractAsyncContextManager[None]]

_REFUSALS = (BadRequest, Forbidden, Invalid, Unauthorized)
"""Nobody will ever lead, unless somebody mends it."""


class Server(Protocol):
    """The part of AsyncKubeClient that an election uses."""

    async def get(self, ref: Ref) -> Object: ...

    async def create(self, kind: Kind, body: Mapping[str, Any], namespace: str = "") -> Object: ...

    async def replace(self, ref: Ref, body: Mapping[str, Any]) -> Object: ...


@dataclass(frozen=True)
class Terms:
    """Seconds; the defaults are client-go's. They have to be the same for all who stand for one Lease."""

    duration: int = 15
    """How long a Lease has to stand still before another may take it."""

    renew_deadline: float = 10.0
    """Since its last renewal began, the holder stops after that."""

    retry: float = 2.0
    """Between two tries to get or to renew it, ± 20 %."""

    @property
    def attempt(self) -> float:
        """For one try: a connection that hangs leaves time for another one."""
        return self.renew_deadline / 2


def unique_identity() -> str:
    """Never the same for two processes, and tells a person which Pod it is."""
    return f"{socket.gethostname()}_{uuid4()}"


def _micro_time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Election:
    """`acquire`, then `keep` for as long as it lasts, then `release`."""

    def __init__(
        self,
        server: Server,
        ref: Ref,
        identity: str,
        terms: Terms | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._ref = ref
        self.identity = identity
        self._terms = terms or Terms()
        self._clock = clock
        self._mine: Object | None = None
        """As this one wrote it; None while that is not known to stand."""
        self._spec: Object | None = None
        self._still_since = 0.0
        """When this one saw the Lease change, by its own clock."""
        self._held_until = float("-inf")
        self._trouble = ""
        self._refusal = ""

    async def acquire(self) -> None:
        """Returns when the Lease is held."""
        while not await self._try(self._terms.attempt):  # noqa: ASYNC110  # the server is asked
            await asyncio.sleep(self._pause())
        log.info("%s leads: it holds %s", self.identity, self._ref)

    async def keep(self) -> str:
        """Renews for as long as it can; answers with the reason why it no longer does."""
        while (left := self._held_until - self._clock()) > 0:
            await asyncio.sleep(min(self._pause(), left))
            left = self._held_until - self._clock()
            if left > 0 and not await self._try(min(self._terms.attempt, left)) and self._is_anothers:
                return f"{self._holder} holds it"
        why = f": {self._trouble}" if self._trouble else ""
        return f"it was not renewed for {self._terms.renew_deadline:g} s{why}"

    async def release(self) -> None:
        """Leaves it to the next at once. Nothing may be at work any more."""
        try:
            async with asyncio.timeout(self._terms.retry):
                lease = await self._server.get(self._ref)
                if (lease.get("spec") or {}).get("holderIdentity") == self.identity:
                    left = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _micro_time()}
                    await self._server.replace(self._ref, lease | {"spec": lease["spec"] | left})
        except (KubeError, TimeoutError) as error:
            log.info("%s is left to run out: %s", self._ref, _said(error))

    def complaints(self) -> list[str]:
        return [f"it cannot stand for {self._ref}: {self._refusal}"] if self._refusal else []

    async def _try(self, seconds: float) -> bool:
        began = self._clock()
        try:
            async with asyncio.timeout(seconds):
                held = await self._take()
        except (KubeError, TimeoutError) as error:
            self._mine = None  # it may have been written all the same
            self._tell(error)
            return False
        self._trouble = self._refusal = ""
        if held:
            self._held_until = began + self._terms.renew_deadline
        return held

    async def _take(self) -> bool:
        lease = self._mine or await self._read()
        if lease is None:
            body = {"metadata": {"name": self._ref.name, "namespace": self._ref.namespace}, "spec": self._claim({})}
            self._see(await self._server.create(LEASE, body, self._ref.namespace))
            return True
        self._see(lease)
        if self._is_anothers and self._clock() < self._still_since + self._terms.duration:
            return False
        self._see(await self._server.replace(self._ref, lease | {"spec": self._claim(lease.get("spec") or {})}))
        return True

    async def _read(self) -> Object | None:
        try:
            return await self._server.get(self._ref)
        except NotFound:
            return None

    def _see(self, lease: Object) -> None:
        """A label that somebody sets is no sign of life of the holder: the spec has to change."""
        spec = lease.get("spec") or {}
        if spec != self._spec:
            before, self._spec, self._still_since = self._holder, spec, self._clock()
            if self._is_anothers and self._holder != before:
                log.info("%s leads: this one stands by", self._holder)
        self._mine = lease if self._holder == self.identity else None

    def _claim(self, spec: Object) -> Object:
        now = _micro_time()
        renewed = {"holderIdentity": self.identity, "leaseDurationSeconds": self._terms.duration, "renewTime": now}
        if spec.get("holderIdentity") == self.identity:
            return spec | renewed
        transitions = int(spec.get("leaseTransitions") or 0) + 1 if spec else 0
        return spec | renewed | {"acquireTime": now, "leaseTransitions": transitions}

    @property
    def _holder(self) -> str:
        return str((self._spec or {}).get("holderIdentity") or "")

    @property
    def _is_anothers(self) -> bool:
        return self._holder not in ("", self.identity)

    def _tell(self, error: Exception) -> None:
        """Once for each new trouble. That somebody else was faster is none."""
        if isinstance(error, Conflict):
            return
        trouble = _said(error)
        if trouble != self._trouble:
            log.warning("%s cannot be renewed or got: %s", self._ref, trouble)
        self._trouble = trouble
        self._refusal = trouble if isinstance(error, _REFUSALS) else ""

    def _pause(self) -> float:
        return self._terms.retry * random.uniform(0.8, 1.2)  # noqa: S311  # jitter


def _said(error: Exception) -> str:
    return str(error) or "no answer in time"


async def lead(election: Election, stop: asyncio.Event, working: Working) -> bool:
    """Works while it leads, until `stop`; False when it no longer leads, and nothing is at work any more."""
    why = None
    if await _before(stop, election.acquire()):
        async with working():
            lost = asyncio.create_task(election.keep())
            if await _before(stop, lost):
                why = lost.result()
    if why is not None:
        log.error("it no longer leads, and ends: %s", why)
    await election.release()
    return why is None


async def _before(stop: asyncio.Event, what: Any) -> bool:
    """Whether it was done before `stop` came; else it is cancelled."""
    doing, stopping = asyncio.ensure_future(what), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait((doing,))
    if doing.cancelled() or not doing.done():
        return False
    doing.result()
    return True
