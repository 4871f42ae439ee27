"""What a scheduler weighs hosts by, beside amounts (Nova's stats): counted anew with every ledger, never incremented.

Only what has few values is counted here. By namespace it would be as many keys as a cluster has: those are metrics.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from hypertally.api.compute_node import Claim, Guest, GuestState, InstanceStates, Role, Workload

from .transitions import STAYS

_FIELDS = {
    GuestState.RUNNING: "running",
    GuestState.BLOCKED: "blocked",
    GuestState.PAUSED: "paused",
    GuestState.SHUTDOWN: "shutting_down",
    GuestState.SHUTOFF: "shutoff",
    GuestState.CRASHED: "crashed",
    GuestState.PM_SUSPENDED: "suspended",
    GuestState.UNKNOWN: "unknown",
    None: "not_listed",
}


def workload(claims: Sequence[Claim], guests: Iterable[Guest]) -> Workload:
    """Moves and starts in progress."""
    listed = {guest.uuid for guest in guests}
    roles = Counter(claim.role for claim in claims)
    return Workload(
        starting=sum(claim.role is Role.RUNNING and claim.uuid not in listed for claim in claims),
        incoming=roles[Role.INCOMING],
        reserved=roles[Role.RESERVED_FOR_REVERT],
        leaving=roles[Role.LEAVING],
    )


def states(claims: Iterable[Claim], guests: Iterable[Guest]) -> InstanceStates:
    """Of every guest with a claim that stays, once: they add up to the ledger's `instances`."""
    state_of = {guest.uuid: guest.state for guest in guests}
    holders = {claim.uuid for claim in claims if claim.role in STAYS}
    return InstanceStates(**Counter(_FIELDS[state_of.get(uuid)] for uuid in holders))
