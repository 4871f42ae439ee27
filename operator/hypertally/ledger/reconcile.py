"""The ledger of one node: what should be held, against what is held.

It depends on that node's own spec and report, and on the Instances that name it; on nothing else.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_inputs

from msgspec.structs import replace

from hypertally.api.compute_node import Claim, ComputeNode, Ledger, Orphans, Report, Role
from hypertally.api.instance import Instance

from .admission import Desk
from .charges import sizes
from .counters import states, workload
from .gate import barred
from .places import Refusal, by_guest
from .policy import Policy
from .proof import AgentLook, is_proven, needs_stamp
from .transitions import STAYS, carry_over, make
from .vectors import clamped, subtract, total
from .wants import Want, seniority, wants


@dataclass(frozen=True)
class Inputs:
    """All that the next ledger of a node depends on."""

    node: ComputeNode
    owners: Mapping[str, Instance]
    """By guest uuid: the Instances that name this node or that a claim here is of; never a younger twin."""
    declared: Container[str] = ()
    """Guest uuids for which an Instance exists anywhere: such a guest is no orphan."""
    frozen: Container[str] = ()
    """Guests whose Instance stands and cannot be read: what is held for them stays as it is, whatever `owners` has of
    an earlier version of it."""
    look: AgentLook | None = None
    """The agent's Lease, read live after `node`; None when it was not, and then nothing is proven."""


@dataclass(frozen=True)
class Outcome:
    """The next ledger, and by guest uuid what is missing for the claims that were refused."""

    ledger: Ledger
    refusals: Mapping[str, tuple[Refusal, ...]] = field(default_factory=dict)


def next_ledger(inputs: Inputs) -> Outcome | None:
    """None while the node has no audited capacity: nothing may be admitted on a half-known host."""
    report = inputs.node.status.report
    if report is None or report.capacity is None:
        return None
    desk = Desk(report, Policy.of(inputs.node.spec, report.capacity))
    inputs = replace_inputs(inputs, owners={u: o for u, o in inputs.owners.items() if u not in inputs.frozen})
    wanted = {uuid: wants(owner, inputs.node.metadata.name) for uuid, owner in inputs.owners.items()}
    if inputs.node.status.ledger is None:
        _rebuild(inputs, desk, wanted)
        return Outcome(_ledger(inputs, report, desk))
    _carry_over(inputs, desk, wanted)
    refusals = _admit(inputs, desk, wanted)
    _find_room(desk, wanted)
    return Outcome(_ledger(inputs, report, desk), refusals)


def is_lowered(old: Ledger | None, new: Ledger) -> set[str]:
    """Guests of which a claim that stood is changed or gone: to be decided on live reads."""
    standing = {_essence(c) for c in new.claims}
    return {c.uuid for c in (old.claims if old else ()) if _essence(c) not in standing}


def _essence(claim: Claim) -> Claim:
    return replace(claim, since=None, overcommitted=False)


def same_content(old: Ledger | None, new: Ledger) -> bool:
    return old is not None and replace(old, generation=new.generation) == new


def _rebuild(inputs: Inputs, desk: Desk, wanted: Mapping[str, Mapping[Role, Want]]) -> None:
    """First write on a node object (restored, created anew): everything already granted, fitting or not.

    As far as the schema has places: one claim too many and the API server would refuse the ledger as a whole, for ever.
    What was surely granted comes first; an accepted move's `Incoming` may never have stood.
    """
    granted = [i for i in sorted(inputs.owners.values(), key=seniority) if i.status.compute_node_name]
    for role in (Role.RUNNING, Role.RESERVED_FOR_REVERT, Role.INCOMING):
        for owner in granted:
            want = wanted[owner.spec.uuid].get(role)
            if want and desk.lines > 0:
                claim = make(owner, role, want)
                found = desk.fit_places(claim, want)
                desk.put(found if isinstance(found, Claim) else claim)


