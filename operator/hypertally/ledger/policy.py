"""What of a host may be given away: allocatable = floor((capacity - reserved) x ratio)."""

from hypertally.api.amounts import DEFAULT_RATIOS, DEFAULT_RESERVED, AllocationRatios, Amounts, ReservedAmounts
from hypertally.api.compute_node import ComputeNodeSpec

from .vectors import combine


def reserved(spec: ComputeNodeSpec) -> Amounts:
    """The operator's word, key by key, else the default."""
    return combine(_chosen, spec.reserved or ReservedAmounts(), DEFAULT_RESERVED)  # type: ignore[arg-type]


def ratios(spec: ComputeNodeSpec) -> Amounts:
    """Milli-integers, key by key: the operator's word, else the default."""
    return combine(_chosen, spec.allocation_ratios or AllocationRatios(), DEFAULT_RATIOS)  # type: ignore[arg-type]


def allocatable(capacity: Amounts, spec: ComputeNodeSpec) -> Amounts:
    """Rounded down once, at the end; a reserve above the capacity makes it negative, and says so."""
    return combine(lambda c, r, m: (c - r) * m // 1000, capacity, reserved(spec), ratios(spec))


def _chosen(word: int | None, default: int) -> int:
    return default if word is None else word
