"""Waiting longer after each failure, never in step with others."""

from collections.abc import Callable
from dataclasses import dataclass

_FACTOR = 2.0
_SPREAD = 0.2


@dataclass
class Backoff:
    """Seconds: `first`, then twice as long each time up to `longest`, each ± 20 %."""

    chance: Callable[[], float]
    """Uniform in [0, 1)."""
    first: float = 1.0
    longest: float = 25.0
    _next: float = 0.0

    def delay(self, at_least: float | None = None) -> float:
        """The wait after one more failure; `at_least` is what the other side asked for."""
        current = self._next or self.first
        self._next = min(current * _FACTOR, self.longest)
        return max(spread(current, self.chance), at_least or 0.0)

    def reset(self) -> None:
        """Something succeeded."""
        self._next = 0.0


def spread(seconds: float, chance: Callable[[], float]) -> float:
    """Within ± 20 %."""
    return seconds * (1 - _SPREAD + 2 * _SPREAD * chance())
