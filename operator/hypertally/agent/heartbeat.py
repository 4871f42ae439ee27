"""Whether a loop goes round: what the liveness probe asks."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Heartbeat:
    """One loop's. The API server has no part in it: a restart would not bring it back."""

    name: str
    clock: Callable[[], float]
    longest: float
    """Seconds that a round may take at most."""
    _last: float = 0.0

    def __post_init__(self) -> None:
        self.beat()

    def beat(self) -> None:
        self._last = self.clock()

    def complaints(self) -> tuple[str, ...]:
        silent = self.clock() - self._last
        return (f"{self.name} stands still since {silent:.0f} s",) if silent > self.longest else ()
