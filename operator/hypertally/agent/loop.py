"""One connection's loop: look when it is due, tell when it is due, wait for the next of the two."""

from threading import Event

from .auditor import Auditor
from .heartbeat import Heartbeat
from .looks import Look, Seen
from .reporter import LastKnown, Reporter
from .shared import Shared

_LONGEST_WAIT = 5.0
"""Seconds between two signs of life of a loop that has nothing to do."""


class HostLoop:
    """`run` belongs into a thread of its own."""

    def __init__(self, node: str, auditor: Auditor, reporter: Reporter, longest_round: float, shared: Shared) -> None:
        self.node, self.auditor = node, auditor
        self.heartbeat = Heartbeat(f"the loop of {node}", shared.clock, longest_round)
        self._reporter, self._proofs, self._now = reporter, shared.proofs, shared.clock
        self._awake, self._stopping = Event(), Event()

    def wake(self) -> None:
        """A guest changed or the connection closed. From any thread; returns at once."""
        self.auditor.event()
        self._awake.set()

    def stop(self) -> None:
        self._stopping.set()
        self._awake.set()

    def run(self) -> None:
        """Until stopped. May raise TooManyHanging."""
        self._reporter.read_back()
        while not self._stopping.is_set():
            self.heartbeat.beat()
            self._round()
            self._wait()
        self.auditor.close()

    def _round(self) -> None:
        if self.auditor.due_at(self._now()) <= self._now():
            self._audit()
        if self._reporter.due_at() <= self._now() and self._reporter.work():
            self._audit()

    def _audit(self) -> None:
        previous = self._reporter.previous
        look = self._look(previous)
        if previous is not None and isinstance(look, Seen) and look.identity.host_uuid != previous.host_uuid:
            # What could not be read is now as it was at another host: a machine that was replaced, or an address that
            # leads elsewhere.
            previous, look = None, self._look(None)
        self._reporter.hear(look, from_nothing=previous is None)

    def _look(self, previous: LastKnown | None) -> Look:
        # The number is taken before the look begins: what the look saw can only be newer than the number.
        number = self._proofs.next_number(self.node)
        return self.auditor.audit(number, previous.content if previous else None)

    def _wait(self) -> None:
        due = min(self.auditor.due_at(self._now()), self._reporter.due_at())
        if self._awake.wait(min(max(due - self._now(), 0.0), _LONGEST_WAIT)):
            self._awake.clear()
