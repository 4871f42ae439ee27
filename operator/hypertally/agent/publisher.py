"""One ComputeNode at the API server: created if absent, written only when it says something else than the host."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from hypertally.hypervisor.identity import Identity
from hypertally.kube.errors import Conflict, KindMissing, NotFound
from hypertally.kube.kinds import COMPUTE_NODE, Ref

from .clock import rfc3339
from .plan import Acknowledged, ReportWrite, Wanted, plan_report

_TRIES = 3
"""A write that another one overtook is planned anew, so often at once."""


class Server(Protocol):
    """The part of KubeClient that a publisher uses."""

    def apply(self, ref: Ref, body: Mapping[str, Any], subresource: str = "") -> dict[str, Any]: ...

    def touch(self, ref: Ref, subresource: str = "") -> dict[str, Any]: ...


class ForeignNode(Exception):
    """The ComputeNode of our name stands for another host; the message says which and what to do."""


class Publisher:
    """Used by one thread. Methods may raise KubeError or ForeignNode; nothing is lost, the next call tries again."""

    def __init__(self, server: Server, name: str, node_name: str, wall: Callable[[], datetime]) -> None:
        self.name = name
        self._server = server
        self._ref = Ref(COMPUTE_NODE, name)
        self._node_name = node_name
        self._wall = wall
        self.acknowledged: Acknowledged | None = None

    def find(self, identity: Identity | None) -> Acknowledged | None:
        """What the server holds; read if not known. Created if absent and the identity is known."""
        if self.acknowledged is None:
            self.acknowledged = self._find(identity)
        if self.acknowledged is not None and (strange := self._strangeness(self.acknowledged.spec, identity)):
            self.acknowledged = None  # it may be another one the next time
            raise ForeignNode(strange)
        return self.acknowledged

    def compare(self) -> None:
        """Read what the server holds, so that the next `publish` heals what somebody edited."""
        before = self.acknowledged
        self.acknowledged = None
        if (found := self._touch()) is not None:
            self.acknowledged = found.knowing(before)

    def publish(self, wanted: Wanted, identity: Identity | None) -> bool | None:
        """True after a write, False if none was needed, None while there is nothing to write to."""
        for remaining in reversed(range(_TRIES)):
            if (known := self._current(wanted, identity)) is None:
                return None
            write = self._plan(known, wanted)
            if write is None:
                return False
            try:
                self._write(known, write)
            except (Conflict, NotFound) as error:
                self.acknowledged = None
                if isinstance(error, KindMissing) or not remaining:
                    raise
                continue
            return True
        raise AssertionError("the last try returns or raises")

    def _current(self, wanted: Wanted, identity: Identity | None) -> Acknowledged | None:
        """What the server holds; where there is something to write, read just now: the controller writes there too."""
        read_now = self.acknowledged is None
        known = self.find(identity)
        if known is None or read_now or not self._plan(known, wanted):
            return known
        self.compare()
        return self.find(identity)

    def _plan(self, known: Acknowledged, wanted: Wanted) -> ReportWrite | None:
        return plan_report(known, wanted, rfc3339(self._wall()))

    def _write(self, known: Acknowledged, write: ReportWrite) -> None:
        # The version, since the server ignores a uid here (on the status of custom resources): a ComputeNode that was
        # replaced meanwhile by another host's would be written blindly.
        metadata = {"name": self.name, "resourceVersion": known.version}
        answer = Acknowledged.read(
            self._server.apply(self._ref, {"metadata": metadata, "status": write.status}, "status")
        )
        self.acknowledged = replace(answer, content=write.content)

    def _find(self, identity: Identity | None) -> Acknowledged | None:
        if (found := self._touch()) is not None or identity is None:
            return found
        spec = {
            "hypervisorHostname": identity.hostname,
            "hostUUID": identity.host_uuid,
            "nodeName": self._node_name,
        }
        return Acknowledged.read(self._server.apply(self._ref, {"metadata": {"name": self.name}, "spec": spec}))

    def _touch(self) -> Acknowledged | None:
        try:
            return Acknowledged.read(self._server.touch(self._ref, "status"))
        except KindMissing:
            raise
        except NotFound:
            return None

    def _strangeness(self, spec: Mapping[str, Any], identity: Identity | None) -> str:
        """Why this ComputeNode is not ours to write; empty when it is."""
        node, uuid = spec.get("nodeName"), spec.get("hostUUID")
        if node != self._node_name:
            return (
                f"ComputeNode {self.name} belongs to node {node}, this agent serves {self._node_name}: "
                f"correct --node-name, or kubectl delete computenode {self.name}"
            )
        if identity is not None and uuid != identity.host_uuid:
            return (
                f"ComputeNode {self.name} stands for host {uuid}, libvirt says {identity.host_uuid}: "
                f"if the machine was replaced, kubectl delete computenode {self.name}; else correct --node-name"
            )
        return ""
