"""Which host each connection leads to, whatever its record says: what the Lease tells the controller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from hypertally.api.compute_node import LeasedHost
from hypertally.hypervisor.identity import Identity


@dataclass
class Sightings:
    """Shared by the connections, which look, and the Lease, which tells."""

    _seen: dict[str, LeasedHost] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def see(self, node: str, identity: Identity) -> None:
        with self._lock:
            self._seen[node] = LeasedHost(host_uuid=identity.host_uuid, hypervisor_hostname=identity.hostname)

    def show(self) -> Mapping[str, LeasedHost]:
        with self._lock:
            return dict(sorted(self._seen.items()))
