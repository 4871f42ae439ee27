"""One look at a host: asks everything that a report needs, and never gives up for one part."""

import re
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from . import drives
from .capabilities import Capabilities, read_capabilities
from .ceph_conf import look_at_ceph_conf
from .connection import Connection, ListedDevice, ListedGuest
from .cpu import to_be_expanded
from .disk_home import DiskHome
from .disk_space import look_at_disk, look_at_files
from .documents import Signature
from .domain_xml import Domain, read_domain
from .errors import CallFailed, CallUnsupported, DaemonAbsent, DeviceGone, GuestGone
from .facts import Absent, GuestFacts, Snapshot, Unread
from .guests import is_told_by_xml_only
from .image_files import with_files
from .managed_save import with_save
from .mounts import Mounts, look_at_mounts
from .node_devices import NodeDevice, UnreadDevice, read_node_device
from .numa import told_in_pages
from .pools import look_at_pools
from .settings import AuditSettings
from .xml import UnreadableXml

T = TypeVar("T")

_TRIES = 3
_PAUSE_SECONDS = 0.05

_ROUTE_PROBES = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses for documentation (RFC 5737, RFC 3849): like everything outside, behind the default route."""


def take_snapshot(connection: Connection, settings: AuditSettings) -> Snapshot:
    """Raises HypervisorUnavailable if the connection is lost meanwhile; any other failure costs its own part only."""
    spec = connection.spec
    capabilities = _capabilities(connection)
    space = look_at_disk(connection.disk_space, settings, spec)
    mounts = look_at_mounts() if spec.is_local else Mounts()
    home = DiskHome.of(settings, mounts)
    guests = _guests(connection)
    if not isinstance(space, Unread) and not isinstance(guests, Unread):
        guests = tuple(with_files(guest, home) for guest in guests)
    return Snapshot(
        uri=spec.uri,
        driver=_try(connection.driver),
        version=_try(connection.version),
        libvirt_version=_try(connection.libvirt_version),
        hostname=_try(connection.hostname),
        capabilities=capabilities,
        node=_try(connection.node_info),
        cpu_map=_try_optional(connection.cpu_map),
        cpu_baseline=_cpu_baseline(connection, capabilities),
        free_pages=_free_pages(connection, capabilities),
        huge_page_kib=default_huge_page_kib() if spec.is_local else None,
        memory_kib=_try_optional(connection.memory_kib),
        cpu_time=_try_optional(connection.cpu_time),
        disk_space=space,
        guests=guests,
        mounts=mounts,
        file_bytes=look_at_files(guests, home) if not isinstance(space, Unread) else {},
        storage_pools=look_at_pools(connection),
        ceph=look_at_ceph_conf(settings.ceph_conf),
        host_ip=settings.host_ip or route_address(),
        node_devices=_try_optional(partial(look_at_devices, connection, settings, guests)),
        settings=settings,
    )


def _try(ask: Callable[[], T]) -> T | Unread:
    try:
        return ask()
    except CallFailed as error:
        return Unread(str(error))


def _try_optional(ask: Callable[[], T]) -> T | Unread | None:
    try:
        return ask()
    except CallUnsupported:
        return None
    except DaemonAbsent as error:
        return Absent(str(error))
    except CallFailed as error:
        return Unread(str(error))


def _capabilities(connection: Connection) -> Capabilities | Unread:
    """Asked for each time: pages, memory and CPUs of the cells change while libvirtd runs, and it takes 2 ms."""
    text = _try(connection.capabilities)
    if isinstance(text, Unread):
        return text
    try:
        return read_capabilities(text)
    except UnreadableXml as error:
        return Unread(f"the capabilities cannot be read: {error}")


def _cpu_baseline(connection: Connection, capabilities: Capabilities | Unread) -> str | Unread | None:
    document = to_be_expanded(capabilities)
    return None if document is None else _try_optional(partial(connection.cpu_baseline, document))


def _free_pages(
    connection: Connection, capabilities: Capabilities | Unread
) -> Mapping[int, Mapping[int, int]] | Unread | None:
    cells, sizes = told_in_pages(capabilities)
    return _try_optional(partial(connection.free_pages, cells, sizes)) if sizes else None


def default_huge_page_kib(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """The kernel's own default, which is also QEMU's. None on a kernel without huge pages."""
    try:
        found = re.search(r"^Hugepagesize:\s+([0-9]{1,9}) kB$", meminfo.read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return None
    return int(found[1]) if found else None


def _guests(connection: Connection) -> tuple[GuestFacts, ...] | Unread:
    listed = _try(connection.guests)
    if isinstance(listed, Unread):
        return listed
    connection.documents.drop_stalest({guest.uuid for guest in listed})
    listed = _ask_the_busy_again(connection, listed)
    saved = _saved(connection, listed)
    facts = (_guest(connection, guest, saved) for guest in listed)
    return tuple(guest for guest in facts if guest)


def _saved(connection: Connection, listed: list[ListedGuest]) -> frozenset[str] | Unread:
    """Those that are off and go on from a managed save."""
    off = frozenset(guest.uuid for guest in listed if not guest.active)
    saved = _try_optional(connection.saved_guests) if off else None
    return saved if isinstance(saved, Unread) else off & (saved or frozenset())


def _ask_the_busy_again(connection: Connection, listed: list[ListedGuest]) -> list[ListedGuest]:
    """A guest that somebody else asks at the same moment is left out of the bulk answer: it is busy for milliseconds.

    One that is busy for longer (its QEMU hangs) stays as it is. The number of calls is bounded, whoever is busy.
    """
    for _ in range(_TRIES):
        busy = [guest for guest in listed if guest.active and drives.unanswered(guest.stats)]
        if not busy:
            break
        time.sleep(_PAUSE_SECONDS)
        again = _try(partial(connection.guests_again, busy))
        if isinstance(again, Unread):
            break
        asked = {guest.uuid for guest in busy}
        listed = [guest for guest in listed if guest.uuid not in asked] + again
    return listed


def _guest(connection: Connection, listed: ListedGuest, saved: frozenset[str] | Unread) -> GuestFacts | None:
    """None for a guest that vanished between the questions."""
    if isinstance(saved, Unread) and not listed.active:
        return GuestFacts(listed.uuid, listed.name, listed.active, listed.stats, saved)
    is_saved = not isinstance(saved, Unread) and listed.uuid in saved
    try:
        domain = _domain(connection, listed, saved=is_saved)
    except GuestGone:
        return None
    except (CallFailed, UnreadableXml) as error:
        return GuestFacts(listed.uuid, listed.name, listed.active, listed.stats, Unread(str(error)), is_saved)
    stats = with_save(listed.stats, domain) if is_saved else listed.stats
    return GuestFacts(listed.uuid, listed.name, listed.active, stats, domain, is_saved)


def _domain(connection: Connection, listed: ListedGuest, *, saved: bool) -> Domain:
    """From what is kept, if that can be trusted: sizes that only the XML tells change without any event."""
    signature = (saved, *_signature(listed))
    kept = None if is_told_by_xml_only(listed.stats) else connection.documents.find(listed.uuid, signature)
    if kept:
        return kept
    connection.documents.begin(listed.uuid)
    domain = read_domain((connection.saved_document if saved else connection.document)(listed))
    connection.documents.keep(listed.uuid, domain, signature, active=listed.active)
    return domain


def _signature(listed: ListedGuest) -> Signature:
    told = sorted((key, value) for key, value in listed.stats.items() if key.endswith(_SIGNED))
    return (listed.name, listed.handle.ID(), *told)


_SIGNED = (".maximum", "block.count", ".name", ".path")


def look_at_devices(
    connection: Connection, settings: AuditSettings, guests: tuple[GuestFacts, ...] | Unread = ()
) -> tuple[NodeDevice, ...]:
    """Few of them are asked for, if their events are watched; network interfaces only where the allow-list or a guest
    names any. Raises HypervisorError."""

    def listed() -> list[ListedDevice]:
        by_interface = any(spec.devname for spec in settings.device_spec) or _names_interfaces(guests)
        return connection.node_devices(offered=bool(settings.device_spec), interfaces=by_interface)

    return connection.known_devices.look(listed, lambda device: device.name, partial(_node_device, connection))


def _names_interfaces(guests: tuple[GuestFacts, ...] | Unread) -> bool:
    domains = () if isinstance(guests, Unread) else (guest.domain for guest in guests)
    return any(domain.pci_names for domain in domains if isinstance(domain, Domain))


def _node_device(connection: Connection, device: ListedDevice) -> NodeDevice | None:
    """None for a device that vanished between the two questions."""
    try:
        return read_node_device(device.name, connection.device_document(device))
    except DeviceGone:
        return None
    except CallFailed as error:
        return UnreadDevice(device.name, str(error))


def route_address() -> str | Unread:
    """This machine's address on its default route, IPv4 before IPv6. Connecting a UDP socket sends nothing."""
    for family, target in _ROUTE_PROBES:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return Unread("no default route; set the host IP")
