"""The conditions of an Instance, in words that suffice to act on."""

from collections.abc import Sequence

from hypertally.api.compute_node import Claim, ComputeNode, Guest, Role
from hypertally.api.conditions import Status
from hypertally.api.instance import Instance, InstanceCondition, InstanceStatus
from hypertally.api.placement import digest

from .conditions import Finding
from .drift import drift_of
from .evidence import Sight, find_guest, sight_of
from .gate import Bar
from .places import Refusal
from .refusals import no_room
from .vectors import KEYS, WIRE_KEYS, ZERO

_REMARKABLE = frozenset({"Overcommitted", "SizeDiffersFromSpec", "PlacementDiffersFromSpec", "Unplaced", "Drifted"})
"""Held and placed, and somebody should look: the summary repeats what is said."""

CLAIMED, PLACED, READY = InstanceCondition.CLAIMED, InstanceCondition.PLACED, InstanceCondition.READY


def findings(
    instance: Instance,
    status: InstanceStatus,
    node: ComputeNode | None,
    *,
    missing: Sequence[Refusal] = (),
    twin: Instance | None = None,
    seen_on: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """`status` is the next one; `node` its home, else the bound node; `twin` the older Instance with the same uuid;
    `seen_on` the nodes whose reports list the guest."""
    claimed = _claimed(instance, status, node, missing, twin)
    placed = _placed(instance, status, node, seen_on) if twin is None else _of_twin(twin)
    return claimed, placed, _ready(claimed, placed)


def _claimed(
    instance: Instance,
    status: InstanceStatus,
    node: ComputeNode | None,
    missing: Sequence[Refusal],
    twin: Instance | None,
) -> Finding:
    home = status.compute_node_name
    bound = home or instance.spec.compute_node_name
    if twin is not None:
        return _no(CLAIMED, "UUIDInUse", _whose(instance, twin))
    if not bound:
        return _no(CLAIMED, "Unbound", "No scheduler has set spec.computeNodeName yet.")
    if node is None:
        return _no(CLAIMED, "NodeNotFound", _not_found(home, bound))
    claim = _running_claim(instance, node)
    if claim is not None:
        return _held(instance, claim, node)
    if missing:
        return _refused(missing, home, bound)
    return _no(CLAIMED, "Pending", _pending(node))


def _refused(missing: Sequence[Refusal], home: str, bound: str) -> Finding:
    if isinstance(missing[0], Bar):
        return _no(CLAIMED, missing[0].reason, f"{missing[0]} Set spec.computeNodeName to another, or wait.")
    advice = "It waits for room." if home else "Set spec.computeNodeName to another, or wait for room."
    return _no(CLAIMED, "InsufficientResources", f"{no_room(bound, missing)} {advice}")


def _no(type_: InstanceCondition, reason: str, message: str) -> Finding:
    return Finding(type_, Status.FALSE, reason, message)


def _whose(instance: Instance, twin: Instance) -> str:
    return f"uuid {instance.spec.uuid} already belongs to Instance {_name(twin)}: delete one of the two."


def _of_twin(twin: Instance) -> Finding:
    return _no(PLACED, "UUIDInUse", f"The guest with this uuid is that of Instance {_name(twin)}.")


def _name(instance: Instance) -> str:
    return f"{instance.metadata.namespace}/{instance.metadata.name}"


def _not_found(home: str, bound: str) -> str:
    if home:
        return f"There is no ComputeNode {home} any more, where it is accounted: its agent makes it anew when it runs."
    return f"There is no ComputeNode {bound}: set spec.computeNodeName to one that kubectl get computenodes lists."


def _pending(node: ComputeNode) -> str:
    name, report = node.metadata.name, node.status.report
    if report is None or report.capacity is None:
        return f"{name} has no known capacity yet: the condition Ready of that ComputeNode says why."
    return f"{name} has not accounted it yet."


def _running_claim(instance: Instance, node: ComputeNode) -> Claim | None:
    claims = node.status.ledger.claims if node.status.ledger else ()
    mine = (c for c in claims if c.uuid == instance.spec.uuid and c.instance_uid == instance.metadata.uid)
    return next((c for c in mine if c.role in (Role.RUNNING, Role.INCOMING)), None)


def _held(instance: Instance, claim: Claim, node: ComputeNode) -> Finding:
    asked, name = instance.spec.amounts(), node.metadata.name
    if claim.overcommitted:
        text = f"{name} has no room for it, but its guest is there and charged as it is listed{_over(node)}."
        return Finding(CLAIMED, Status.TRUE, "Overcommitted", text)
    if claim.role is Role.RUNNING and claim.resources != asked:
        text = f"Accounted on {name} with {_text(claim)}; spec.resources take effect by a Migration of type Resize."
        return Finding(CLAIMED, Status.TRUE, "SizeDiffersFromSpec", text)
    if claim.role is Role.RUNNING and claim.request_digest != digest(instance.spec.placement):
        text = f"Accounted on {name} as placed before; spec.placement takes effect by a Migration of type Resize."
        return Finding(CLAIMED, Status.TRUE, "PlacementDiffersFromSpec", text)
    if claim.is_unplaced:
        text = f"Accounted on {name}, but without the cells or devices that it asks for: none were free."
        return Finding(CLAIMED, Status.TRUE, "Unplaced", text)
    return Finding(CLAIMED, Status.TRUE, "Claimed", f"Accounted on {name}.")


def _over(node: ComputeNode) -> str:
    free = node.status.ledger.free if node.status.ledger else ZERO
    short = [f"{WIRE_KEYS[key]} by {-getattr(free, key)}" for key in KEYS if getattr(free, key) < 0]
    return f"; the host is above what is allocatable: {', '.join(short)}" if short else ""


def _text(claim: Claim) -> str:
    r = claim.resources
    return ", ".join(f"{WIRE_KEYS[key]} {getattr(r, key)}" for key in KEYS if getattr(r, key))


def _placed(instance: Instance, status: InstanceStatus, node: ComputeNode | None, seen_on: Sequence[str]) -> Finding:
    home, uuid = status.compute_node_name, instance.spec.uuid
    guest = find_guest(node, uuid) if node else None
    if home and node is not None and guest is not None:
        return _at_home(guest, node)
    bound = instance.spec.compute_node_name
    if not home and bound in seen_on:
        return _no(PLACED, "NotAccounted", f"Its guest is on {bound}, which does not account it yet.")
    elsewhere = [name for name in sorted(seen_on) if name != home]
    if elsewhere:
        where = f"It is accounted on {home}" if home else "It is accounted nowhere"
        return _no(PLACED, "Misplaced", f"Its guest is on {', '.join(elsewhere)}. {where}.")
    return _no(PLACED, "NotSeen", _not_seen(uuid, home, node))


def _at_home(guest: Guest, node: ComputeNode) -> Finding:
    name, runs = node.metadata.name, sight_of(guest) is Sight.RUNNING
    differ = drift_of(node, guest.uuid)
    if differ:
        text = (
            f"Its guest {'runs' if runs else 'is'} on {name} with {', '.join(map(str, differ))}. The larger is charged."
        )
        return Finding(PLACED, Status.TRUE, "Drifted", text)
    if runs:
        return Finding(PLACED, Status.TRUE, "Running", f"Its guest runs on {name}.")
    return Finding(PLACED, Status.TRUE, "Defined", f"Its guest is on {name} and does not run.")


def _not_seen(uuid: str, home: str, node: ComputeNode | None) -> str:
    report = node.status.report if node is not None else None
    if home and report is not None and report.guests_omitted:
        return f"No host lists guest {uuid}; {home} left {report.guests_omitted} guests out of its list."
    start = f": start it on {home}" if home else ""
    return f"No host reports guest {uuid}{start}."


def _ready(claimed: Finding, placed: Finding) -> Finding:
    for finding in (claimed, placed):
        if finding.status is not Status.TRUE:
            return Finding(READY, Status.FALSE, finding.reason, finding.message)
    remarks = [f.message for f in (claimed, placed) if f.reason in _REMARKABLE]
    return Finding(READY, Status.TRUE, "Accounted", remarks[0] if remarks else "Its guest is where it is accounted.")
