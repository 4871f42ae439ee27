"""libvirt's event loop, and the events that wake an audit.

The loop belongs to libvirt and to the whole process: it must be there before the first connection is opened, and is
never taken back. Keep-alive and events need it; the in-process test driver delivers its events through it as well.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import libvirt

from .connection import Connection
from .errors import CallFailed

GUEST_EVENTS = (
    libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
    libvirt.VIR_DOMAIN_EVENT_ID_TUNABLE,
)
"""Between them everything that happens to a running guest's devices and pins (the last one: vcpupin, emulatorpin)."""

DEVICE_EVENTS = (libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, libvirt.VIR_NODE_DEVICE_EVENT_ID_UPDATE)

POOL_EVENTS = (libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, libvirt.VIR_STORAGE_POOL_EVENT_ID_REFRESH)


@cache
def start_event_loop() -> threading.Thread:
    """Starts the loop in one daemon thread, once; later calls return the same thread."""
    libvirt.virEventRegisterDefaultImpl()
    thread = threading.Thread(target=_run_forever, name="libvirt-events", daemon=True)
    thread.start()
    return thread


def _run_forever() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


@dataclass(frozen=True)
class Watch:
    """Callbacks that were registered on a connection; they come in the loop's thread and must return at once."""

    connection: Connection
    registered: tuple[int, ...]
    registered_of_devices: tuple[int, ...]
    registered_of_pools: tuple[int, ...]
    close_noticed: bool

    def stop(self) -> None:
        """No callback begins after this; safe on a connection that is lost."""
        handle = self.connection.handle
        self.connection.documents.trust(False)
        self.connection.known_devices.trust(False)
        try:
            for callback in self.registered:
                handle.domainEventDeregisterAny(callback)
            for callback in self.registered_of_devices:
                handle.nodeDeviceEventDeregisterAny(callback)
            for callback in self.registered_of_pools:
                handle.storagePoolEventDeregisterAny(callback)
            if self.close_noticed:
                handle.unregisterCloseCallback()
        except libvirt.libvirtError:
            return


def watch(connection: Connection, changed: Callable[[str], None], closed: Callable[[], None]) -> Watch:
    """Calls `changed` with the uuid of each guest that is defined, started, stopped, given a device or pinned, and with
    the name of each node device that comes, goes or changes, and with the uuid of each storage pool that is defined,
    started, stopped or refreshed; `closed` once. From now on the connection may keep what the XML of guests and node
    devices says.

    Raises HypervisorError. Drivers that cannot tell of a lost connection (those in this process) never lose it.
    """
    handle = connection.handle

    def on_change(_connection: object, domain: libvirt.virDomain, *_: object) -> None:
        uuid = domain.UUIDString().lower()
        connection.documents.forget(uuid)
        changed(uuid)

    def on_close(*_: object) -> None:
        closed()

    registered = tuple(
        connection.ask(handle.domainEventRegisterAny, None, kind, on_change, None) for kind in GUEST_EVENTS
    )
    connection.documents.trust(True)
    of_devices, of_pools = _watch_devices(connection, changed), _watch_pools(connection, changed)
    try:
        handle.registerCloseCallback(on_close, None)
    except libvirt.libvirtError:
        return Watch(connection, registered, of_devices, of_pools, close_noticed=False)
    return Watch(connection, registered, of_devices, of_pools, close_noticed=True)


def _watch_devices(connection: Connection, changed: Callable[[str], None]) -> tuple[int, ...]:
    """Empty where nobody tells of node devices, or not at present: then each audit asks for all of them anew."""

    def on_change(_connection: object, device: libvirt.virNodeDevice, *_: object) -> None:
        name = device.name()
        connection.known_devices.forget(name)
        changed(name)

    try:
        registered = tuple(
            connection.ask_beside(connection.handle.nodeDeviceEventRegisterAny, None, kind, on_change, None)
            for kind in DEVICE_EVENTS
        )
    except CallFailed:
        return ()
    connection.known_devices.trust(True)
    return registered


def _watch_pools(connection: Connection, changed: Callable[[str], None]) -> tuple[int, ...]:
    """Empty where there is no storage driver, or none at present: each audit asks for the pools anyway."""

    def on_change(_connection: object, pool: libvirt.virStoragePool, *_: object) -> None:
        changed(pool.UUIDString().lower())

    try:
        return tuple(
            connection.ask_beside(connection.handle.storagePoolEventRegisterAny, None, kind, on_change, None)
            for kind in POOL_EVENTS
        )
    except CallFailed:
        return ()
