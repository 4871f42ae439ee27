"""Small objects of the kinds for tests of the accounting. A size is one number: so many of each amount."""

from collections.abc import Iterable, Sequence

from hypertally.api.amounts import AllocationRatios, Amounts, ReservedAmounts
from hypertally.api.compute_node import (
    AGENT_CONDITIONS,
    AuditMark,
    Claim,
    ComputeNode,
    ComputeNodeSpec,
    ComputeNodeStatus,
    Guest,
    GuestState,
    Hypervisor,
    LeasedAudit,
    Ledger,
    Orphans,
    Report,
    Role,
)
from hypertally.api.conditions import Condition, Status
from hypertally.api.instance import (
    Instance,
    InstanceResources,
    InstanceSpec,
    InstanceStatus,
    Move,
    MovePhase,
    MoveType,
)
from hypertally.api.meta import ObjectMeta
from hypertally.api.migration import Migration, MigrationSpec, MigrationStatus, Outcome
from hypertally.ledger.proof import AgentLook

RUNNING, INCOMING, RESERVED, LEAVING = Role.RUNNING, Role.INCOMING, Role.RESERVED_FOR_REVERT, Role.LEAVING
HOLDER = "agent-1"
NOW = "2026-11-22T15:00:00Z"
BORN = "2026-01-01T00:00:00Z"
ALL_OF_IT = AllocationRatios(vcpus=1000, memory_mib=1000, disk_mib=1000)
NOTHING_RESERVED = ReservedAmounts(vcpus=0, memory_mib=0, disk_mib=0)


def size(number: int) -> Amounts:
    return Amounts(vcpus=number, memory_mib=number, disk_mib=number)


def _amounts(given: Amounts | int) -> Amounts:
    return given if isinstance(given, Amounts) else size(given)


def _resources(given: Amounts | int) -> InstanceResources:
    amounts = _amounts(given)
    return InstanceResources(vcpus=amounts.vcpus, memory_mib=amounts.memory_mib, root_disk_mib=amounts.disk_mib)


def claim(
    uuid: str,
    role: Role = RUNNING,
    resources: Amounts | int = 1,
    *,
    owner: str = "",
    generation: int = 0,
    since: int | None = None,
    holder: str = HOLDER,
    overcommitted: bool = False,
    migration: str = "",
) -> Claim:
    """`owner` is the Instance's uid, `since` the audit that it was stamped with."""
    return Claim(
        uuid=uuid,
        role=role,
        namespace="default",
        name=uuid,
        instance_uid=owner or f"uid-{uuid}",
        resources=_amounts(resources),
        instance_generation=generation,
        since=None if since is None else AuditMark(holder=holder, audit=since),
        overcommitted=overcommitted,
        migration_uid=migration,
    )


def guest(uuid: str, resources: Amounts | int = 1, state: GuestState = GuestState.RUNNING) -> Guest:
    amounts = _amounts(resources)
    return Guest(
        uuid=uuid,
        name=uuid,
        state=state,
        vcpus=amounts.vcpus,
        pcpus=amounts.pcpus,
        memory_mib=amounts.memory_mib,
        disk_mib=amounts.disk_mib,
    )


def conditions(status: Status = Status.TRUE) -> tuple[Condition, ...]:
    """The agent's."""
    return tuple(Condition(type=t, status=status, reason="AsExpected") for t in AGENT_CONDITIONS)


def report(
    capacity: Amounts | int | None, guests: Iterable[Guest] = (), *, generation: int = 1, omitted: int = 0
) -> Report:
    return Report(
        generation=generation,
        hypervisor=Hypervisor(type="QEMU", version="7.2.0", libvirt_version="9.0.0"),
        capacity=None if capacity is None else _amounts(capacity),
        guests=tuple(guests),
        guests_omitted=omitted,
        omitted_resources=size(omitted) if omitted else None,
    )


def ledger(claims: Iterable[Claim] = (), *, generation: int = 1, seen: int = 1) -> Ledger:
    zero = Amounts()
    return Ledger(
        generation=generation,
        observed_report_generation=seen,
        observed_generation=1,
        claims=tuple(claims),
        allocatable=zero,
        allocated=zero,
        free=zero,
        instances=0,
        orphans=Orphans(count=0, resources=zero),
    )


