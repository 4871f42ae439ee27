"""libvirt's event loop, and the two kinds of event that wake an audit.

The loop belongs to libvirt and to the whole process: it must be there before the first connection is opened, and is
never taken back. Keep-alive and events need it; the in-process test driver delivers its events through it as well.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import libvirt

from .connection import Connection


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
    lifecycle: int
    close_noticed: bool

    def stop(self) -> None:
        """No callback begins after this; safe on a connection that is lost."""
        handle = self.connection.handle
        try:
            handle.domainEventDeregisterAny(self.lifecycle)
            if self.close_noticed:
                handle.unregisterCloseCallback()
        except libvirt.libvirtError:
            return


def watch(connection: Connection, changed: Callable[[str], None], closed: Callable[[], None]) -> Watch:
    """Calls `changed` with the uuid of each guest that is defined, started, stopped and so on, and `closed` once.

    Raises HypervisorError. Drivers that cannot tell of a lost connection (those in this process) never lose it.
    """
    handle = connection.handle

    def on_lifecycle(_connection: object, domain: libvirt.virDomain, *_: object) -> None:
        changed(domain.UUIDString().lower())

    def on_close(*_: object) -> None:
        closed()

    lifecycle = connection.ask(
        handle.domainEventRegisterAny, None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_lifecycle, None
    )
    try:
        handle.registerCloseCallback(on_close, None)
    except libvirt.libvirtError:
        return Watch(connection, lifecycle, close_noticed=False)
    return Watch(connection, lifecycle, close_noticed=True)
