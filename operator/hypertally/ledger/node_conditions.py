"""The controller's conditions of a ComputeNode: `Ready`, the one summary a scheduler looks at, and `Overcommitted`."""

from hypertally.api.compute_node import ComputeNode, NodeCondition
from hypertally.api.conditions import Status, find

from .conditions import Finding
from .vectors import KEYS, WIRE_KEYS

SILENT = "AgentSilent"


def findings(node: ComputeNode, *, agent_silent: bool) -> tuple[Finding, ...]:
    return (_ready(node, agent_silent), _overcommitted(node))


def _ready(node: ComputeNode, agent_silent: bool) -> Finding:
    report = node.status.report
    if agent_silent:
        return _not_ready(Status.UNKNOWN, SILENT, f"The agent on {node.spec.node_name} no longer renews its Lease.")
    connected = find(node.status.conditions, NodeCondition.LIBVIRT_CONNECTED)
    if connected is None:
        return _not_ready(Status.FALSE, "NeverAudited", "No agent has reported on this host yet.")
    if connected.status is not Status.TRUE:
        return _not_ready(Status.FALSE, "LibvirtDown", connected.message)
    if report is None or report.capacity is None:
        return _not_ready(Status.FALSE, "NeverAudited", "The host's capacity is not known yet.")
    complete = find(node.status.conditions, NodeCondition.INVENTORY_COMPLETE)
    if complete is None or complete.status is not Status.TRUE:
        return _not_ready(Status.FALSE, "InventoryIncomplete", complete.message if complete else "")
    return Finding(NodeCondition.READY, Status.TRUE, "Ready", "The host is audited and its claims are accounted.")


def _not_ready(status: Status, reason: str, message: str) -> Finding:
    return Finding(NodeCondition.READY, status, reason, message)


def _overcommitted(node: ComputeNode) -> Finding:
    ledger = node.status.ledger
    if ledger is None:
        return Finding(NodeCondition.OVERCOMMITTED, Status.UNKNOWN, "NoLedger", "Nothing has been accounted yet.")
    short = [f"{WIRE_KEYS[k]} by {-getattr(ledger.free, k)}" for k in KEYS if getattr(ledger.free, k) < 0]
    if not short:
        return Finding(
            NodeCondition.OVERCOMMITTED, Status.FALSE, "Fits", "Everything charged fits what is allocatable."
        )
    return Finding(
        NodeCondition.OVERCOMMITTED, Status.TRUE, "Exceeded", "Charged above allocatable: " + ", ".join(short) + "."
    )
