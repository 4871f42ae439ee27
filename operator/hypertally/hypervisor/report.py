"""From one snapshot of a host to one report of it. Pure: the same host gives the same report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.base import wire_name
from hypertally.api.compute_node import Guest, ReportContent
from hypertally.api.fit import fit_report, keep

from . import cpu, disk, measured, memory, numa, over_commit, pages
from .capabilities import Cell
from .cpu import OfferedCpus
from .devices import see_devices
from .disk_home import DiskHome
from .errors import InventoryUnreadable
from .facts import Part, Problem, Snapshot, Unread
from .guest_types import guest_types
from .guests import SeenGuest, see_guests
from .holdings import Ground
from .identity import Identity, identity
from .pci import named_addresses
from .software import hypervisor
from .storage_pools import storage_pools
from .usage import Usage, usage


@dataclass(frozen=True)
class Audit:
    """What one look at a host came to. Without problems the inventory is complete; remarks are for the log only."""

    identity: Identity
    content: ReportContent
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)


def report(snapshot: Snapshot, previous: ReportContent | None = None) -> Audit:
    """`previous` is the last acknowledged report, whose values stand in for parts that could not be read.

    Raises IdentityUnknown, and InventoryUnreadable if versions or guests cannot be read and never were.
    """
    last = _content_of(previous)
    whose = identity(snapshot)
    software, problems = hypervisor(snapshot, last.hypervisor if last else None)
    offered, cells = cpu.offered_cpus(snapshot), numa.read_cells(snapshot)
    guests = _guests(snapshot, cells, last)
    capacity, no_capacity = _amounts("capacity", _capacity(snapshot, offered), last.capacity if last else None)
    use, no_use = _amounts("measured", _measured(snapshot, guests), last.measured if last else None)
    seen = see_devices(snapshot, _used(guests, last), last.pci_pools if last else (), last.mdev_types if last else ())
    parts: dict[str, Part[Any]] = {
        "cpu": cpu.host_cpu(snapshot, last.cpu if last else None),
        "guest_types": guest_types(snapshot),
        "numa_cells": numa.numa_cells(snapshot, offered),
        "measured_pages": pages.huge_pages_in_use(snapshot, cells),
        "disk_available_least_mib": over_commit.available_least_mib(
            snapshot, DiskHome.of(snapshot.settings, snapshot.mounts)
        ),
        "pci_pools": seen.pools,
        "mdev_types": seen.mdev_types,
        "storage_pools": storage_pools(snapshot, whose.host_uuid, last.storage_pools if last else ()),
        "guests": _listed(snapshot, guests),
    }
    content = _content(ReportContent(hypervisor=software, capacity=capacity, measured=use), parts, last)
    offers = () if isinstance(offered, Unread) else offered.problems
    return Audit(
        identity=whose,
        content=measured.settle(fit_report(content), last),
        problems=(*problems, *no_capacity, *offers, *no_use, *_problems(parts)),
        remarks=tuple(filter(None, [memory.disagreement(snapshot), *seen.remarks])),
        usage=usage(snapshot),
    )


def _used(guests: tuple[SeenGuest, ...] | Unread, last: ReportContent | None) -> set[str]:
    """PCI addresses that guests hold; all that were known, while nobody knows the guests."""
    if not isinstance(guests, Unread):
        return {address for one in guests for address in one.guest.pci_addresses}
    return {device.address for pool in last.pci_pools for device in pool.devices} if last else set()


def _content_of(whole: ReportContent | None) -> ReportContent | None:
    """The content alone: a Report, which has a number besides, never equals a content."""
    if whole is None or type(whole) is ReportContent:
        return whole
    return ReportContent(**{name: getattr(whole, name) for name in ReportContent.__struct_fields__})


def _content(content: ReportContent, parts: Mapping[str, Part[Any]], last: ReportContent | None) -> ReportContent:
    """With the parts; a part that is unread is as it was, or absent if it never was known."""
    read = {name: part.value for name, part in parts.items() if not isinstance(part.value, Unread)}
    content = replace(content, **read)
    return keep(content, last, *(parts.keys() - read.keys())) if last else content


def _problems(parts: Mapping[str, Part[Any]]) -> Iterator[Problem]:
    for name, part in parts.items():
        if isinstance(part.value, Unread):
            yield Problem(wire_name(name), part.value.reason)
        yield from part.problems


def _listed(snapshot: Snapshot, guests: tuple[SeenGuest, ...] | Unread) -> Part[tuple[Guest, ...]]:
    if isinstance(guests, Unread):
        return Part(guests)
    listed = tuple(one.guest for one in guests if not _is_the_host_itself(snapshot, one.guest))
    return Part(listed, tuple(problem for one in guests for problem in one.problems))


def _is_the_host_itself(snapshot: Snapshot, guest: Guest) -> bool:
    """Xen lists its Domain-0, which runs libvirt and this agent, among its guests: nobody can be charged for it."""
    return snapshot.driver == "Xen" and guest.uuid == _DOMAIN_0


_DOMAIN_0 = "00000000-0000-0000-0000-000000000000"


def _guests(
    snapshot: Snapshot, cells: tuple[Cell, ...] | Unread, last: ReportContent | None
) -> tuple[SeenGuest, ...] | Unread:
    if isinstance(snapshot.guests, Unread):
        if last is None:
            raise InventoryUnreadable(f"{snapshot.uri}: guests cannot be listed ({snapshot.guests.reason})")
        return snapshot.guests
    known = {guest.uuid: guest for guest in last.guests} if last else {}
    return tuple(see_guests(snapshot.guests, known, _ground(snapshot, cells)))


def _ground(snapshot: Snapshot, cells: tuple[Cell, ...] | Unread) -> Ground:
    return Ground(
        dedicated=snapshot.settings.cpu_dedicated_set or frozenset(),
        ordinary_page_kib=pages.ordinary_size_kib(cells),
        huge_page_kib=snapshot.huge_page_kib or pages.smallest_huge_kib(cells),
        named=_named(snapshot),
        real_disks=snapshot.driver != "TEST",
        home=DiskHome.of(snapshot.settings, snapshot.mounts),
    )


def _named(snapshot: Snapshot) -> dict[str, str]:
    found = snapshot.node_devices
    known = () if found is None or isinstance(found, Unread) else found
    return {name: str(address or "") for name, address in named_addresses(known).items()}


def _capacity(snapshot: Snapshot, offered: OfferedCpus | Unread) -> Mapping[str, int | Unread]:
    files = snapshot.disk_space
    return {
        "vcpus": offered if isinstance(offered, Unread) else len(offered.shared),
        "pcpus": offered if isinstance(offered, Unread) else len(offered.dedicated),
        "memory_mib": memory.total_mib(snapshot),
        "disk_mib": files if isinstance(files, Unread) else disk.total_mib(files),
    }


def _measured(snapshot: Snapshot, guests: tuple[SeenGuest, ...] | Unread) -> Mapping[str, int | Unread]:
    return {
        "vcpus": guests if isinstance(guests, Unread) else measured.used_vcpus(guests),
        "pcpus": guests if isinstance(guests, Unread) else measured.used_pcpus(guests),
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
