"""What becomes of the claims that one guest holds on a node, given what should be held.

A claim changes its role in one write where it can, so that the charge never dips; what is wanted no longer becomes
`Leaving`, one per guest and the largest, which goes only with proof of absence.
"""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from hypertally.api.compute_node import Claim, Role
from hypertally.api.instance import Instance
from hypertally.api.placement import Placement

from .holdings import union
from .vectors import covers, greatest
from .wants import Want

Held = dict[Role, Claim]
STAYS = (Role.RUNNING, Role.INCOMING, Role.RESERVED_FOR_REVERT)


def make(owner: Instance, role: Role, want: Want) -> Claim:
    """A new claim carries its own copy of all that it was made for."""
    meta = owner.metadata
    return Claim(
        uuid=owner.spec.uuid,
        role=role,
        namespace=meta.namespace,
        name=meta.name,
        instance_uid=meta.uid,
        resources=want.resources,
        instance_generation=want.binding or 0,
        migration_uid=want.migration_uid,
        request_digest=want.digest,
    )


def carry_over(
    have: Mapping[Role, Claim],
    want: Mapping[Role, Want],
    owner: Instance | None,
    *,
    listed: bool,
    is_proven: Callable[[Claim], bool],
) -> Held:
    """The claims of one guest that stand in the next ledger before anything new is admitted."""
    own = {r: c for r, c in have.items() if r in STAYS and owner and c.instance_uid == owner.metadata.uid}
    keep = {r: c for r, c in own.items() if r in want and _stands(c, want[r])}
    rest = {r: c for r, c in have.items() if r in STAYS and r not in keep}
    if owner:
        _change_roles(keep, {r: c for r, c in rest.items() if r in own}, rest, want, owner)
    for role in (Role.RUNNING, Role.INCOMING):
        if role in keep and keep[role].overcommitted and not listed:
            del keep[role]
    _leave(keep, [c for c in rest.values() if not c.overcommitted], have.get(Role.LEAVING), is_proven)
    return keep


def _stands(claim: Claim, want: Want) -> bool:
    """Of the wanted size and placement and, as long as the Instance has no home, made for its present binding."""
    return _is_of(claim, want) and want.binding in (None, claim.instance_generation)


def _change_roles(keep: Held, own: Held, rest: Held, want: Mapping[Role, Want], owner: Instance) -> None:
    def change(source: Role, target: Role) -> None:
        keep[target] = _in_role(own.pop(source), make(owner, target, want[target]))
        del rest[source]

    reserved = want.get(Role.RESERVED_FOR_REVERT)
    if reserved and Role.RESERVED_FOR_REVERT not in keep and _is_of(own.get(Role.RUNNING), reserved):
        change(Role.RUNNING, Role.RESERVED_FOR_REVERT)
    running = want.get(Role.RUNNING)
    if running and Role.RUNNING not in keep:
        arrived = own.get(Role.INCOMING)
        if arrived and covers(arrived.resources, running.resources) and arrived.request_digest == running.digest:
            return change(Role.INCOMING, Role.RUNNING)
        for role in (Role.RESERVED_FOR_REVERT, Role.RUNNING):
            if _is_of(own.get(role), running):
                return change(role, Role.RUNNING)
    return None


def _is_of(claim: Claim | None, want: Want) -> bool:
    """Only an arrived guest may be charged less than was held for it: elsewhere the rest would go without proof."""
    return claim is not None and claim.resources == want.resources and claim.request_digest == want.digest


def _in_role(old: Claim, new: Claim) -> Claim:
    """In the same places; and room that was never there is not there under another name either."""
    return with_placement(replace(new, overcommitted=old.overcommitted), old.placement)


def with_placement(claim: Claim, placement: Placement) -> Claim:
    return replace(claim, cells=placement.cells, devices=placement.devices, mdevs=placement.mdevs)


def _leave(keep: Held, rest: list[Claim], leaving: Claim | None, is_proven: Callable[[Claim], bool]) -> None:
    if rest:
        every = (*rest, *([leaving] if leaving else []))
        largest = greatest(c.resources for c in every)
        first = min(rest, key=lambda c: c.role)  # not the first of a list whose order says nothing
        gone = replace(first, role=Role.LEAVING, resources=largest, since=None, instance_generation=0)
        keep[Role.LEAVING] = with_placement(
            replace(gone, overcommitted=False, request_digest=""), union(c.placement for c in every)
        )
    elif leaving and not is_proven(leaving):
        keep[Role.LEAVING] = leaving
