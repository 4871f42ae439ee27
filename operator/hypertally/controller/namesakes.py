"""Which ComputeNodes have a host's UUID or name in common, and what the agents' Leases say of that."""

from heapq import nsmallest

from hypertally.api.compute_node import ComputeNode
from hypertally.ledger.identity_conditions import Neighbours, Peer
from hypertally.ledger.node_conditions import is_served

from .agents import Agents
from .index import Index
from .store import Store

_CROWD = 50
"""A name that more hosts have tells nobody apart and is passed over; of more records of one UUID the first are told."""


class Namesakes:
    """Kept up to date by the cache."""

    def __init__(self, nodes: Store[ComputeNode], agents: Agents) -> None:
        self._nodes = nodes
        self._agents = agents
        self._by_host = Index()
        self._by_hostname = Index()
        self._by_sight = Index()
        """By the UUID of the host to which an agent's connection leads: `agent/name`, for an agent may say anything of
        a name that is another's."""

    def hear(self, name: str, node: ComputeNode | None) -> None:
        """A record came, or went."""
        self._by_host.set(name, [node.spec.host_uuid] if node else [])
        self._by_hostname.set(name, [node.spec.hypervisor_hostname] if node else [])

    def see(self, agent: str, name: str, host_uuid: str | None) -> None:
        """That agent's connection of that name leads to that host."""
        self._by_sight.set(f"{agent}/{name}", [host_uuid] if host_uuid else [])

    def records_of(self, host_uuid: str) -> frozenset[str]:
        return self._by_host.of(host_uuid)

    def of(self, node: ComputeNode) -> frozenset[str]:
        """The records of which something else is to be said when this one comes, goes, is served no longer, or its
        agent, which may find the host of another, falls silent. Where there is a crowd, one more or less makes no
        difference."""
        seen = self._agents.seen(node.spec.node_name, node.metadata.name)
        found_there = self._by_host.of(seen.host_uuid) if seen else frozenset[str]()
        found = self._named(node), self._by_hostname.of(node.spec.hypervisor_hostname), found_there
        return frozenset().union(*(names for names in found if len(names) <= _CROWD)) - {node.metadata.name}

    def neighbours(self, node: ComputeNode, *, silent: bool) -> Neighbours:
        """`silent`: the node's agent is, so that what it said last is no longer so."""
        spec, named = node.spec, self._by_hostname.of(node.spec.hypervisor_hostname)
        return Neighbours(
            seen=None if silent else self._agents.seen(spec.node_name, node.metadata.name),
            same_uuid=[self._peer(n) for n in self._others(node, self._named(node)) if self._is_of(n, spec.host_uuid)],
            same_hostname=[
                self._peer(n)
                for n in self._others(node, named if len(named) <= _CROWD else frozenset())
                if is_served(n) and n.spec.node_name != spec.node_name and n.spec.host_uuid != spec.host_uuid
            ],
        )

    def _named(self, node: ComputeNode) -> frozenset[str]:
        uuid = node.spec.host_uuid
        return self._by_host.of(uuid) | {self._record(sight) for sight in self._by_sight.of(uuid)} - {""}

    def _record(self, sight: str) -> str:
        """Its name, if it is of the agent that says so."""
        agent, _, name = sight.partition("/")
        node = self._nodes.get(name)
        return name if node is not None and node.spec.node_name == agent else ""

    def _others(self, node: ComputeNode, names: frozenset[str]) -> list[ComputeNode]:
        found = map(self._nodes.get, nsmallest(_CROWD, names - {node.metadata.name}))
        return [n for n in found if n is not None]

    def _is_of(self, node: ComputeNode, host_uuid: str) -> bool:
        """Its record stands for that host and is served, or its agent finds that host."""
        seen = self._agents.seen(node.spec.node_name, node.metadata.name)
        finds = seen is not None and not self._agents.is_silent(node.spec.node_name) and seen.host_uuid == host_uuid
        return finds or (node.spec.host_uuid == host_uuid and is_served(node))

    def _peer(self, node: ComputeNode) -> Peer:
        return Peer(node.metadata.name, node.spec.node_name, self._agents.is_silent(node.spec.node_name))
