"""Amounts of a host: integers; memory and disk in MiB. The same keys at every stage from capacity to free."""

from .base import Wire


class Amounts(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """What a host has, a guest holds or a node has free. Signed: `free` of an over-committed node is negative."""

    vcpus: int = 0
    pcpus: int = 0
    """CPUs that a guest has to itself; never given twice, so without a ratio."""
    memory_mib: int = 0
    disk_mib: int = 0


class AllocationRatios(Wire, frozen=True, kw_only=True):
    """Milli-integers: 1500 allocates 1.5 times what is there. Absent means the documented default."""

    vcpus: int | None = None
    memory_mib: int | None = None
    disk_mib: int | None = None


DEFAULT_RATIOS = Amounts(vcpus=4000, pcpus=1000, memory_mib=1000, disk_mib=1000)
"""Nova's initial_cpu_allocation_ratio, initial_ram_allocation_ratio and initial_disk_allocation_ratio since 2023.1.
That of pcpus is fixed, as in Nova: what a guest has to itself is never given twice."""

DEFAULT_RESERVED = Amounts(vcpus=0, pcpus=0, memory_mib=512, disk_mib=0)
"""Nova's reserved_host_cpus, reserved_host_memory_mb and reserved_host_disk_mb. That of pcpus is fixed: a CPU that the
host keeps is not in the dedicated set."""


class ReservedAmounts(Wire, frozen=True, kw_only=True):
    """What the host itself keeps. Absent means the documented default."""

    vcpus: int | None = None
    memory_mib: int | None = None
    disk_mib: int | None = None


class GuestOverhead(Wire, frozen=True, kw_only=True):
    """What the hypervisor itself takes for each guest beside the guest's size: QEMU's own memory, page tables, buffers.
    Absent means nothing, as in Nova."""

    memory_mib: int = 0
