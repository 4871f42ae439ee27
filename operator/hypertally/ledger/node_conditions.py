"""The controller's conditions of a ComputeNode: `Ready`, the one summary that a scheduler looks at; `Overcommitted`,
`Drifted`, `Misplaced` and `Doubtful`, for who runs the host. Each costs as much as the node has guests."""

from collections.abc import Sequence

from hypertally.api.compute_node import ComputeNode, NodeCondition
from hypertally.api.conditions import Status, find

from .conditions import Finding
from .conflicts import Conflicts, conflicts
from .doubts import doubts
from .drift import Stray, drifts, enumerated
from .gate import bar
from .vectors import KEYS, WIRE_KEYS

SILENT = "AgentSilent"
_OVER_MAX = 400
"""Characters; the amounts come first."""

NO_CONFLICT = Finding(NodeCondition.IDENTITY_CONFLICT, Status.FALSE, "Unique", "No other record stands for this host.")


def findings(
    node: ComputeNode, *, agent_silent: bool, strays: Sequence[Stray] = (), identity: Finding = NO_CONFLICT
) -> tuple[Finding, ...]:
    """`strays`: guests that it lists and whose Instances are accounted elsewhere. `identity`: what
    `identity_conditions` finds."""
    found = conflicts(node)
    return (
        _ready(node, agent_silent, identity),
        _overcommitted(node, found),
        _drifted(node),
        _misplaced(node, strays),
        _doubtful(node, found),
        identity,
    )


def is_served(node: ComputeNode) -> bool:
    """Unless its agent says that it serves the host no longer: one of an older version says nothing."""
    served = find(node.status.conditions, NodeCondition.HYPERVISOR_SERVED)
    return served is None or served.status is not Status.FALSE


def _ready(node: ComputeNode, agent_silent: bool, identity: Finding) -> Finding:
    """The first that stands in the way: whether anybody looks, then what he sees, then what the operator wants."""
    if agent_silent:
        return _not_ready(Status.UNKNOWN, SILENT, f"The agent on {node.spec.node_name} no longer renews its Lease.")
    if not is_served(node):
        text = f"The agent on {node.spec.node_name} serves this host no longer."
        return _not_ready(Status.FALSE, "NotServed", text)
    return _not_usable(node, identity) or _not_wanted(node) or _READY


def _not_usable(node: ComputeNode, identity: Finding) -> Finding | None:
    report = node.status.report
    connected = find(node.status.conditions, NodeCondition.LIBVIRT_CONNECTED)
    if connected is None:
        return _not_ready(Status.FALSE, "NeverAudited", "No agent has reported on this host yet.")
    if connected.status is not Status.TRUE:
        return _not_ready(Status.FALSE, "LibvirtDown", connected.message)
    if identity.status is Status.TRUE:
        return _not_ready(Status.FALSE, "IdentityConflict", identity.message)
    if report is None or report.capacity is None:
        return _not_ready(Status.FALSE, "NeverAudited", "The host's capacity is not known yet.")
    complete = find(node.status.conditions, NodeCondition.INVENTORY_COMPLETE)
    if complete is None or complete.status is not Status.TRUE:
        return _not_ready(Status.FALSE, "InventoryIncomplete", complete.message if complete else "")
    return None


def _not_wanted(node: ComputeNode) -> Finding | None:
    found = bar(node)
    return _not_ready(Status.FALSE, found.reason, found.message) if found else None


def _not_ready(status: Status, reason: str, message: str) -> Finding:
    return Finding(NodeCondition.READY, status, reason, message)


_READY = Finding(NodeCondition.READY, Status.TRUE, "Ready", "The host is audited and its claims are accounted.")


def _overcommitted(node: ComputeNode, found: Conflicts) -> Finding:
    ledger = node.status.ledger
    if ledger is None:
        return _unaccounted(NodeCondition.OVERCOMMITTED)
    short = [f"{WIRE_KEYS[k]} by {-getattr(ledger.free, k)}" for k in KEYS if getattr(ledger.free, k) < 0]
    short += [f"memoryMiB of NUMA cell {c.id} by {-c.memory_mib}" for c in ledger.free_cells if c.memory_mib < 0]
    if not short and not found.over:
        return Finding(
            NodeCondition.OVERCOMMITTED, Status.FALSE, "Fits", "Everything charged fits what is allocatable."
        )
    said = [f"Charged above allocatable: {', '.join(short)}."] if short else []
    said += [f"Held more than once: {enumerated(found.over, _OVER_MAX)}."] if found.over else []
    return Finding(NodeCondition.OVERCOMMITTED, Status.TRUE, "Exceeded", " ".join(said))


def _unaccounted(type_: NodeCondition) -> Finding:
    return Finding(type_, Status.UNKNOWN, "NoLedger", "Nothing has been accounted yet.")


def _drifted(node: ComputeNode) -> Finding:
    if node.status.ledger is None:
        return _unaccounted(NodeCondition.DRIFTED)
    found = drifts(node)
    if not found:
        return Finding(NodeCondition.DRIFTED, Status.FALSE, "Matches", "Every guest is what is accounted for it.")
    text = f"Guests that are not what is accounted for them: {enumerated(found)}."
    return Finding(NodeCondition.DRIFTED, Status.TRUE, "GuestsDiffer", text)


def _misplaced(node: ComputeNode, strays: Sequence[Stray]) -> Finding:
    if node.status.ledger is None:
        return _unaccounted(NodeCondition.MISPLACED)
    if not strays:
        text = "No guest here is left over: each is accounted here, on a move, or an orphan."
        return Finding(NodeCondition.MISPLACED, Status.FALSE, "AtHome", text)
    text = f"Charged here too, though accounted elsewhere: {enumerated(strays)}."
    return Finding(NodeCondition.MISPLACED, Status.TRUE, "AccountedElsewhere", text)


def _doubtful(node: ComputeNode, conflicting: Conflicts) -> Finding:
    if node.status.report is None:
        return Finding(NodeCondition.DOUBTFUL, Status.UNKNOWN, "NoReport", "Nothing has been reported yet.")
    found = (*doubts(node), *conflicting.doubtful)
    if not found:
        return Finding(NodeCondition.DOUBTFUL, Status.FALSE, "Consistent", "No number contradicts another.")
    text = f"Taken as it is told, though it cannot be so: {enumerated(found)}."
    return Finding(NodeCondition.DOUBTFUL, Status.TRUE, "Contradiction", text)
