"""One audit of a real host with 40 running guests, against the bare bulk-stats call on the same libvirtd.

As the agent audits: libvirt's events are watched, so that what is known of the guests' XML is not asked for again.
"""

from collections.abc import Iterator

import libvirt

from devhost import Host
from devhost.guest import Guest
from hypertally.hypervisor.audit import audit
from hypertally.hypervisor.connection import GUEST_STATS, GUEST_STATS_FLAGS, Connection
from hypertally.hypervisor.events import start_event_loop, watch
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.spec import parse_connection

from .measure import alternate
from .result import Result

GUESTS = 40
MORE = 300
"""Of these 260 are off: so many running ones need more memory than a small machine has."""
TIME_BUDGET = 1.5
CALLS_BUDGET = 1.0


def run() -> Iterator[Result]:
    """The time of an audit, and the number of its calls: with 40 and with 300 guests as with 2."""
    with Host.start("hv-bench") as host:
        settings = AuditSettings(instances_path=host.images)
        start_event_loop()
        connection = Connection.open(parse_connection(host.uri))
        watching = watch(connection, lambda _: None, lambda: None)
        host.start_guest("first", disk_mib=64)
        host.define_guest("off")  # each audit reads one document of those that run and one of those that are off
        few = _calls(connection, settings)
        host.start_guests(GUESTS - 1, disk_mib=64)
        some = _calls(connection, settings)
        yield _timed(connection, settings)
        writable = libvirt.open(host.uri)
        for number in range(MORE - GUESTS - 1):
            writable.defineXML(Guest(name=f"off-{number}").xml())
        many = _calls(connection, settings)
        watching.stop()
    yield Result(name="audit-calls-40", ours=some, floor=few, unit="calls", budget=CALLS_BUDGET)
    yield Result(name="audit-calls-300", ours=many, floor=few, unit="calls", budget=CALLS_BUDGET)


def _calls(connection: Connection, settings: AuditSettings) -> int:
    """Of the second one: the first asks for the documents of guests that it has not seen."""
    audit(connection, settings)
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
