"""Telling a person what a long step does, without flooding a log that nobody watches."""

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

#: Seconds between two lines of one step where the output is not a terminal.
QUIET = 15.0


class Progress(Protocol):
    """Receives what is being done."""

    def say(self, text: str) -> None:
        """A fact worth a line of its own."""

    def step(self, text: str) -> None:
        """The present state of a long step; the next state replaces it."""


class Silent:
    """Progress that nobody wants to see."""

    def say(self, text: str) -> None:
        """Nothing."""

    def step(self, text: str) -> None:
        """Nothing."""


class Console:
    """Progress as lines of text: steps overwrite each other on a terminal, and are thinned out elsewhere."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._terminal = self._stream.isatty()
        self._open_line = False
        self._said_at: float | None = None

    def say(self, text: str) -> None:
        if self._open_line:
            self._stream.write("\n")
            self._open_line = False
        self._said_at = None
        self._write(f"{text}\n")

    def step(self, text: str) -> None:
        if self._terminal:
            self._open_line = True
            self._write(f"\r\033[K{text}")
        elif self._due():
            self._write(f"{text}\n")

    def _due(self) -> bool:
        now = self._clock()
        if self._said_at is not None and now - self._said_at < QUIET:
            return False
        self._said_at = now
        return True

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def elapsed(since: float, now: float) -> str:
    """The time between two readings of a monotonic clock, as `3m07s`."""
    minutes, seconds = divmod(int(now - since), 60)
    return f"{minutes}m{seconds:02d}s"
