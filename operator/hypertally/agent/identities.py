"""Two connections that lead to one host would report its guests twice."""

from dataclasses import dataclass, field
from threading import Lock


class DuplicateHost(Exception):
    """Another connection serves this host; the message names both."""


@dataclass(frozen=True)
class _Claim:
    rank: int
    label: str


@dataclass
class Identities:
    """Which connection serves which host UUID. The one that was configured first wins, whoever connected first."""

    _claims: dict[str, _Claim] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def claim(self, host_uuid: str, rank: int, label: str) -> None:
        """Raises DuplicateHost if a connection of a lower rank has it."""
        with self._lock:
            holder = self._claims.get(host_uuid)
            if holder is not None and holder.rank < rank:
                raise DuplicateHost(
                    f"connections {holder.label} and {label} lead to one host ({host_uuid}); {label} is not reported: "
                    "remove one of the two, or give the hosts different host_uuid in libvirtd.conf"
                )
            self._claims[host_uuid] = _Claim(rank, label)
