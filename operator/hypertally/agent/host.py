"""One libvirt connection as the agent sees it. Every call may block: they are made under a deadline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hypertally.api.compute_node import ReportContent
from hypertally.hypervisor.audit import audit
from hypertally.hypervisor.connection import Connection, KeepAlive
from hypertally.hypervisor.events import Watch, start_event_loop, watch
from hypertally.hypervisor.report import Audit
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.spec import ConnectionSpec


class Session(Protocol):
    """A connection that is open."""

    def is_alive(self) -> bool:
        """A local look, no question to libvirt."""

    def audit(self, previous: ReportContent | None) -> Audit:
        """One full look. Raises HypervisorUnavailable if the connection is lost, other HypervisorError if not."""

    def close(self) -> None:
        """Safe on a connection that is lost."""


class Host(Protocol):
    """Where a session comes from."""

    @property
    def uri(self) -> str: ...

    def open(self, wake: Callable[[], None]) -> Session:
        """`wake` is called, from any thread, when a guest changes or the connection closes. Raises HypervisorError."""


@dataclass(frozen=True)
class LibvirtSession:
    connection: Connection
    settings: AuditSettings
    watched: Watch

    def is_alive(self) -> bool:
        return self.connection.is_alive()

    def audit(self, previous: ReportContent | None) -> Audit:
        return audit(self.connection, self.settings, previous)

    def close(self) -> None:
        self.watched.stop()
        self.connection.close()


@dataclass(frozen=True)
class LibvirtHost:
    spec: ConnectionSpec
    settings: AuditSettings

    @property
    def uri(self) -> str:
        return self.spec.uri

    def open(self, wake: Callable[[], None]) -> LibvirtSession:
        start_event_loop()
        connection = Connection.open(self.spec, KeepAlive())
        return LibvirtSession(connection, self.settings, watch(connection, lambda _uuid: wake(), wake))
