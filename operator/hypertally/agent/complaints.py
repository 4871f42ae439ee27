"""A trouble that lasts is told when it begins, when it changes, now and then, and when it ends; not at each try."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_REMIND_SECONDS = 300.0


@dataclass
class Complaint:
    """One thing that can go wrong again and again."""

    log: logging.Logger
    clock: Callable[[], float]
    extra: Mapping[str, object] = field(default_factory=dict)
    _said: str = ""
    _said_at: float = 0.0

    @property
    def text(self) -> str:
        """What is wrong now; empty when nothing is."""
        return self._said

    def say(self, message: str, level: int = logging.WARNING) -> None:
        now = self.clock()
        if message == self._said and now - self._said_at < _REMIND_SECONDS:
            return
        self._said, self._said_at = message, now
        self.log.log(level, "%s", message, extra=self.extra)

    def over(self, message: str) -> None:
        """Told only if there was something to get over."""
        if self._said:
            self._said = ""
            self.log.info("%s", message, extra=self.extra)
