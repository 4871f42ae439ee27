"""When the next audit is due: Nova's periodic task, and events that wake it early. Pure: time and chance are given."""

from collections.abc import Callable
from dataclasses import dataclass

DEFAULT_INTERVAL = 60.0
_MOST_JITTER = 0.05
EVENT_GAP = 1.0
"""Seconds between two audits that events asked for: a storm makes one report a second."""


@dataclass
class AuditTimer:
    """oslo.service's semantics: first run at once, then at multiples of the interval.

    A late run is not made up for: the reference becomes the multiple of the interval nearest before the present, plus
    up to 5 % jitter in whole seconds, so that nothing drifts and a fleet that started together spreads.
    """

    interval: float
    """Seconds; 0 means the default, a negative one that the timer never asks."""
    chance: Callable[[], float]
    """Uniform in [0, 1)."""
    _reference: float | None = None

    def __post_init__(self) -> None:
        self.interval = self.interval or DEFAULT_INTERVAL

    @property
    def is_off(self) -> bool:
        return self.interval < 0

    def due_at(self, now: float) -> float | None:
        """When the next run is due; `now` before the first one, None if never."""
        if self.is_off:
            return None
        return now if self._reference is None else self._reference + self.interval

    def started(self, now: float) -> None:
        """A run that was due begins. One that an event asked for moves nothing."""
        if self.is_off:
            return
        if self._reference is None:
            self._reference = now
            return
        late = (now - self._reference) % self.interval
        self._reference = now - late + int(self.interval * self.chance() * _MOST_JITTER)


@dataclass
class EventGate:
    """The first event asks at once; those within a second of an audit that events asked for ask together, after it."""

    _asked: bool = False
    _last: float = float("-inf")

    def event(self) -> None:
        self._asked = True

    def due_at(self) -> float | None:
        return self._last + EVENT_GAP if self._asked else None

    def started(self, now: float) -> None:
        """An audit begins: it sees everything that was asked for so far."""
        if self._asked:
            self._last = now
        self._asked = False
