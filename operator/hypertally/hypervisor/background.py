"""Questions that may hang, to a network file system or a storage pool: each costs its own part, not the audit.

A thread cannot be stopped, so one that hangs is left behind, and no other is started for the same question before it
has ended: at most one of each for a connection.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass
from typing import Generic, TypeVar

from .facts import Unread

T = TypeVar("T")


@dataclass(frozen=True)
class _Asked(Generic[T]):
    answer: "Future[T]"
    since: float


class Background(Generic[T]):
    """One question, asked again and again. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: _Asked[T] | None = None

    def look(self, whom: str, ask: Callable[[], T], *, patience: float, keep: float = 0.0) -> T | Unread:
        """The answer, or why there is none: one of the last `keep` seconds, or a new one within `patience` seconds.

        What `ask` raises is raised here. After an answer that did not come in time, nobody waits for it again: it is
        there at the next look, or it is not.
        """
        asked = self._asked
        if asked is None or (asked.answer.done() and self._age(asked) >= keep):
            asked = self._asked = self._start(whom, ask)
        try:
            return asked.answer.result(timeout=max(0.0, patience - self._age(asked)))
        except NoAnswer:
            return Unread(f"{whom}: no answer for {max(patience, self._age(asked)):.0f} s")

    def _age(self, asked: _Asked[T]) -> float:
        return self._clock() - asked.since

    def _start(self, whom: str, ask: Callable[[], T]) -> _Asked[T]:
        answer: Future[T] = Future()
        threading.Thread(target=_answer, args=(ask, answer), name=f"ask {whom}", daemon=True).start()
        return _Asked(answer, self._clock())


def _answer(ask: Callable[[], T], answer: "Future[T]") -> None:
    try:
        answer.set_result(ask())
    except BaseException as error:  # noqa: BLE001 whoever looks gets it
        answer.set_exception(error)