def _carry_over(inputs: Inputs, desk: Desk, wanted: Mapping[str, Mapping[Role, Want]]) -> None:
    node, look = inputs.node, inputs.look
    listed = {g.uuid for g in node.status.report.guests} if node.status.report else set()
    for uuid, have in by_guest(node.status.ledger.claims if node.status.ledger else ()).items():
        stand = (
            have
            if uuid in inputs.frozen
            else carry_over(
                have,
                wanted.get(uuid, {}),
                inputs.owners.get(uuid),
                listed=uuid in listed,
                is_proven=lambda claim: is_proven(claim, node, look),
            )
        )
        for claim in stand.values():
            desk.put(_stamped(claim, inputs))


def _stamped(claim: Claim, inputs: Inputs) -> Claim:
    """Only a claim that already stood when the Lease was read may count audits from there."""
    ledger, look = inputs.node.status.ledger, inputs.look
    if look is None or ledger is None or claim not in ledger.claims or not needs_stamp(claim, inputs.node, look):
        return claim
    return replace(claim, since=look.mark)


def _admit(inputs: Inputs, desk: Desk, wanted: Mapping[str, Mapping[Role, Want]]) -> dict[str, tuple[Refusal, ...]]:
    refusals = {}
    for owner in sorted(inputs.owners.values(), key=seniority):
        uuid = owner.spec.uuid
        for role in (Role.RUNNING, Role.INCOMING, Role.RESERVED_FOR_REVERT):
            if role in wanted[uuid] and role not in desk.held(uuid):
                want = wanted[uuid][role]
                missing = _admit_one(inputs, desk, make(owner, role, want), want)
                if missing:
                    refusals[uuid] = missing
    return refusals


def _admit_one(inputs: Inputs, desk: Desk, claim: Claim, want: Want) -> tuple[Refusal, ...]:
    if (bar := barred(inputs.node, claim)) is not None:
        return (bar,)
    found = desk.fit(claim, want)
    if isinstance(found, Claim):
        desk.put(found)
        return ()
    if not _may_overcommit(inputs, desk, claim):
        return found
    desk.put(replace(claim, overcommitted=True))
    return ()


def _may_overcommit(inputs: Inputs, desk: Desk, claim: Claim) -> bool:
    """What runs is always charged: a listed guest without another claim that stays is taken all the same."""
    report = inputs.node.status.report
    listed = report is not None and any(g.uuid == claim.uuid for g in report.guests)
    return listed and desk.lines > 0 and not any(role in STAYS for role in desk.held(claim.uuid))


def _find_room(desk: Desk, wanted: Mapping[str, Mapping[Role, Want]]) -> None:
    """A claim taken without room, or without its cells and devices, gets them as soon as there are some. One that only
    lacks its places has its amounts already: that others are too many on the host takes nothing from it."""
    for claim in desk.claims():
        want = wanted.get(claim.uuid, {}).get(claim.role)
        if want and (claim.overcommitted or claim.is_unplaced):
            fit = desk.fit if claim.overcommitted else desk.fit_places
            found = fit(replace(claim, overcommitted=False), want)
            if isinstance(found, Claim):
                desk.put(found)


def _ledger(inputs: Inputs, report: Report, desk: Desk) -> Ledger:
    node, claims = inputs.node, desk.claims()
    held = {c.uuid for c in claims}
    orphans = [size for uuid, size in sizes(report.guests).items() if uuid not in held and uuid not in inputs.declared]
    allocated, free = clamped(desk.allocated), desk.places.free()
    return Ledger(
        generation=node.status.ledger.generation + 1 if node.status.ledger else 1,
        observed_report_generation=report.generation,
        observed_generation=node.metadata.generation,
        claims=claims,
        allocatable=desk.allocatable,
        allocated=allocated,
        free=clamped(subtract(desk.allocatable, allocated)),
        instances=len({c.uuid for c in claims if c.role in STAYS}),
        orphans=Orphans(count=len(orphans), resources=total(orphans)),
        states=states(claims, report.guests),
        workload=workload(claims, report.guests),
        free_cells=free.cells,
        free_devices=free.devices,
        free_mdevs=free.mdevs,
    )
