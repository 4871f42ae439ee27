"""The node devices of one connection: kept while libvirt tells of every change, so that an audit asks for hardly any.

One call lists their names; a document is asked for where the name is new or an event told of a change. A device may
also change without any event (libvirt reads NUMA cells and what is left of a vGPU type anew for each document), so each
audit asks again for a few, those not asked for longest.
"""

import threading
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from .node_devices import MediatedDevice, NodeDevice, UnreadDevice

ASKED_AGAIN = 4
"""Devices that each audit asks for again: 240 devices within an hour of audits, at four short calls."""

L = TypeVar("L")


class KnownDevices:
    """Begins empty, because events of the time before are lost. Any thread may `forget`; one at a time may `look`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, NodeDevice] = {}
        """By name; those that were read last come last."""
        self._changed: set[str] = set()
        self._trusted = False

    def trust(self, trusted: bool) -> None:
        """Whether every change is told from now on; without that nothing is kept."""
        with self._lock:
            self._trusted = trusted
            self._known.clear()

    def forget(self, name: str) -> None:
        """The device came, went or changed: what is kept of it, and what is on its way, is of yesterday."""
        with self._lock:
            self._changed.add(name)

    def look(
        self, listed: Callable[[], Collection[L]], name_of: Callable[[L], str], read: Callable[[L], NodeDevice | None]
    ) -> tuple[NodeDevice, ...]:
        """All devices by name. `read` gives None for one that vanished meanwhile. Raises what these two raise."""
        self._drop_changed()
        handles = {name_of(each): each for each in listed()}
        fresh = self._read(handles, read, self._missing_in(handles))
        # What a vGPU's parent has left changes with each device on it, and libvirt tells only of the device.
        parents = {device.parent for device in fresh if isinstance(device, MediatedDevice)}
        read_now = {device.name for device in fresh}
        fresh += self._read(handles, read, sorted((parents & handles.keys()) - read_now))
        return self._keep(fresh, handles)

    def _drop_changed(self) -> None:
        """Before the names are listed: what changes from here on is told of at the next audit."""
        with self._lock:
            changed, self._changed = self._changed, set()
            stalest = [name for name in self._known if name not in changed][:ASKED_AGAIN]
            for name in changed:
                self._drop(name)
            for name in stalest:
                self._known.pop(name, None)

    def _missing_in(self, listed: Collection[str]) -> list[str]:
        with self._lock:
            for name in [name for name in self._known if name not in listed]:
                self._drop(name)
            return sorted(name for name in listed if name not in self._known)

    def _drop(self, name: str) -> None:
        device = self._known.pop(name, None)
        if isinstance(device, MediatedDevice):
            self._known.pop(device.parent, None)

    @staticmethod
    def _read(handles: dict[str, L], read: Callable[[L], NodeDevice | None], names: Iterable[str]) -> list[NodeDevice]:
        return [device for device in (read(handles[name]) for name in names) if device]

    def _keep(self, fresh: Iterable[NodeDevice], listed: Collection[str]) -> tuple[NodeDevice, ...]:
        with self._lock:
            now = dict(self._known)
            for device in fresh:
                now.pop(device.name, None)
                now[device.name] = device
            # One that could not be read is asked for again by the next audit.
            self._known = (
                {name: device for name, device in now.items() if not isinstance(device, UnreadDevice)}
                if self._trusted
                else {}
            )
            return tuple(now[name] for name in sorted(now) if name in listed)
