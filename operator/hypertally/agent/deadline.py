"""Blocking calls with a deadline: a call that hangs is left behind with its thread, and everything else goes on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)


class DeadlineExceeded(Exception):
    """The call has not come back in time; it may still do so, and nobody waits for it."""


class TooManyHanging(Exception):
    """So many calls hang that another would only add to them: the process has to be started anew."""


@dataclass
class _Call(Generic[T]):
    done: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    abandoned: bool = False
    result: T | None = None
    error: BaseException | None = None


class Deadlines:
    """Runs calls, each in a thread of its own. At most `most_hanging` of them may be left behind at any time.

    A thread costs 0.1 ms, a call comes every few seconds at most: a pool would be state to keep right for nothing.
    """

    def __init__(self, most_hanging: int) -> None:
        self._most_hanging = most_hanging
        self._hanging: set[int] = set()
        self._lock = Lock()

    @property
    def hanging(self) -> int:
        """Calls that were left behind and have not come back."""
        with self._lock:
            return len(self._hanging)

    def call(
        self, what: str, function: Callable[[], T], seconds: float, if_late: Callable[[T | None], None] | None = None
    ) -> T:
        """What `function` returns or raises. When it comes too late, `if_late` puts away what it brings.

        Raises DeadlineExceeded, or TooManyHanging in its place once the bound is reached.
        """
        call: _Call[T] = _Call()
        Thread(target=self._run, args=(call, function, if_late), name=what, daemon=True).start()
        if not call.done.wait(seconds):
            with call.lock:
                if not call.done.is_set():
                    call.abandoned = True
                    self._leave(call, what, seconds)
        if call.error is not None:
            raise call.error
        return call.result  # type: ignore[return-value]  # done without an error: it is a T

    def _leave(self, call: _Call[T], what: str, seconds: float) -> None:
        with self._lock:
            self._hanging.add(id(call))
            count = len(self._hanging)
        if count >= self._most_hanging:
            raise TooManyHanging(f"{count} calls to libvirt hang, {what} the last of them")
        raise DeadlineExceeded(f"{what}: no answer within {seconds:g} s")

    def _run(self, call: _Call[T], function: Callable[[], T], if_late: Callable[[T | None], None] | None) -> None:
        try:
            call.result = function()
        except BaseException as error:  # noqa: BLE001  # handed over to the caller, whatever it is
            call.error = error
        with call.lock:
            call.done.set()
            late = call.abandoned
        if late:
            self._come_late(call, if_late)

    def _come_late(self, call: _Call[T], if_late: Callable[[T | None], None] | None) -> None:
        with self._lock:
            self._hanging.discard(id(call))
        try:
            if if_late:
                if_late(call.result)
        except Exception:
            log.debug("putting away what came too late failed", exc_info=True)
