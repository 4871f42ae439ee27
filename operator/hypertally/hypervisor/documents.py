"""What the guests' XML said: kept while libvirt tells of every change, so that an audit asks for hardly any of it.

Events cover what happens to a guest that runs, its start and its definition. libvirt 9 and newer are silent about a
change to the configuration only of a guest that is there (`virsh attach-device --config`), which matters for one that
is off. So each audit asks again for two: of those that are off and of those that run, the one not asked for longest.
"""

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from .domain_xml import Domain

Signature = tuple[Any, ...]
"""What the bulk record says at no extra cost; other disks, other sizes or another start mean another document."""


@dataclass
class _Kept:
    domain: Domain
    signature: Signature
    active: bool
    turn: int


class Documents:
    """Of one connection: it begins empty, because events of the time before are lost. Any thread may `forget`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._changed: set[str] = set()
        self._turn = 0
        self._trusted = False

    def trust(self, trusted: bool) -> None:
        """Whether every change is told from now on; without that nothing is kept."""
        with self._lock:
            self._trusted = trusted
            self._kept.clear()

    def forget(self, uuid: str) -> None:
        """The guest changed: what is kept of it, and what is on its way, is of yesterday."""
        with self._lock:
            self._kept.pop(uuid, None)
            self._changed.add(uuid)

    def begin(self, uuid: str) -> None:
        """To be called before a document is asked for that is to be kept."""
        with self._lock:
            self._changed.discard(uuid)

    def keep(self, uuid: str, domain: Domain, signature: Signature, *, active: bool) -> None:
        """Unless the guest changed since `begin`."""
        with self._lock:
            if self._trusted and uuid not in self._changed:
                self._turn += 1
                self._kept[uuid] = _Kept(domain, signature, active, self._turn)

    def find(self, uuid: str, signature: Signature) -> Domain | None:
        with self._lock:
            kept = self._kept.get(uuid)
            return kept.domain if kept and kept.signature == signature else None

    def drop_stalest(self, listed: Collection[str]) -> None:
        """One audit's turn: guests that are not listed any more go, and one of each kind is to be asked for again."""
        with self._lock:
            self._changed &= set(listed)
            self._kept = {uuid: kept for uuid, kept in self._kept.items() if uuid in listed}
            for active in (False, True):
                stalest = _stalest((uuid, kept) for uuid, kept in self._kept.items() if kept.active is active)
                self._kept.pop(stalest, None)


def _stalest(kept: Iterable[tuple[str, _Kept]]) -> str:
    return min(((one.turn, uuid) for uuid, one in kept), default=(0, ""))[1]
