"""Values of hypertally.api as Hypothesis makes them: everything that the programs may write."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from hypertally.api.amounts import AllocationRatios, Amounts, ReservedAmounts
from hypertally.api.bounds import AMOUNT_MAX, GUEST_NAME_MAX, HOLDER_MAX, HYPERVISOR_TYPE_MAX, MESSAGE_MAX, SUM_MAX
from hypertally.api.compute_node import (
    AuditMark,
    Claim,
    ComputeNodeSpec,
    ComputeNodeStatus,
    Guest,
    GuestState,
    Hypervisor,
    Ledger,
    Orphans,
    Report,
    ReportContent,
    Role,
)
from hypertally.api.conditions import Condition, Status
from hypertally.api.instance import InstanceResources, InstanceSpec, InstanceStatus, Move, MovePhase, MoveType
from hypertally.api.migration import MigrationSpec, MigrationStatus, Outcome

FEW = 4
"""Entries of a list: what breaks does so with few."""

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"

uuids = st.uuids().map(str)
labels = st.text(LETTERS, min_size=1, max_size=20)
names = st.lists(labels, min_size=1, max_size=3).map(".".join)
holders = st.tuples(labels, labels).map("_".join).map(lambda text: text[:HOLDER_MAX])
versions = st.tuples(*[st.integers(0, 999)] * 3).map(lambda numbers: ".".join(map(str, numbers)))
addresses = st.ip_addresses().map(str)
moments = st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0"))
counters = st.integers(0, SUM_MAX)
generations = st.integers(1, SUM_MAX)
counts = st.integers(0, 2**31 - 1)


def texts(limit: int, least: int = 0) -> st.SearchStrategy[str]:
    """Any text that UTF-8 can carry, controls and all."""
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=limit)


def amounts(low: int = 0, high: int = AMOUNT_MAX) -> st.SearchStrategy[Amounts]:
    each = st.integers(low, high)
    return st.builds(Amounts, vcpus=each, memory_mib=each, disk_mib=each)


sums = amounts(0, SUM_MAX)
signed = amounts(-SUM_MAX, SUM_MAX)


def optional(type_: Callable[..., Any], each: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """A policy: each amount may be absent, and so may all."""
    part = st.none() | each
    return st.none() | st.builds(type_, vcpus=part, memory_mib=part, disk_mib=part)


conditions = st.lists(
    st.builds(
        Condition,
        type=labels,
        status=st.sampled_from(Status),
        reason=st.text(LETTERS, max_size=20).map("A".__add__),
        message=texts(MESSAGE_MAX),
        last_transition_time=moments,
        observed_generation=counters,
    ),
    max_size=FEW,
    unique_by=lambda condition: condition.type,
).map(tuple)

guests = st.builds(
    Guest,
    uuid=uuids,
    name=texts(GUEST_NAME_MAX, 1),
    state=st.sampled_from(GuestState),
    vcpus=st.integers(0, AMOUNT_MAX),
    memory_mib=st.integers(0, AMOUNT_MAX),
    disk_mib=st.integers(0, AMOUNT_MAX),
)

hypervisors = st.builds(
    Hypervisor,
    type=texts(HYPERVISOR_TYPE_MAX, 1),
    version=versions,
    libvirt_version=versions,
    host_ip=st.just("") | addresses,
)

_CONTENT: dict[str, st.SearchStrategy[Any]] = {
    "hypervisor": hypervisors,
    "capacity": st.none() | amounts(),
    "measured": st.none() | amounts(),
    "guests": st.lists(guests, max_size=FEW, unique_by=lambda guest: guest.uuid).map(tuple),
    "guests_omitted": counts,
    "omitted_resources": st.none() | sums,
}
reports = st.builds(Report, generation=generations, **_CONTENT)

unbounded_contents = st.builds(
    ReportContent,
    **_CONTENT
    | {
        "hypervisor": st.builds(Hypervisor, type=texts(200, 1), version=versions, libvirt_version=versions),
        "capacity": st.none() | amounts(-9, 2**70),
        "guests": st.lists(
            st.builds(
                Guest,
                uuid=st.integers(0, 9).map(lambda number: f"{number:08}-0000-0000-0000-000000000000"),
                name=texts(300, 1),
                state=st.sampled_from(GuestState),
                vcpus=st.integers(-9, 2**70),
                memory_mib=st.integers(-9, 2**70),
                disk_mib=st.integers(-9, 2**70),
            ),
            max_size=30,
        ).map(tuple),
        "guests_omitted": st.integers(0, 999),
    },
)
"""What an odd host might make of a report, before it is made to fit."""

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
)

compute_node_specs = st.builds(
    ComputeNodeSpec,
    hypervisor_hostname=names,
    host_uuid=uuids,
    node_name=names,
    reserved=optional(ReservedAmounts, st.integers(0, AMOUNT_MAX)),
    allocation_ratios=optional(AllocationRatios, st.integers(1, 1_000_000)),
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
instance_specs = st.builds(InstanceSpec, uuid=uuids, resources=sizes, compute_node_name=st.just("") | names)
moves = st.builds(
    Move,
    type=st.sampled_from(MoveType),
    phase=st.sampled_from(MovePhase),
    source=names,
    target=names,
    old_resources=amounts(),
    new_resources=amounts(),
    migration_uid=st.just("") | uuids,
    migration_name=st.just("") | names,
)
instance_statuses = st.builds(
    InstanceStatus,
    compute_node_name=st.just("") | names,
    resources=st.none() | amounts(),
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
    MigrationSpec,
    instance_name=names,
    type=st.sampled_from([MoveType.LIVE, MoveType.COLD, MoveType.RESIZE, MoveType.EVACUATION]),
    target_compute_node_name=names,
    resources=st.none() | sizes,
    outcome=st.none() | st.sampled_from(Outcome),
).filter(_consistent)
migration_statuses = st.builds(
    MigrationStatus,
    uuid=st.just("") | uuids,
    source=st.just("") | names,
    target=st.just("") | names,
    conditions=conditions,
)
