"""Values of hypertally.api as Hypothesis makes them: everything that the programs may write."""

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st

from hypertally.api.amounts import AllocationRatios, Amounts, ReservedAmounts
from hypertally.api.bounds import (
    AMOUNT_MAX,
    GUEST_NAME_MAX,
    HOLDER_MAX,
    HYPERVISOR_TYPE_MAX,
    MAINTENANCE_REASON_MAX,
    MESSAGE_MAX,
    ORDINAL_MAX,
    PAGE_SIZE_MAX,
    SUM_MAX,
)
from hypertally.api.compute_node import (
    AuditMark,
    Claim,
    ComputeNodeSpec,
    ComputeNodeStatus,
    Guest,
    GuestState,
    Hypervisor,
    InstanceStates,
    Ledger,
    Maintenance,
    MaintenanceMode,
    Omission,
    Orphans,
    Report,
    Role,
    Schedulable,
    Workload,
)
from hypertally.api.conditions import Condition, Status
from hypertally.api.forms import PLAIN
from hypertally.api.instance import InstanceResources, InstanceSpec, InstanceStatus, Move, MovePhase, MoveType
from hypertally.api.inventory import (
    Cpu,
    CpuTopology,
    Distance,
    GuestType,
    MdevType,
    NumaCell,
    Pages,
    PagesInUse,
    PciDevice,
    PciPool,
    PciType,
    StoragePool,
)
from hypertally.api.migration import MigrationSpec, MigrationStatus, Outcome

T = TypeVar("T")

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
    return st.builds(Amounts, vcpus=each, pcpus=each, memory_mib=each, disk_mib=each)


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

plain_texts = texts(GUEST_NAME_MAX, 1).filter(PLAIN.fullmatch)
words = st.text(LETTERS + "-_.:/,+=@*", min_size=1, max_size=20)
cpu_sets = st.lists(st.integers(0, 999), max_size=FEW).map(lambda numbers: ",".join(map(str, numbers)))
ordinals = st.integers(0, ORDINAL_MAX)
pages = st.integers(1, PAGE_SIZE_MAX)
pci_addresses = st.builds("0000:{:02x}:{:02x}.{:x}".format, st.integers(0, 255), st.integers(0, 31), st.integers(0, 7))


def few(each: st.SearchStrategy[T], key: Callable[[T], Any] = repr) -> st.SearchStrategy[tuple[T, ...]]:
    """A list that has each key once."""
    return st.lists(each, max_size=FEW, unique_by=key).map(tuple)


guests = st.builds(
    Guest,
    uuid=uuids,
    name=plain_texts,
    state=st.sampled_from(GuestState),
    vcpus=st.integers(0, AMOUNT_MAX),
    pcpus=st.integers(0, AMOUNT_MAX),
    memory_mib=st.integers(0, AMOUNT_MAX),
    disk_mib=st.integers(0, AMOUNT_MAX),
    memory_current_mib=st.integers(0, AMOUNT_MAX),
    cells=few(ordinals),
    pinned_cpus=cpu_sets,
    page_size_kib=st.just(0) | pages,
    pci_addresses=few(pci_addresses),
    mdev_uuids=few(uuids),
)

hypervisors = st.builds(
    Hypervisor,
    type=texts(HYPERVISOR_TYPE_MAX, 1),
    version=versions,
    libvirt_version=versions,
    host_ip=st.just("") | addresses,
)

cpus = st.builds(
    Cpu,
    arch=words,
    model=st.just("") | words,
    vendor=st.just("") | words,
    topology=st.none() | st.builds(CpuTopology, cells=ordinals, sockets=ordinals, cores=ordinals, threads=ordinals),
    features=few(words),
)
guest_types = st.builds(GuestType, arch=words, hypervisor=words, os_type=words)
pages_in_use = st.builds(PagesInUse, cell=ordinals, size_kib=pages, used=st.integers(0, AMOUNT_MAX))
numa_cells = st.builds(
    NumaCell,
    id=ordinals,
    memory_mib=st.integers(0, AMOUNT_MAX),
    shared_cpus=cpu_sets,
    dedicated_cpus=cpu_sets,
    siblings=few(cpu_sets.filter(bool)),
    socket=st.none() | ordinals,
    pages=few(
        st.builds(Pages, size_kib=pages, total=st.integers(0, AMOUNT_MAX), reserved=st.integers(0, AMOUNT_MAX)),
        lambda each: each.size_kib,
    ),
    distances=few(st.builds(Distance, cell=ordinals, value=st.integers(0, 255)), lambda each: each.cell),
)
pci_devices = st.builds(
    PciDevice, address=pci_addresses, parent_address=st.just("") | pci_addresses, missing=st.booleans()
)
pci_ids = st.integers(0, 0xFFFF).map("{:04x}".format)
pci_pools = st.builds(
    PciPool,
    vendor_id=pci_ids,
    product_id=pci_ids,
    type=st.sampled_from([PciType.PCI, PciType.PF, PciType.VF, PciType.VDPA]),
    numa_cell=st.none() | ordinals,
    tags=st.dictionaries(labels, st.just("") | words, max_size=FEW),
    devices=few(pci_devices, lambda device: device.address),
)
mdev_types = st.builds(
    MdevType,
    parent_address=pci_addresses,
    type=words,
    name=st.just("") | plain_texts,
    available=counts,
    instances=few(uuids),
)
pool_sizes = st.none() | st.integers(0, AMOUNT_MAX)
storage_pools = st.builds(
    StoragePool,
    name=plain_texts,
    uuid=uuids,
    type=words,
    active=st.booleans(),
    identity=words,
    capacity_mib=pool_sizes,
    allocation_mib=pool_sizes,
    available_mib=pool_sizes,
)

_CONTENT: dict[str, st.SearchStrategy[Any]] = {
    "hypervisor": hypervisors,
    "cpu": st.none() | cpus,
    "guest_types": few(guest_types),
    "capacity": st.none() | amounts(),
    "measured": st.none() | amounts(),
    "measured_pages": few(pages_in_use, lambda each: (each.cell, each.size_kib)),
    "disk_available_least_mib": st.none() | st.integers(-SUM_MAX, SUM_MAX),
    "numa_cells": few(numa_cells, lambda cell: cell.id),
    "pci_pools": few(pci_pools, lambda pool: (pool.vendor_id, pool.product_id)),
    "mdev_types": few(mdev_types, lambda type_: (type_.parent_address, type_.type)),
    "storage_pools": few(storage_pools, lambda pool: pool.uuid),
    "guests": few(guests, lambda guest: guest.uuid),
    "guests_omitted": counts,
    "omitted_resources": st.none() | sums,
    "omitted": few(
        st.builds(Omission, part=st.text(LETTERS + "[].", min_size=1, max_size=64), entries=st.integers(1, 2**31 - 1)),
        lambda omission: omission.part,
    ),
}
reports = st.builds(Report, generation=generations, **_CONTENT)

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
    states=st.builds(InstanceStates, **dict.fromkeys(InstanceStates.__struct_fields__, counts)),
    workload=st.builds(Workload, **dict.fromkeys(Workload.__struct_fields__, counts)),
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
