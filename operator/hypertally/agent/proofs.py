"""Which audit answers for which report: what the Lease proves to the controller.

A claim is stamped with the number that the Lease shows when the claim is written, and any audit numbered two higher
proves that it began later. For that to be true although a Lease is up to 10 s old and events make an audit a second,
an audit takes as its number one more than the number that the server *acknowledged in the Lease* before the audit
began, not one more than the last audit's: while the Lease shows k, no audit is numbered k + 2. A Lease that shows
less than was acknowledged breaks that, which is why its holder then changes (lease.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from hypertally.api.compute_node import LeasedAudit


@dataclass
class Proofs:
    """Shared by the connections, which publish audits, and the Lease, which shows them."""

    _published: dict[str, LeasedAudit] = field(default_factory=dict)
    _leased: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def next_number(self, node: str) -> int:
        """The number of an audit of this ComputeNode that begins now."""
        with self._lock:
            return self._leased.get(node, 0) + 1

    def publish(self, node: str, audit: LeasedAudit) -> None:
        """A complete audit's report is what the server holds."""
        with self._lock:
            self._published[node] = audit

    def withdraw(self, node: str) -> None:
        """Nothing can be said of this ComputeNode for now."""
        with self._lock:
            self._published.pop(node, None)

    def show(self) -> Mapping[str, LeasedAudit]:
        with self._lock:
            return dict(sorted(self._published.items()))

    def leased(self, shown: Mapping[str, LeasedAudit]) -> None:
        """The server has acknowledged a Lease that shows these."""
        with self._lock:
            for node, audit in shown.items():
                self._leased[node] = max(self._leased.get(node, 0), audit.audit)

    def are_shown(self, found: Mapping[str, LeasedAudit]) -> bool:
        """A Lease that shows these shows at least everything that was acknowledged: no audit has begun that is
        numbered two higher than what it shows."""
        with self._lock:
            return all(node in found and found[node].audit >= number for node, number in self._leased.items())
