"""Whether one record stands for one host. The host's UUID is its identity; its name is only a name.

A conflict is shown on every record that takes part, and nothing else follows: no agent writes another's record, and no
record in a conflict is collected. Which of the two is the right one only a person knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hypertally.api.compute_node import ComputeNode, LeasedHost, NodeCondition
from hypertally.api.conditions import Status

from .conditions import Finding
from .node_conditions import NO_CONFLICT, is_served

_SHOWN = 3


@dataclass(frozen=True, order=True)
class Peer:
    """Another record that has something in common with this one."""

    name: str
    node_name: str
    silent: bool = False
    """Its agent is: it may be this host's former record."""


@dataclass(frozen=True)
class Neighbours:
    """What the other records and the agents' Leases say that concerns one record."""

    seen: LeasedHost | None = None
    """The host to which the agent's connection of this name leads at present; None while the agent is silent."""
    same_uuid: Sequence[Peer] = ()
    """Served records of this host's UUID, and those at whose connection an agent finds it."""
    same_hostname: Sequence[Peer] = ()
    """Served records of this host's name and another UUID, on other Kubernetes nodes."""


def identity(node: ComputeNode, around: Neighbours) -> Finding:
    seen, spec = around.seen, node.spec
    if seen is not None and seen.host_uuid != spec.host_uuid:
        return _conflict("HostReplaced", _replaced(node, seen))
    if around.same_uuid and is_served(node):
        return _conflict("SharedHostUUID", _shared(node, around.same_uuid))
    if around.same_hostname:
        text = f"The host's name {spec.hypervisor_hostname} is also that of {_enumerated(around.same_hostname)}."
        return _fine("SharedHostname", f"{text} It is only a name: nothing follows.")
    if seen is not None and seen.hypervisor_hostname != spec.hypervisor_hostname:
        text = f"The host calls itself {seen.hypervisor_hostname} now; this record keeps {spec.hypervisor_hostname}."
        return _fine("Renamed", text)
    return NO_CONFLICT


def _replaced(node: ComputeNode, seen: LeasedHost) -> str:
    name, spec = node.metadata.name, node.spec
    return (
        f"This record is of host {spec.host_uuid}; the agent on {spec.node_name} finds host {seen.host_uuid} "
        f"({seen.hypervisor_hostname}) there and writes nothing. If the machine was replaced or installed anew for "
        f"good, kubectl delete computenode {name}; else correct the agent's --node-name or --connection."
    )


def _shared(node: ComputeNode, peers: Sequence[Peer]) -> str:
    text = f"{_enumerated(peers)} has host UUID {node.spec.host_uuid} too."
    if silent := sorted(peer.name for peer in peers if peer.silent):
        return f"{text} If the host's node was renamed, kubectl delete computenode {silent[0]}."
    return f"{text} If these are two machines (a clone?), set host_uuid in libvirtd.conf of one of them."


def _enumerated(peers: Sequence[Peer]) -> str:
    found = sorted(peers)
    shown = ", ".join(f"ComputeNode {peer.name} (node {peer.node_name})" for peer in found[:_SHOWN])
    return f"{shown} and {len(found) - _SHOWN} more" if len(found) > _SHOWN else shown


def _conflict(reason: str, message: str) -> Finding:
    return Finding(NodeCondition.IDENTITY_CONFLICT, Status.TRUE, reason, message)


def _fine(reason: str, message: str) -> Finding:
    return Finding(NodeCondition.IDENTITY_CONFLICT, Status.FALSE, reason, message)
