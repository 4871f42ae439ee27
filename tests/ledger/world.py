"""A cluster in memory: what the API server holds, hosts with guests, their agents, users. Writes are compare-and-swap.

Only for the accounting's own tests, which need thousands of interleavings: everything else runs on the real parts.
"""

from dataclasses import dataclass, field

from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import ComputeNode, ComputeNodeStatus, Guest, GuestState, LeasedAudit, Ledger
from hypertally.api.instance import Instance, InstanceStatus
from hypertally.api.meta import ObjectMeta
from hypertally.api.migration import Migration, MigrationStatus, Outcome
from hypertally.ledger.proof import AgentLook
from tests.ledger.make import NOTHING_RESERVED, conditions, guest, instance, node_spec, report, size


@dataclass
class Host:
    """What libvirt really has, and the agent's memory. An audit is numbered one more than the Lease acknowledged."""

    capacity: Amounts
    guests: dict[str, Guest] = field(default_factory=dict)
    process: int = 1
    leased: int = 0
    looking: tuple[int, tuple[Guest, ...], int] | None = None
    """An audit in flight: its number, what it saw, and the tick at which it began."""
    began: int = 0
    """When the audit that was published last began."""
    published: LeasedAudit | None = None
    alive: bool = True


class World:
    """Nodes, Instances and Migrations by name; what is read is a value that no later write changes."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.nodes: dict[str, ComputeNode] = {}
        self.leases: dict[str, tuple[str, LeasedAudit | None]] = {}
        self.instances: dict[str, Instance] = {}
        self.migrations: dict[str, Migration] = {}
        self.began: dict[str, int] = {}
        """When the audit that each Lease shows began: what no controller may know, and every proof must be true to."""
        self._revision = 0

    def tick(self) -> int:
        self._revision += 1
        return self._revision

    # -- agents

    def host(self, name: str, capacity: Amounts | int) -> None:
        self.hosts[name] = Host(capacity if isinstance(capacity, Amounts) else size(capacity))
        self.audit(name)

    def begin(self, name: str) -> None:
        host = self.hosts[name]
        host.looking = (host.leased + 1, tuple(sorted(host.guests.values(), key=lambda g: g.uuid)), self.tick())

    def publish(self, name: str) -> None:
        """The report of the audit that began, and the node object if it is gone."""
        host = self.hosts[name]
        if host.looking is None:
            return
        (number, seen, host.began), host.looking = host.looking, None
        if name not in self.nodes:
            meta = ObjectMeta(name=name, uid=f"uid-{name}-{self.tick()}", generation=1)
            self.nodes[name] = ComputeNode(metadata=meta, spec=node_spec(name, NOTHING_RESERVED))
        node = self.nodes[name]
        held = node.status.report
        new = report(host.capacity, seen, generation=held.generation + 1 if held else 1)
        if held is None or held.guests != new.guests:
            self._put(replace(node, status=replace(node.status, report=new, conditions=conditions())))
            held = new
        host.published = LeasedAudit(uid=node.metadata.uid, report_generation=held.generation, audit=number)

    def renew(self, name: str) -> None:
        host = self.hosts[name]
        self.leases[name] = (f"agent-{host.process}", host.published)
        self.began[name] = host.began
        host.leased = max(host.leased, host.published.audit if host.published else 0)

    def audit(self, name: str) -> None:
        self.begin(name)
        self.publish(name)
        self.renew(name)

    def restart_agent(self, name: str) -> None:
        host = self.hosts[name]
        host.process += 1
        host.leased, host.looking, host.published = 0, None, None

    def look(self, node: ComputeNode | None) -> AgentLook | None:
        holder, leased = self.leases.get(node.metadata.name, ("", None)) if node else ("", None)
        return AgentLook(holder, leased) if leased else None

    # -- guests

    def run(self, host: str, uuid: str, resources: Amounts | int, state: GuestState = GuestState.RUNNING) -> None:
        self.hosts[host].guests[uuid] = guest(uuid, resources, state)

    def lose(self, host: str, uuid: str) -> None:
        self.hosts[host].guests.pop(uuid, None)

    # -- users

    def create(self, made: Instance) -> None:
        """Under a uid of its own, however often the name is used."""
        number = self.tick()
        meta = replace(made.metadata, uid=f"uid-{made.metadata.name}-{number}", creation_timestamp=f"{number:06}")
        self._put_instance(replace(made, metadata=meta))

    def declare(self, name: str, uuid: str, bound: str, resources: Amounts | int) -> None:
        self.create(instance(uuid, bound, resources=resources, name=name))

    def rebind(self, name: str, bound: str) -> None:
        held = self.instances[name]
        meta = replace(held.metadata, generation=held.metadata.generation + 1)
        self._put_instance(replace(held, metadata=meta, spec=replace(held.spec, compute_node_name=bound)))

    def move(self, made: Migration) -> None:
        number = self.tick()
        meta = replace(made.metadata, uid=f"uid-{made.metadata.name}-{number}", creation_timestamp=f"{number:06}")
        self._put_migration(replace(made, metadata=meta))

    def decide(self, name: str, outcome: Outcome) -> None:
        held = self.migrations[name]
        self._put_migration(replace(held, spec=replace(held.spec, outcome=outcome)))

    def drop_node(self, name: str) -> None:
        """The object only: its agent makes it anew with the next audit."""
        del self.nodes[name]
        self.hosts[name].looking = None
        self.hosts[name].published = None

    # -- writes

    def swap_ledger(self, read: ComputeNode, new: Ledger) -> bool:
        held = self.nodes.get(read.metadata.name)
        if held is None or _inputs(held) != _inputs(read):
            return False
        self._put(replace(held, status=replace(held.status, ledger=new)))
        return True

    def swap_instance(self, read: Instance, status: InstanceStatus) -> bool:
        if self.instances.get(read.metadata.name) != read:
            return False
        self._put_instance(replace(read, status=status))
        return True

    def swap_migration(self, read: Migration, status: MigrationStatus) -> bool:
        if self.migrations.get(read.metadata.name) != read:
            return False
        self._put_migration(replace(read, status=status))
        return True

    def _put(self, node: ComputeNode) -> None:
        self.nodes[node.metadata.name] = node

    def _put_instance(self, made: Instance) -> None:
        meta = replace(made.metadata, resource_version=str(self.tick()))
        self.instances[made.metadata.name] = replace(made, metadata=meta)

    def _put_migration(self, made: Migration) -> None:
        meta = replace(made.metadata, resource_version=str(self.tick()))
        self.migrations[made.metadata.name] = replace(made, metadata=meta)


def _inputs(node: ComputeNode) -> tuple[object, ...]:
    """What the ledger's patch tests."""
    status: ComputeNodeStatus = node.status
    return (
        node.metadata.uid,
        node.metadata.generation,
        status.report.generation if status.report else None,
        status.ledger.generation if status.ledger else None,
    )
