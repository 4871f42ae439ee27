"""Why a ComputeNode has no room, in words that suffice to act on: what is missing, and what would fit."""

from collections.abc import Sequence

from hypertally.api.bounds import CLAIMS_MAX

from .admission import Shortage
from .vectors import WIRE_KEYS

_AMOUNTS = frozenset(WIRE_KEYS.values())


def no_room(node: str, missing: Sequence[Shortage]) -> str:
    """Every amount that is missing, then the nearest fit. `missing` is not empty."""
    return f"{node} has no room: {'; '.join(map(str, missing))}. {_nearest(missing)}"


def _nearest(missing: Sequence[Shortage]) -> str:
    """All other amounts fit as they are asked for."""
    amounts = [shortage for shortage in missing if shortage.amount in _AMOUNTS]
    if len(amounts) < len(missing):
        return f"A ledger has at most {CLAIMS_MAX} claims."
    gone = [shortage.amount for shortage in amounts if shortage.free <= 0]
    if gone:
        return f"No {' and no '.join(gone)} is left there."
    return f"It would fit with {', '.join(f'{s.amount} {s.free}' for s in amounts)}."