def node(
    name: str = "n0",
    capacity: Amounts | int | None = 4,
    claims: Iterable[Claim] | None = (),
    guests: Iterable[Guest] = (),
    *,
    omitted: int = 0,
    seen: int = 1,
    spec: ComputeNodeSpec | None = None,
    agent: Status = Status.TRUE,
) -> ComputeNode:
    """Nothing is reserved or given twice unless `spec` says so. `claims` None: no ledger yet."""
    return ComputeNode(
        metadata=ObjectMeta(name=name, uid=f"uid-{name}", generation=1),
        spec=spec or node_spec(name),
        status=ComputeNodeStatus(
            report=report(capacity, guests, omitted=omitted),
            ledger=None if claims is None else ledger(claims, seen=seen),
            conditions=conditions(agent),
        ),
    )


def node_spec(
    name: str = "n0", reserved: ReservedAmounts = NOTHING_RESERVED, ratios: AllocationRatios = ALL_OF_IT
) -> ComputeNodeSpec:
    return ComputeNodeSpec(
        hypervisor_hostname=name,
        host_uuid="6f2a7f0e-5d0e-4b53-9d2e-0f6c6f9f3b11",
        node_name=name,
        reserved=reserved,
        allocation_ratios=ratios,
    )


def look(
    audit: int, *, node: str = "n0", generation: int = 1, holder: str = HOLDER, uid: str | None = None
) -> AgentLook:
    """What the Lease shows: by default of the node that `node` makes."""
    leased = LeasedAudit(uid=f"uid-{node}" if uid is None else uid, report_generation=generation, audit=audit)
    return AgentLook(holder, leased)


def instance(
    uuid: str = "a",
    bound: str = "n0",
    home: str = "",
    resources: Amounts | int = 1,
    *,
    granted: Amounts | int | None = None,
    move: Move | None = None,
    uid: str = "",
    name: str = "",
    born: str = BORN,
    generation: int = 1,
    conditions: Sequence[Condition] = (),
    refused: str = "",
) -> Instance:
    """Granted what it asks for, if it has a home and nothing else is told."""
    held = granted if granted is not None else resources
    return Instance(
        metadata=ObjectMeta(
            name=name or uuid, namespace="default", uid=uid or f"uid-{uuid}", generation=generation,
            creation_timestamp=born,
        ),
        spec=InstanceSpec(uuid=uuid, resources=_resources(resources), compute_node_name=bound),
        status=InstanceStatus(
            compute_node_name=home, resources=_amounts(held) if home else None, move=move,
            refused_compute_node_name=refused, conditions=tuple(conditions),
        ),
    )  # fmt: skip


def move(
    type_: MoveType = MoveType.LIVE,
    phase: MovePhase = MovePhase.ACCEPTED,
    *,
    source: str = "n0",
    target: str = "n1",
    old: Amounts | int = 1,
    new: Amounts | int | None = None,
) -> Move:
    """The Migration's uid is `uid-m`; an observed move has none."""
    declared = type_ is not MoveType.OBSERVED
    return Move(
        type=type_,
        phase=phase,
        source=source,
        target=target,
        old_resources=_amounts(old),
        new_resources=_amounts(old if new is None else new),
        migration_uid="uid-m" if declared else "",
        migration_name="m" if declared else "",
    )


def migration(
    type_: MoveType = MoveType.LIVE,
    target: str = "n1",
    *,
    name: str = "m",
    instance: str = "a",
    new: Amounts | int | None = None,
    outcome: Outcome | None = None,
    completed: bool = False,
    pinned: str = "",
) -> Migration:
    said = (Condition(type="Completed", status=Status.TRUE, reason="Completed"),) if completed else ()
    return Migration(
        metadata=ObjectMeta(name=name, namespace="default", uid=f"uid-{name}", generation=1),
        spec=MigrationSpec(
            instance_name=instance,
            type=type_,
            target_compute_node_name=target,
            resources=None if new is None else _resources(new),
            outcome=outcome,
        ),
        status=MigrationStatus(uuid=pinned, conditions=said),
    )
