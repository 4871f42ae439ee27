"""Looks at one host under deadlines: connects, reconnects, and says what came of it. Never raises for the host."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from hypertally.api.compute_node import ReportContent
from hypertally.hypervisor.errors import HypervisorError, HypervisorUnavailable
from hypertally.hypervisor.report import Audit

from .deadline import DeadlineExceeded, Deadlines, TooManyHanging
from .host import Host, Session
from .looks import Blind, Look, Lost, Seen

log = logging.getLogger(__name__)


@dataclass
class Observer:
    """Used by one thread, so that there are never two audits of one connection at a time."""

    host: Host
    deadlines: Deadlines
    seconds: float
    """The longest that connecting, or one audit, may take."""
    wake: Callable[[], None]
    _session: Session | None = None

    def look(self, number: int, previous: ReportContent | None) -> Look:
        """One audit; a connection that was lost is opened again first. May raise TooManyHanging."""
        try:
            found = self._audit(previous)
        except DeadlineExceeded as error:
            self._session = None  # closing it would hang as well
            return Lost(number, "DeadlineExceeded", f"{self.host.uri}: {error}")
        except TooManyHanging:
            raise
        except HypervisorUnavailable as error:
            self.close()
            return Lost(number, "ConnectionFailed", str(error))
        except HypervisorError as error:
            return self._without_report(number, type(error).__name__, str(error))
        except Exception as error:
            log.exception("an audit of %s failed in a way that it should not", self.host.uri)
            return self._without_report(number, "AuditFailed", f"{self.host.uri}: {type(error).__name__}: {error}")
        for remark in found.remarks:
            log.debug("%s: %s", self.host.uri, remark)
        return Seen(number, found.identity, found.content, tuple(map(str, found.problems)), found.usage)

    def close(self) -> None:
        """Leaves the connection; one that hangs while closing is left behind."""
        session, self._session = self._session, None
        if session is not None:
            try:
                self.deadlines.call(f"close {self.host.uri}", session.close, self.seconds)
            except DeadlineExceeded as error:
                log.debug("%s", error)

    def _without_report(self, number: int, reason: str, message: str) -> Look:
        # Not connected, and not for lack of an answer: libvirt has no such driver.
        return Blind(number, reason, message) if self._session else Lost(number, reason, message)

    def _audit(self, previous: ReportContent | None) -> Audit:
        if self._session is None or not self._session.is_alive():
            return self._look_at(self._reopened(), previous)
        try:
            return self._look_at(self._session, previous)
        except HypervisorUnavailable:
            # libvirtd was restarted since the last look: that is no loss if it answers again already.
            return self._look_at(self._reopened(), previous)

    def _reopened(self) -> Session:
        self.close()
        what = f"connect to {self.host.uri}"
        self._session = self.deadlines.call(what, lambda: self.host.open(self.wake), self.seconds, _close_late)
        return self._session

    def _look_at(self, session: Session, previous: ReportContent | None) -> Audit:
        return self.deadlines.call("audit", lambda: session.audit(previous), self.seconds, lambda _: session.close())


def _close_late(session: Session | None) -> None:
    if session is not None:
        session.close()
