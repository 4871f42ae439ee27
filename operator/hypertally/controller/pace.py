"""How fast something that can wait is done."""

from collections.abc import Callable


class Pace:
    """`at_once` in a row, and `per_second` after that: a token bucket, counted by the time at which the next is due
    (the generic cell rate algorithm)."""

    def __init__(self, per_second: float, at_once: int, clock: Callable[[], float]) -> None:
        self._interval = 1 / per_second
        self._lead = (at_once - 1) * self._interval
        self._clock = clock
        self._due = 0.0

    def wait(self) -> float:
        """Seconds that the next one waits; it is counted with this."""
        now = self._clock()
        due = max(self._due, now)
        self._due = due + self._interval
        return max(0.0, due - self._lead - now)
