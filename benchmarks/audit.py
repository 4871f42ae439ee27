"""One audit of a real host with 40 running guests, against the bare bulk-stats call on the same libvirtd."""

from collections.abc import Iterator

from devhost import Host
from hypertally.hypervisor.audit import audit
from hypertally.hypervisor.connection import GUEST_STATS, GUEST_STATS_FLAGS, Connection
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.spec import parse_connection

from .measure import alternate
from .result import Result

GUESTS = 40
TIME_BUDGET = 1.5
CALLS_BUDGET = 1.0


def run() -> Iterator[Result]:
    """The time of an audit, and the number of its calls: with 40 guests as with one."""
    with Host.start("hv-bench") as host:
        settings = AuditSettings(instances_path=host.images)
        connection = Connection.open(parse_connection(host.uri))
        host.start_guest("first", disk_mib=64)
        calls_with_one = _calls(connection, settings)
        host.start_guests(GUESTS - 1, disk_mib=64)
        calls_with_all = _calls(connection, settings)
        yield _timed(connection, settings)
    yield Result(name="audit-calls", ours=calls_with_all, floor=calls_with_one, unit="calls", budget=CALLS_BUDGET)


def _calls(connection: Connection, settings: AuditSettings) -> int:
    before = connection.calls
    audit(connection, settings)
    return connection.calls - before


def _timed(connection: Connection, settings: AuditSettings) -> Result:
    last = audit(connection, settings).content
    running = sum(guest.state == "Running" for guest in last.guests)
    if running != GUESTS:
        raise RuntimeError(f"{running} of {GUESTS} guests run: their QEMU logs tell why")
    bare = Connection.open(connection.spec).handle
    ours, floor = alternate(
        lambda: audit(connection, settings, last), lambda: bare.getAllDomainStats(GUEST_STATS, GUEST_STATS_FLAGS)
    )
    return Result(name="audit", ours=round(ours * 1000, 2), floor=round(floor * 1000, 2), unit="ms", budget=TIME_BUDGET)
