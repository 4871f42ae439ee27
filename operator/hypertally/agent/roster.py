"""The records of this Kubernetes node against the connections that this agent serves.

One that it serves no longer gets `HypervisorServed=False`, and nothing else: the controller decides what follows.
"""

import logging
from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any, Protocol

from hypertally.api.compute_node import NodeCondition
from hypertally.api.conditions import Status
from hypertally.kube.errors import KubeError, NotFound
from hypertally.kube.kinds import COMPUTE_NODE, Kind, Ref
from hypertally.serving.logs import about

from .backoff import Backoff, spread
from .clock import rfc3339
from .complaints import Complaint
from .heartbeat import Heartbeat
from .plan import Acknowledged, Wanted, plan_report
from .shared import Shared
from .verdicts import Verdict

_LOOK_AGAIN = 0.25
"""Seconds until the Lease is looked at again, while it is not held."""

log = logging.getLogger(__name__)


class Server(Protocol):
    """The part of KubeClient that the roster uses."""

    def apply(self, ref: Ref, body: Mapping[str, Any], subresource: str = "") -> dict[str, Any]: ...

    def list(self, kind: Kind, *, namespace: str = "", field_selector: str = "") -> list[dict[str, Any]]: ...


class Roster:
    """`run` belongs into a thread of its own. An API server that is away only delays what it says."""

    def __init__(self, server: Server, node_name: str, served: Sequence[str], shared: Shared) -> None:
        self._server, self._node_name, self._served, self._shared = server, node_name, frozenset(served), shared
        self._stopping = Event()
        self._backoff = Backoff(shared.chance)
        self._trouble = Complaint(log, shared.clock)
        self.heartbeat = Heartbeat("the roster", shared.clock, 60 + 2 * shared.compare_interval)

    def run(self) -> None:
        while not self._stopping.is_set():
            self.heartbeat.beat()
            self._stopping.wait(self._round())

    def stop(self) -> None:
        self._stopping.set()

    def _round(self) -> float:
        """Compares once; the seconds to the next time."""
        if not self._shared.tenure.held:
            return _LOOK_AGAIN
        try:
            self.compare()
        except KubeError as error:
            self._trouble.say(f"the ComputeNodes of node {self._node_name} cannot be compared: {error}")
            return self._backoff.delay(error.retry_after)
        self._backoff.reset()
        self._trouble.over(f"the ComputeNodes of node {self._node_name} are compared again")
        return spread(self._shared.compare_interval, self._shared.chance)

    def compare(self) -> None:
        """May raise KubeError; whatever was told before stands, and the next time goes on from there."""
        for node in self._server.list(COMPUTE_NODE, field_selector=f"spec.nodeName={self._node_name}"):
            if node["metadata"]["name"] not in self._served:
                self._let_go(node)

    def _let_go(self, node: Mapping[str, Any]) -> None:
        name, known = node["metadata"]["name"], Acknowledged.read(node)
        text = f"the agent on {self._node_name} has no connection for {name}"
        verdict = Verdict(NodeCondition.HYPERVISOR_SERVED, Status.FALSE, "NotServed", text)
        write = plan_report(known, Wanted(None, (verdict,)), rfc3339(self._shared.wall()))
        if write is None:
            return
        metadata = {"name": name, "resourceVersion": known.version}
        try:
            self._server.apply(Ref(COMPUTE_NODE, name), {"metadata": metadata, "status": write.status}, "status")
        except NotFound:
            return  # gone meanwhile
        log.info("%s", text, extra=about(COMPUTE_NODE.kind, name))
