"""The agent's Lease: proof that it lives, also while libvirt does not, and which audits answer for which reports."""

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Event
from typing import Any, Protocol

import msgspec

from hypertally.api.bounds import HOLDER_MAX
from hypertally.api.names import AUDITS_ANNOTATION
from hypertally.kube.errors import KubeError
from hypertally.kube.kinds import Ref

from .backoff import Backoff
from .clock import micro_time
from .complaints import Complaint
from .heartbeat import Heartbeat
from .metrics import AgentMetrics
from .proofs import Proofs

RENEW_SECONDS = 10.0
DURATION_SECONDS = 40
_MOST_JITTER = 0.05
_LONGEST_PAUSE = 15.0
"""Between two tries while the API server is away: below the Lease's life, so that a short outage costs nobody."""

log = logging.getLogger(__name__)


class Server(Protocol):
    """The part of KubeClient that the Lease uses."""

    def apply(self, ref: Ref, body: Mapping[str, Any], subresource: str = "") -> dict[str, Any]: ...


def unique_holder(node_name: str) -> str:
    """Never the same for two processes: what one proved, the next has not."""
    random = secrets.token_hex(8)
    return f"{node_name[: HOLDER_MAX - len(random) - 1]}_{random}"


class LeaseKeeper:
    """`run` belongs into a thread of its own, where nothing of libvirt can hold it up."""

    def __init__(
        self,
        server: Server,
        ref: Ref,
        proofs: Proofs,
        metrics: AgentMetrics,
        wall: Callable[[], datetime],
        chance: Callable[[], float],
    ) -> None:
        self.holder = unique_holder(ref.name)
        self._server, self._ref, self._proofs, self._metrics = server, ref, proofs, metrics
        self._wall, self._chance = wall, chance
        self._acquired = micro_time(wall())
        self._stopping = Event()
        self._backoff = Backoff(chance, longest=_LONGEST_PAUSE)
        self._trouble = Complaint(log, time.monotonic)
        self.heartbeat = Heartbeat("the Lease", time.monotonic, 90)

    def run(self) -> None:
        while not self._stopping.is_set():
            self.heartbeat.beat()
            begun = time.monotonic()
            pause = self._renew()
            self._stopping.wait(max(0.0, begun + pause - time.monotonic()))

    def stop(self) -> None:
        self._stopping.set()

    def body(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that the agent owns of its Lease."""
        audits = msgspec.json.encode(shown).decode()
        return {
            "metadata": {
                "name": self._ref.name,
                "namespace": self._ref.namespace,
                "annotations": {AUDITS_ANNOTATION: audits},
            },
            "spec": {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": DURATION_SECONDS,
                "acquireTime": self._acquired,
                "renewTime": micro_time(self._wall()),
            },
        }

    def _renew(self) -> float:
        """Renews once; the seconds from the start of this try to the next."""
        shown = self._proofs.show()
        try:
            self._server.apply(self._ref, self.body(shown))
        except KubeError as error:
            self._metrics.renew_failures.inc()
            self._trouble.say(f"{self._ref} cannot be renewed: {error}")
            return self._backoff.delay(error.retry_after)
        self._proofs.leased(shown)
        self._metrics.renewals.inc()
        self._backoff.reset()
        self._trouble.over(f"{self._ref} is renewed again")
        return RENEW_SECONDS * (1 - _MOST_JITTER + 2 * _MOST_JITTER * self._chance())
