"""One look at a host: asks everything that a report needs, and never gives up for one part."""

import os
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from . import drives
from .connection import Connection, ListedDevice, ListedGuest
from .documents import Signature
from .domain_xml import Domain, read_domain
from .errors import CallFailed, CallUnsupported, DeviceGone, GuestGone
from .facts import DiskSpace, GuestFacts, Snapshot, Unread
from .guests import is_told_by_xml_only
from .node_devices import NodeDevice, UnreadDevice, read_node_device
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
    return Snapshot(
        uri=spec.uri,
        driver=_try(connection.driver),
        version=_try(connection.version),
        libvirt_version=_try(connection.libvirt_version),
        hostname=_try(connection.hostname),
        capabilities=_try(connection.capabilities),
        node=_try(connection.node_info),
        online_cpus=_try_optional(connection.online_cpus),
        memory_kib=_try_optional(connection.memory_kib),
        disk_space=look_at_folder(settings.instances_path) if spec.is_local else _REMOTE_DISK_SPACE,
        guests=_guests(connection),
        host_ip=settings.host_ip or route_address(),
        node_devices=_try_optional(partial(_node_devices, connection, settings)),
        settings=settings,
    )


_REMOTE_DISK_SPACE = Unread("the hypervisor is on another host, whose file system only an agent there can see")


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
    except CallFailed as error:
        return Unread(str(error))


def _guests(connection: Connection) -> tuple[GuestFacts, ...] | Unread:
    listed = _try(connection.guests)
    if isinstance(listed, Unread):
        return listed
    connection.documents.drop_stalest({guest.uuid for guest in listed})
    facts = (_guest(connection, guest) for guest in _ask_the_busy_again(connection, listed))
    return tuple(guest for guest in facts if guest)


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


def _guest(connection: Connection, listed: ListedGuest) -> GuestFacts | None:
    """None for a guest that vanished between the two questions."""
    try:
        domain: Domain | Unread = _domain(connection, listed)
    except GuestGone:
        return None
    except (CallFailed, UnreadableXml) as error:
        domain = Unread(str(error))
    return GuestFacts(listed.uuid, listed.name, listed.active, listed.stats, domain)


def _domain(connection: Connection, listed: ListedGuest) -> Domain:
    """From what is kept, if that can be trusted: sizes that only the XML tells change without any event."""
    signature = _signature(listed)
    kept = None if is_told_by_xml_only(listed.stats) else connection.documents.find(listed.uuid, signature)
    if kept:
        return kept
    connection.documents.begin(listed.uuid)
    domain = read_domain(connection.document(listed))
    connection.documents.keep(listed.uuid, domain, signature, active=listed.active)
    return domain


def _signature(listed: ListedGuest) -> Signature:
    told = sorted((key, value) for key, value in listed.stats.items() if key.endswith(_SIGNED))
    return (listed.name, listed.handle.ID(), *told)


_SIGNED = (".maximum", "block.count", ".name", ".path")


def _node_devices(connection: Connection, settings: AuditSettings) -> tuple[NodeDevice, ...]:
    def listed() -> list[ListedDevice]:
        by_interface = any(spec.devname for spec in settings.device_spec)
        return connection.node_devices(offered=bool(settings.device_spec), interfaces=by_interface)

    return connection.known_devices.look(listed, lambda device: device.name, partial(_node_device, connection))


def _node_device(connection: Connection, device: ListedDevice) -> NodeDevice | None:
    """None for a device that vanished between the two questions."""
    try:
        return read_node_device(device.name, connection.device_document(device))
    except DeviceGone:
        return None
    except CallFailed as error:
        return UnreadDevice(device.name, str(error))


def look_at_folder(folder: Path) -> DiskSpace | Unread:
    """Nova's arithmetic: free is what a process without privileges may still take, used is what is really taken."""
    try:
        facts = os.statvfs(folder)
    except FileNotFoundError:
        return Unread(f"{folder} does not exist; create it or set another instances path")
    except OSError as error:
        return Unread(f"{folder}: {error.strerror}")
    size = facts.f_frsize
    return DiskSpace(
        total=size * facts.f_blocks, free=size * facts.f_bavail, used=size * (facts.f_blocks - facts.f_bfree)
    )


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
