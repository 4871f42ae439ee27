"""Two connections that lead to one host would report its guests twice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

_PATIENCE = 5.0


class DuplicateHost(Exception):
    """Another connection serves this host; the message names both."""


@dataclass(frozen=True)
class _Known:
    label: str
    host_uuid: str | None


@dataclass
class Identities:
    """Which connection, by its rank on the command line, leads to which host. The first of two that lead to one wins,
    whichever connected first: else each restart of the agent could report the host under another name."""

    clock: Callable[[], float]
    _known: dict[int, _Known] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _since: float = 0.0

    def __post_init__(self) -> None:
        self._since = self.clock()

    def looked(self, rank: int, label: str, host_uuid: str | None) -> None:
        """A look is over; without an identity (the host did not answer) the last one stands."""
        with self._lock:
            before = self._known.get(rank)
            self._known[rank] = _Known(label, host_uuid or (before.host_uuid if before else None))

    def must_wait(self, rank: int) -> bool:
        """Those before it have not all looked yet; nobody waits longer than 5 s for them."""
        with self._lock:
            settled = all(earlier in self._known for earlier in range(rank))
        return not settled and self.clock() - self._since < _PATIENCE

    def check(self, rank: int) -> None:
        """Raises DuplicateHost if a connection before it leads to the same host."""
        with self._lock:
            mine = self._known.get(rank)
            earlier = [self._known[r] for r in range(rank) if r in self._known]
        for other in earlier:
            if mine and mine.host_uuid and mine.host_uuid == other.host_uuid:
                raise DuplicateHost(
                    f"connections {other.label} and {mine.label} lead to one host ({mine.host_uuid}): the second is "
                    "not reported; remove it, or give the hosts different host_uuid in libvirtd.conf"
                )
