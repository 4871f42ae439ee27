"""The kinds as Hypothesis makes them: everything that the programs may write."""

from hypothesis import strategies as st
from msgspec.structs import replace

from hypertally.api.amounts import AllocationRatios, GuestOverhead, ReservedAmounts
from hypertally.api.bounds import AMOUNT_MAX, MAINTENANCE_REASON_MAX
from hypertally.api.compute_node import (
    AuditMark,
    Claim,
    ComputeNodeSpec,
    ComputeNodeStatus,
    GuestState,
    InstanceStates,
    Ledger,
    Maintenance,
    MaintenanceMode,
    Orphans,
    Role,
    Schedulable,
    Workload,
)
from hypertally.api.instance import InstanceResources, InstanceSpec, InstanceStatus, Move, MovePhase, MoveType
from hypertally.api.migration import MigrationSpec, MigrationStatus, Outcome
from hypertally.api.placement import PlacementRequest
from tests.support import placements
from tests.support.strategies import (
    FEW,
    amounts,
    conditions,
    counters,
    counts,
    few,
    generations,
    holders,
    labels,
    names,
    optional,
    reports,
    signed,
    sums,
    texts,
    uuids,
)

claims = st.builds(
    Claim,
    uuid=uuids,
    role=st.sampled_from(Role),
    namespace=labels,
    name=names,
    instance_uid=uuids,
    resources=amounts(),
    instance_generation=counters,
    migration_uid=st.just("") | uuids,
    since=st.none() | st.builds(AuditMark, holder=holders, audit=counters),
    overcommitted=st.booleans(),
    request_digest=st.just("") | placements.digests,
    cells=few(placements.held_cells, lambda cell: (cell.id, cell.page_size_kib)),
    devices=few(placements.held_devices, lambda device: device.address),
    mdevs=few(placements.held_mdevs, lambda mdev: (mdev.parent_address, mdev.type)),
)

ledgers = st.builds(
    Ledger,
    generation=generations,
    observed_report_generation=counters,
    observed_generation=counters,
    claims=st.lists(claims, max_size=FEW, unique_by=lambda claim: (claim.uuid, claim.role)).map(tuple),
    allocatable=signed,
    allocated=sums,
    free=signed,
    instances=counts,
    orphans=st.builds(Orphans, count=counts, resources=sums),
    states=st.builds(InstanceStates, **dict.fromkeys(InstanceStates.__struct_fields__, counts)),
    workload=st.builds(Workload, **dict.fromkeys(Workload.__struct_fields__, counts)),
    free_cells=few(placements.free_cells, lambda cell: cell.id),
    free_devices=few(placements.free_devices, lambda pool: (pool.vendor_id, pool.product_id)),
    free_mdevs=few(placements.free_mdevs, lambda mdev: (mdev.parent_address, mdev.type)),
)

compute_node_specs = st.builds(
    ComputeNodeSpec,
    hypervisor_hostname=names,
    host_uuid=uuids,
    node_name=names,
    schedulable=st.sampled_from(Schedulable),
    maintenance=st.none()
    | st.builds(Maintenance, mode=st.sampled_from(MaintenanceMode), reason=texts(MAINTENANCE_REASON_MAX, 1)),
    reserved=optional(ReservedAmounts, st.integers(0, AMOUNT_MAX)),
    allocation_ratios=optional(AllocationRatios, st.integers(1, 1_000_000)),
    guest_overhead=st.none() | st.builds(GuestOverhead, memory_mib=st.integers(0, 2**20)),
)
compute_node_statuses = st.builds(
    ComputeNodeStatus, report=st.none() | reports, ledger=st.none() | ledgers, conditions=conditions
)

disks = st.integers(0, 2**38)
sizes = st.builds(
    InstanceResources,
    vcpus=st.integers(1, AMOUNT_MAX),
    memory_mib=st.integers(1, AMOUNT_MAX),
    root_disk_mib=disks,
    ephemeral_disk_mib=disks,
    swap_mib=disks,
)


@st.composite
def _sized(draw: st.DrawFn) -> tuple[InstanceResources, PlacementRequest | None]:
    """A size and what is asked for beyond it; the cells add up to the size."""
    size = draw(sizes)
    if draw(st.booleans()):
        return size, draw(st.none() | placements.requests())
    cells = draw(placements.guest_cells)
    total = replace(size, vcpus=sum(cell.vcpus for cell in cells), memory_mib=sum(cell.memory_mib for cell in cells))
    return total, draw(placements.requests(st.just(cells)))


sized = _sized()
instance_specs = st.builds(
    lambda uuid, size, node: InstanceSpec(uuid=uuid, resources=size[0], placement=size[1], compute_node_name=node),
    uuids,
    sized,
    st.just("") | names,
)
granted = st.none() | placements.requests(placements.guest_cells)
moves = st.builds(
    Move,
    type=st.sampled_from(MoveType),
    phase=st.sampled_from(MovePhase),
    source=names,
    target=names,
    old_resources=amounts(),
    new_resources=amounts(),
    old_placement=granted,
    new_placement=granted,
    migration_uid=st.just("") | uuids,
    migration_name=st.just("") | names,
)
instance_statuses = st.builds(
    InstanceStatus,
    compute_node_name=st.just("") | names,
    resources=st.none() | amounts(),
    placement=granted,
    move=st.none() | moves,
    refused_compute_node_name=st.just("") | names,
    power_state=st.none() | st.sampled_from(GuestState),
    conditions=conditions,
)


def _consistent(spec: MigrationSpec) -> bool:
    return (spec.type is MoveType.RESIZE) == (spec.resources is not None) and (
        spec.type is not MoveType.LIVE or spec.outcome in (None, Outcome.CANCELLED)
    )


migration_specs = st.builds(
    lambda size, **given: MigrationSpec(resources=size[0], placement=size[1], **given),
    size=st.tuples(st.none(), st.none()) | sized,
    instance_name=names,
    type=st.sampled_from([MoveType.LIVE, MoveType.COLD, MoveType.RESIZE, MoveType.EVACUATION]),
    target_compute_node_name=names,
    outcome=st.none() | st.sampled_from(Outcome),
).filter(_consistent)
migration_statuses = st.builds(
    MigrationStatus,
    uuid=st.just("") | uuids,
    source=st.just("") | names,
    target=st.just("") | names,
    conditions=conditions,
)
