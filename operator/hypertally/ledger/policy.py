"""What of a host may be given away: allocatable = floor((capacity - reserved) x ratio)."""

from dataclasses import dataclass

from hypertally.api.amounts import DEFAULT_RATIOS, DEFAULT_RESERVED, AllocationRatios, Amounts, ReservedAmounts
from hypertally.api.compute_node import ComputeNodeSpec

from .vectors import KEYS, combine


def reserved(spec: ComputeNodeSpec) -> Amounts:
    """The operator's word, key by key, else the default."""
    return _chosen(spec.reserved, DEFAULT_RESERVED)


def ratios(spec: ComputeNodeSpec) -> Amounts:
    """Milli-integers, key by key: the operator's word, else the default."""
    return _chosen(spec.allocation_ratios, DEFAULT_RATIOS)


def allocatable(capacity: Amounts, spec: ComputeNodeSpec) -> Amounts:
    """Rounded down once, at the end; a reserve above the capacity makes it negative, and says so."""
    return combine(lambda c, r, m: (c - r) * m // 1000, capacity, reserved(spec), ratios(spec))


@dataclass(frozen=True)
class Policy:
    """What the operator's word makes of a host."""

    allocatable: Amounts
    ratios: Amounts
    """In milli."""
    overhead: Amounts
    """What the hypervisor itself takes for each guest."""

    @classmethod
    def of(cls, spec: ComputeNodeSpec, capacity: Amounts) -> "Policy":
        overhead = spec.guest_overhead.memory_mib if spec.guest_overhead else 0
        return cls(allocatable(capacity, spec), ratios(spec), Amounts(memory_mib=overhead))


def _chosen(words: ReservedAmounts | AllocationRatios | None, defaults: Amounts) -> Amounts:
    """Of pcpus the operator has no word."""
    said = {key: getattr(words, key, None) for key in KEYS}
    return Amounts(**{key: getattr(defaults, key) if word is None else word for key, word in said.items()})
