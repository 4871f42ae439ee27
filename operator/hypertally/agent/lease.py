"""The agent's Lease: proof that it lives, also while libvirt does not, and which audits answer for which reports.

It is renewed by compare-and-swap: two agents under one name never renew it in turns. Who finds it held by another waits
until it has stood still for as long as it lasts, by the waiting agent's own clock; a successor in the same seat (same
machine, same connections) takes it over at once, and its predecessor stands back.

Who finds in it less than the server has acknowledged (a backup was restored, somebody deleted it) goes on under a new
name: claims may have been stamped with a number that was given before, and its audits of then would prove them.
"""

import logging
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

import msgspec

from hypertally.api.bounds import HOLDER_MAX
from hypertally.api.compute_node import LeasedAudit
from hypertally.api.names import AUDITS_ANNOTATION, HOSTS_ANNOTATION
from hypertally.kube.errors import Conflict, KindMissing, KubeError, NotFound
from hypertally.kube.kinds import Ref
from hypertally.serving.logs import about

from .backoff import Backoff
from .clock import micro_time
from .complaints import Complaint
from .heartbeat import Heartbeat
from .shared import Shared

_LIVES = 4
"""A Lease outlives this many missed renewals."""
_MOST_JITTER = 0.05
_STAND_BACK = 1.0
"""Seconds between two looks at a Lease that another agent holds."""
_LEFT_SECONDS = 1
"""How long a Lease lasts that its agent has left: a successor elsewhere need not wait longer."""

log = logging.getLogger(__name__)


class Server(Protocol):
    """The part of KubeClient that the Lease uses."""

    def apply(self, ref: Ref, body: Mapping[str, Any], subresource: str = "") -> dict[str, Any]: ...

    def touch(self, ref: Ref, subresource: str = "") -> dict[str, Any]: ...


def unique_holder(node_name: str, seat: str = "") -> str:
    """Never the same twice: what one has proved, the next has not."""
    tail = f"_{seat}_{secrets.token_hex(8)}" if seat else f"_{secrets.token_hex(8)}"
    return node_name[: HOLDER_MAX - len(tail)] + tail


def is_in_seat(holder: str, seat: str) -> bool:
    return bool(seat) and f"_{seat}_" in holder


@dataclass(frozen=True)
class _Standing:
    """A Lease as it was read."""

    holder: str
    version: str
    lasts: float
    audits: Mapping[str, LeasedAudit] = field(default_factory=dict)

    @classmethod
    def read(cls, lease: Mapping[str, Any]) -> "_Standing":
        spec, metadata = lease.get("spec") or {}, lease["metadata"]
        lasts = float(spec.get("leaseDurationSeconds") or 0)
        return cls(spec.get("holderIdentity") or "", metadata["resourceVersion"], lasts, _audits(metadata))


