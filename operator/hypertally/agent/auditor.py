"""When to look at a host, and the look itself: the timer, events, and the way back to a libvirt that was lost."""

import logging

from hypertally.api.compute_node import ReportContent
from hypertally.kube.kinds import COMPUTE_NODE
from hypertally.serving.logs import about

from .backoff import Backoff
from .complaints import Complaint
from .looks import Blind, Look, Lost, Seen
from .observer import Observer
from .shared import Shared
from .timer import AuditTimer, EventGate

log = logging.getLogger(__name__)

_MISSED_INTERVALS = 3


class Auditor:
    """Used by one thread, but for `event` and `complaints`. Its times are the monotonic clock's."""

    def __init__(self, node: str, observer: Observer, timer: AuditTimer, shared: Shared) -> None:
        self._node, self._observer, self._timer = node, observer, timer
        self._metrics, self._clock = shared.metrics, shared.clock
        self._reconnect = Backoff(shared.chance)
        self._gate = EventGate()
        self._trouble = Complaint(log, shared.clock, about(COMPUTE_NODE.kind, node))
        self._seen_at: float | None = None
        self._begun = False
        self._retry_at: float | None = None
        """While libvirt is lost, nothing else asks for an audit."""

    def event(self) -> None:
        """A guest changed or the connection closed. From any thread."""
        self._gate.event()

    def due_at(self, now: float) -> float:
        if not self._begun:
            return now
        if self._retry_at is not None:
            return self._retry_at
        return min(when for when in (self._timer.due_at(now), self._gate.due_at(), float("inf")) if when is not None)

    def audit(self, number: int, previous: ReportContent | None) -> Look:
        """Looks now. May raise TooManyHanging."""
        begun = self._clock()
        self._note_start(begun)
        look = self._observer.look(number, previous)
        finished = self._clock()
        self._note_end(look, finished)
        self._count(look, finished - begun)
        return look

    def complaints(self) -> tuple[str, ...]:
        """Why the host's numbers are not fresh; nothing when they are. From any thread."""
        seen_at, interval = self._seen_at, self._timer.interval
        if seen_at is None:
            return (f"{self._node}: no audit has succeeded yet",)
        age = self._clock() - seen_at
        if self._timer.is_off:
            return (f"{self._node}: {self._trouble.text}",) if self._trouble.text else ()
        return (f"{self._node}: the last good audit is {age:.0f} s old",) if age > _MISSED_INTERVALS * interval else ()

    def close(self) -> None:
        self._observer.close()

    def _note_start(self, now: float) -> None:
        due = self._timer.due_at(now)
        if due is not None and due <= now:
            self._metrics.lateness.labels(self._node).set(now - due)
            self._timer.started(now)
        self._gate.started(now)
        self._begun = True

    def _note_end(self, look: Look, now: float) -> None:
        if isinstance(look, Lost):
            wait = self._reconnect.delay()
            self._retry_at = now + wait
            self._trouble.say(look.message)
            log.debug("%s: next try in %.1f s", self._node, wait)
            return
        self._retry_at = None
        self._reconnect.reset()
        if isinstance(look, Blind):
            self._trouble.say(look.message)
            return
        self._seen_at = now
        if look.problems:
            self._trouble.say(
                f"{self._observer.host.uri}: unknown, last known values stand: {'; '.join(look.problems)}"
            )
        else:
            self._trouble.over(f"{self._observer.host.uri}: everything is read again")

    def _count(self, look: Look, seconds: float) -> None:
        self._metrics.audit_seconds.labels(self._node).observe(seconds)
        self._metrics.audits.labels(self._node, _result(look)).inc()
        self._metrics.usage.hear(self._node, look.usage if isinstance(look, Seen) else None)
        self._metrics.connected.labels(self._node).set(not isinstance(look, Lost))
        if not isinstance(look, Lost):  # nothing was asked, so nothing new is known
            self._metrics.problems.labels(self._node).set(len(look.problems) if isinstance(look, Seen) else 1)


def _result(look: Look) -> str:
    match look:
        case Seen(problems=()):
            return "complete"
        case Seen():
            return "incomplete"
        case Blind():
            return "blind"
        case Lost():
            return "lost"
