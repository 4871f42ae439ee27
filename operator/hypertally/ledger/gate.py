"""Whether a node takes anything new: its operator's word, which no program overrides.

What runs, what was granted and what the report lists stays charged whatever he says: only what would begin is refused.
"""

from dataclasses import dataclass

from hypertally.api.compute_node import Claim, ComputeNode, MaintenanceMode, Role, Schedulable

from .shortage import Shortage


@dataclass(frozen=True)
class Bar(Shortage):
    """Why nothing begins on a node, however much is free. As a shortage: of the place itself."""

    reason: str
    message: str

    def __str__(self) -> str:
        return self.message


def bar(node: ComputeNode) -> Bar | None:
    """None if the node takes what fits."""
    name, maintenance = node.metadata.name, node.spec.maintenance
    if maintenance is not None:
        why = f"{maintenance.mode}: {maintenance.reason}"
        text = f"{name} takes nothing new: its operator has it in maintenance ({why})."
        return Bar("node", 1, 0, "Maintenance", text)
    if node.spec.schedulable is Schedulable.DISABLED:
        return Bar("node", 1, 0, "Cordoned", f"{name} takes nothing new: its spec.schedulable is Disabled.")
    return None


def is_frozen(node: ComputeNode) -> bool:
    """No move away begins."""
    return node.spec.maintenance is not None and node.spec.maintenance.mode is MaintenanceMode.FROZEN


def barred(node: ComputeNode, claim: Claim) -> Bar | None:
    """Why a claim that does not stand yet may not begin; None for one that is of something granted or listed."""
    begins = claim.role is Role.INCOMING or (claim.role is Role.RUNNING and claim.instance_generation > 0)
    if not begins or _lists(node, claim.uuid):
        return None
    return bar(node)


def _lists(node: ComputeNode, uuid: str) -> bool:
    report = node.status.report
    return report is not None and any(guest.uuid == uuid for guest in report.guests)
