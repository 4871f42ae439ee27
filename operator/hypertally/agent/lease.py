"""The agent's Lease: proof that it lives, also while libvirt does not, and which audits answer for which reports."""

import logging
import math
import secrets
from collections.abc import Mapping
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
from .shared import Shared

_LIVES = 4
"""A Lease outlives this many missed renewals."""
_MOST_JITTER = 0.05

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

    def __init__(self, server: Server, ref: Ref, interval: float, shared: Shared) -> None:
        self.holder = unique_holder(ref.name)
        self._server, self._ref, self._interval, self._shared = server, ref, interval, shared
        self._acquired = micro_time(shared.wall())
        self._stopping = Event()
        self._backoff = Backoff(shared.chance, longest=1.5 * interval)  # well below the Lease's life
        self._trouble = Complaint(log, shared.clock)
        self.heartbeat = Heartbeat("the Lease", shared.clock, 60 + _LIVES * interval)

    def run(self) -> None:
        while not self._stopping.is_set():
            self.heartbeat.beat()
            self._stopping.wait(self._renew())

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
                "leaseDurationSeconds": math.ceil(_LIVES * self._interval),
                "acquireTime": self._acquired,
                "renewTime": micro_time(self._shared.wall()),
            },
        }

    def _renew(self) -> float:
        """Renews once; the seconds to the next try."""
        begun = self._shared.clock()
        shown = self._shared.proofs.show()
        try:
            self._server.apply(self._ref, self.body(shown))
        except KubeError as error:
            self._shared.metrics.renew_failures.inc()
            self._trouble.say(f"{self._ref} cannot be renewed: {error}")
            return self._backoff.delay(error.retry_after)
        self._shared.proofs.leased(shown)
        self._shared.metrics.renewals.inc()
        self._backoff.reset()
        self._trouble.over(f"{self._ref} is renewed again")
        period = self._interval * (1 - _MOST_JITTER + 2 * _MOST_JITTER * self._shared.chance())
        return max(0.0, begun + period - self._shared.clock())
