"""From one snapshot of a host to one report of it. Pure: the same host gives the same report."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.base import wire_name
from hypertally.api.bounds import fit_report
from hypertally.api.compute_node import ReportContent

from . import cpu, disk, measured, memory
from .errors import InventoryUnreadable
from .facts import Problem, Snapshot, Unread
from .guests import SeenGuest, see_guests
from .identity import Identity, identity
from .software import hypervisor


@dataclass(frozen=True)
class Audit:
    """What one look at a host came to. Without problems the inventory is complete; remarks are for the log only."""

    identity: Identity
    content: ReportContent
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()


def report(snapshot: Snapshot, previous: ReportContent | None = None) -> Audit:
    """`previous` is the last acknowledged report, whose values stand in for parts that could not be read.

    Raises IdentityUnknown, and InventoryUnreadable if versions or guests cannot be read and never were.
    """
    last = _content_of(previous)
    whose = identity(snapshot)
    software, problems = hypervisor(snapshot, last.hypervisor if last else None)
    guests = _guests(snapshot, last)
    capacity, no_capacity = _amounts("capacity", _capacity(snapshot), last.capacity if last else None)
    use, no_use = _amounts("measured", _measured(snapshot, guests), last.measured if last else None)
    seen = () if isinstance(guests, Unread) else guests
    content = ReportContent(
        hypervisor=software, capacity=capacity, measured=use, guests=tuple(one.guest for one in seen)
    )
    if isinstance(guests, Unread) and last:
        problems.append(Problem("guests", guests.reason))
        content = replace(last, hypervisor=software, capacity=capacity, measured=use)
    return Audit(
        identity=whose,
        content=measured.settle(fit_report(content), last),
        problems=(*problems, *no_capacity, *no_use, *(problem for one in seen for problem in one.problems)),
        remarks=tuple(filter(None, [memory.disagreement(snapshot)])),
    )


def _content_of(whole: ReportContent | None) -> ReportContent | None:
    """The content alone: a Report, which has a number besides, never equals a content."""
    if whole is None or type(whole) is ReportContent:
        return whole
    return ReportContent(**{name: getattr(whole, name) for name in ReportContent.__struct_fields__})


def _guests(snapshot: Snapshot, last: ReportContent | None) -> tuple[SeenGuest, ...] | Unread:
    if isinstance(snapshot.guests, Unread):
        if last is None:
            raise InventoryUnreadable(f"{snapshot.uri}: guests cannot be listed ({snapshot.guests.reason})")
        return snapshot.guests
    known = {guest.uuid: guest for guest in last.guests} if last else {}
    return tuple(see_guests(snapshot.guests, known, real_disks=snapshot.driver != "TEST"))


def _capacity(snapshot: Snapshot) -> Mapping[str, int | Unread]:
    files = snapshot.disk_space
    return {
        "vcpus": cpu.online_cpus(snapshot),
        "memory_mib": memory.total_mib(snapshot),
        "disk_mib": files if isinstance(files, Unread) else disk.total_mib(files),
    }


def _measured(snapshot: Snapshot, guests: tuple[SeenGuest, ...] | Unread) -> Mapping[str, int | Unread]:
    return {
        "vcpus": guests if isinstance(guests, Unread) else measured.used_vcpus(guests),
        "memory_mib": measured.used_memory_mib(snapshot, guests),
        "disk_mib": measured.used_disk_mib(snapshot),
    }


def _amounts(
    part: str, facts: Mapping[str, int | Unread], last: Amounts | None
) -> tuple[Amounts | None, list[Problem]]:
    """Absent as a whole while one of its amounts never was known: a zero in its place would be a lie."""
    problems = [
        Problem(f"{part} {wire_name(name)}", fact.reason) for name, fact in facts.items() if isinstance(fact, Unread)
    ]
    if problems and last is None:
        return None, problems
    known = {name: getattr(last, name) if isinstance(fact, Unread) else fact for name, fact in facts.items()}
    return Amounts(**known), problems
