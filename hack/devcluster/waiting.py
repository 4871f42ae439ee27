"""Waiting for a condition, never longer than a deadline."""

import time
from collections.abc import Callable

from devcluster.errors import DeadlineError

#: Seconds between the first two looks at a condition: much of what is waited for takes tenths of a second. Each pause
#: is longer than the one before: a look is mostly a request, and too many of them hold up what takes seconds to come.
INTERVAL, GROWTH, LONGEST = 0.02, 1.2, 0.25


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return as soon as the condition holds; DeadlineError naming what was waited for when it never does.

    An exception of the condition ends the wait at once.
    """
    deadline, interval = time.monotonic() + seconds, INTERVAL
    while not condition():
        if time.monotonic() >= deadline:
            raise DeadlineError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(interval)
        interval = min(interval * GROWTH, LONGEST)
