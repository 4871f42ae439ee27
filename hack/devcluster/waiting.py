"""Waiting for a condition, never longer than a deadline."""

import time
from collections.abc import Callable

from devcluster.errors import DeadlineError

#: Seconds between two looks at a condition. Short: what is waited for here takes tenths of a second.
INTERVAL = 0.02


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return as soon as the condition holds; DeadlineError naming what was waited for when it never does.

    An exception of the condition ends the wait at once.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            raise DeadlineError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(INTERVAL)
