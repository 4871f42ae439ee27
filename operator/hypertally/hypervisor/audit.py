"""One audit: a look at a host, and the report that follows."""

from hypertally.api.compute_node import ReportContent

from .connection import Connection
from .report import Audit, report
from .settings import AuditSettings
from .snapshot import take_snapshot


def audit(connection: Connection, settings: AuditSettings, previous: ReportContent | None = None) -> Audit:
    """`previous` is the last acknowledged report. Blocks; raises HypervisorError."""
    return report(take_snapshot(connection, settings), previous)
