"""What a node is charged for each guest.

    charge = max(sum of its claims that stay, its Leaving, what the report lists) + what the hypervisor takes for it

An orphan is the case without claims, a guest at a node that is not its home the case without a claim that stays.
Nothing is counted twice and nothing too low.
"""

from collections.abc import Iterable, Mapping

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim, Guest, Role

from .vectors import ZERO, add, greatest, total


def sizes(guests: Iterable[Guest]) -> dict[str, Amounts]:
    """What the report lists, by guest uuid."""
    return {guest.uuid: guest.amounts() for guest in guests}


def charge(claims: Iterable[Claim], listed: Amounts, overhead: Amounts = ZERO) -> Amounts:
    """Of one guest, which holds something or is listed. A claim taken without room is charged as what the report lists:
    it has nothing of its own. `overhead` is counted once, however many claims there are."""
    claims = tuple(claims)
    stays = total(c.resources for c in claims if c.role is not Role.LEAVING and not c.overcommitted)
    leaves = greatest(c.resources for c in claims if c.role is Role.LEAVING)
    return add(greatest((stays, leaves, listed)), overhead)


def allocated(
    claims: Iterable[Claim], listed: Mapping[str, Amounts], omitted: Amounts = ZERO, overhead: Amounts = ZERO
) -> Amounts:
    """Of a node: every guest that holds or is listed, and those that did not fit into the list."""
    of_guest: dict[str, list[Claim]] = {uuid: [] for uuid in listed}
    for claim in claims:
        of_guest.setdefault(claim.uuid, []).append(claim)
    return total((*(charge(held, listed.get(uuid, ZERO), overhead) for uuid, held in of_guest.items()), omitted))
