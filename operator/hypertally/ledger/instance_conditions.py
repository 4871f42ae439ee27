"""The conditions of an Instance, in words that suffice to act on."""

from collections.abc import Sequence

from hypertally.api.compute_node import Claim, ComputeNode, Role
from hypertally.api.conditions import Status
from hypertally.api.instance import Instance, InstanceCondition, InstanceStatus

from .admission import Shortage
from .conditions import Finding
from .evidence import Sight, find_guest, sight_of
from .gate import Bar
from .vectors import KEYS, WIRE_KEYS

CLAIMED, PLACED, READY = InstanceCondition.CLAIMED, InstanceCondition.PLACED, InstanceCondition.READY


def findings(
    instance: Instance,
    status: InstanceStatus,
    node: ComputeNode | None,
    *,
    missing: Sequence[Shortage] = (),
    twin: Instance | None = None,
    seen_on: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """`status` is the next one; `node` its home, else the bound node; `twin` the older Instance with the same uuid;
    `seen_on` the nodes whose reports list the guest."""
    claimed = _claimed(instance, status, node, missing, twin)
    placed = _placed(instance, status, node, seen_on)
    return claimed, placed, _ready(claimed, placed)


def _claimed(
    instance: Instance,
    status: InstanceStatus,
    node: ComputeNode | None,
    missing: Sequence[Shortage],
    twin: Instance | None,
) -> Finding:
    bound = status.compute_node_name or instance.spec.compute_node_name
    if twin is not None:
        name = f"{twin.metadata.namespace}/{twin.metadata.name}"
        return Finding(
            CLAIMED, Status.FALSE, "UUIDInUse", f"uuid {instance.spec.uuid} already belongs to Instance {name}."
        )
    if not bound:
        return Finding(CLAIMED, Status.FALSE, "Unbound", "No scheduler has set spec.computeNodeName yet.")
    if node is None:
        return Finding(CLAIMED, Status.FALSE, "NodeNotFound", f"There is no ComputeNode {bound}.")
    claim = _running_claim(instance, node)
    if claim is not None:
        return _held(instance, claim, bound)
    if missing:
        return _refused(missing, bound)
    return Finding(CLAIMED, Status.FALSE, "Pending", f"{bound} has not accounted it yet.")


def _refused(missing: Sequence[Shortage], bound: str) -> Finding:
    if isinstance(missing[0], Bar):
        return Finding(CLAIMED, Status.FALSE, missing[0].reason, missing[0].message)
    text = "; ".join(str(s) for s in missing)
    return Finding(CLAIMED, Status.FALSE, "InsufficientResources", f"{bound} has no room: {text}.")


def _running_claim(instance: Instance, node: ComputeNode) -> Claim | None:
    claims = node.status.ledger.claims if node.status.ledger else ()
    mine = (c for c in claims if c.uuid == instance.spec.uuid and c.instance_uid == instance.metadata.uid)
    return next((c for c in mine if c.role in (Role.RUNNING, Role.INCOMING)), None)


def _held(instance: Instance, claim: Claim, bound: str) -> Finding:
    asked = instance.spec.resources.amounts()
    if claim.overcommitted:
        return Finding(CLAIMED, Status.TRUE, "Overcommitted", f"{bound} has no room for it, but its guest is there.")
    if claim.role is Role.RUNNING and claim.resources != asked:
        text = f"Accounted on {bound} with {_text(claim)}; spec.resources take effect by a Migration of type Resize."
        return Finding(CLAIMED, Status.TRUE, "SizeDiffersFromSpec", text)
    return Finding(CLAIMED, Status.TRUE, "Claimed", f"Accounted on {bound}.")


def _text(claim: Claim) -> str:
    r = claim.resources
    return ", ".join(f"{WIRE_KEYS[key]} {getattr(r, key)}" for key in KEYS if getattr(r, key))


def _placed(instance: Instance, status: InstanceStatus, node: ComputeNode | None, seen_on: Sequence[str]) -> Finding:
    home = status.compute_node_name
    guest = find_guest(node, instance.spec.uuid) if node else None
    if home and guest is not None:
        if sight_of(guest) is Sight.RUNNING:
            return Finding(PLACED, Status.TRUE, "Running", f"Its guest runs on {home}.")
        return Finding(PLACED, Status.TRUE, "Defined", f"Its guest is on {home} and does not run.")
    bound = instance.spec.compute_node_name
    if not home and bound in seen_on:
        return Finding(PLACED, Status.FALSE, "NotAccounted", f"Its guest is on {bound}, which does not account it yet.")
    elsewhere = [name for name in sorted(seen_on) if name != home]
    if elsewhere:
        return Finding(
            PLACED, Status.FALSE, "Misplaced", f"Its guest is on {', '.join(elsewhere)}, where it is not accounted."
        )
    return Finding(PLACED, Status.FALSE, "NotSeen", "No host reports a guest with this uuid.")


def _ready(claimed: Finding, placed: Finding) -> Finding:
    for finding in (claimed, placed):
        if finding.status is not Status.TRUE:
            return Finding(READY, Status.FALSE, finding.reason, finding.message)
    return Finding(READY, Status.TRUE, "Accounted", "Its guest is where it is accounted.")