class LeaseKeeper:
    """`run` belongs into a thread of its own, where nothing of libvirt can hold it up."""

    def __init__(self, server: Server, ref: Ref, interval: float, shared: Shared, seat: str = "") -> None:
        self.holder = unique_holder(ref.name, seat)
        self._names = {self.holder}
        """Each holder that this agent has been."""
        self._server, self._ref, self._interval, self._shared = server, ref, interval, shared
        self._seat = seat
        self._acquired = micro_time(shared.wall())
        self._stopping = Event()
        self._backoff = Backoff(shared.chance, longest=1.5 * interval)  # well below the Lease's life
        self._trouble = Complaint(log, shared.clock, about(ref.kind.kind, f"{ref.namespace}/{ref.name}"))
        self._mine: str | None = None
        """The version that this agent wrote last; None while it does not hold the Lease."""
        self._was_held = False
        self._others: _Standing | None = None
        self._still_since = 0.0
        self.heartbeat = Heartbeat("the Lease", shared.clock, 60 + _LIVES * interval)
        shared.tenure.begin()

    def run(self) -> None:
        while not self._stopping.is_set():
            self.heartbeat.beat()
            self._stopping.wait(self._renew())
        self._leave()

    def stop(self) -> None:
        self._stopping.set()

    def body(self, shown: Mapping[str, Any], lasts: int = 0) -> dict[str, Any]:
        """Everything that the agent owns of its Lease."""
        annotations = {AUDITS_ANNOTATION: _json(shown), HOSTS_ANNOTATION: _json(self._shared.sightings.show())}
        version = {"resourceVersion": self._mine} if self._mine else {}
        return {
            "metadata": {
                "name": self._ref.name,
                "namespace": self._ref.namespace,
                "annotations": annotations,
                **version,
            },
            "spec": {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": lasts or math.ceil(_LIVES * self._interval),
                "acquireTime": self._acquired,
                "renewTime": micro_time(self._shared.wall()),
            },
        }

    def _renew(self) -> float:
        """Renews once; the seconds to the next try."""
        begun = self._shared.clock()
        try:
            if not self._write():
                return min(_STAND_BACK, self._interval)
        except KubeError as error:
            self._shared.metrics.renew_failures.inc()
            self._trouble.say(f"{self._ref} cannot be renewed: {error}")
            return self._backoff.delay(error.retry_after)
        self._backoff.reset()
        self._trouble.over(f"{self._ref} is renewed again")
        period = self._interval * (1 - _MOST_JITTER + 2 * _MOST_JITTER * self._shared.chance())
        return max(0.0, begun + period - self._shared.clock())

    def _write(self) -> bool:
        """As its holder, or as who has found it free. False while it is another's."""
        if self._mine is not None:
            try:
                self._apply()
            except (Conflict, NotFound) as error:
                self._mine = None  # somebody wrote in between, or deleted it: it is looked at
                if isinstance(error, KindMissing):
                    raise
            else:
                return True
        if not self._may_take():
            return False
        self._apply()
        return True

    def _apply(self) -> None:
        shown = self._shared.proofs.show()
        lease = self._server.apply(self._ref, self.body(shown))
        self._mine, self._others, self._was_held = _Standing.read(lease).version, None, True
        self._shared.tenure.hold()
        self._shared.proofs.leased(shown)
        self._shared.metrics.renewals.inc()

    def _may_take(self) -> bool:
        """Looks at the Lease: whether a write may replace what was found, or make it."""
        found = self._look()
        if found is None or not found.holder or self._is_free(found):
            self._mine = found.version if found else None
            self._go_on_from(found)
            return True
        why = (
            f"{self._ref} is held by {found.holder}: another agent serves node {self._ref.name}, and this one writes "
            "nothing; correct --node-name, or stop the other one"
        )
        self._shared.tenure.lose(why)
        self._trouble.say(why)
        return False

    def _go_on_from(self, found: _Standing | None) -> None:
        """Under a new name, unless what stands is what was leased under this one, or more (an answer was lost)."""
        shown = found.audits if found and found.holder == self.holder else {}
        if self._shared.proofs.are_shown(shown):
            return
        self.holder = unique_holder(self._ref.name, self._seat)
        self._names.add(self.holder)
        log.info("%s is not as this agent left it: going on as %s, nothing is proven yet", self._ref, self.holder)

    def _look(self) -> _Standing | None:
        try:
            return _Standing.read(self._server.touch(self._ref))
        except KindMissing:
            raise
        except NotFound:
            return None

    def _is_free(self, found: _Standing) -> bool:
        """Ours (edited or gone back), a predecessor's in this seat, or one that has stood still for its whole life."""
        if found.holder in self._names or (is_in_seat(found.holder, self._seat) and not self._was_held):
            return True
        now = self._shared.clock()
        if self._others is None or self._others.version != found.version:
            self._others, self._still_since = found, now
        return now - self._still_since > found.lasts

    def _leave(self) -> None:
        """A last renewal that lasts a moment: who comes next need not wait."""
        if self._mine is None:
            return
        try:
            self._server.apply(self._ref, self.body(self._shared.proofs.show(), _LEFT_SECONDS))
        except KubeError as error:
            log.info("%s is left as it is: %s", self._ref, error)


def _audits(metadata: Mapping[str, Any]) -> dict[str, LeasedAudit]:
    """What cannot be read shows nothing."""
    text = (metadata.get("annotations") or {}).get(AUDITS_ANNOTATION, "{}")
    try:
        return msgspec.json.decode(text, type=dict[str, LeasedAudit])
    except msgspec.DecodeError:
        return {}


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
