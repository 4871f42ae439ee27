"""Proof of absence: an audit that *began* after a claim was written has been published.

A greater report generation would not do: an unchanged host never writes one, and an audit in flight began too early.
So a claim that needs proof is stamped, after it was written, with the number of the agent's last published audit k:
audit k+1 may already have begun before the claim was there; audit k+2 has not, for audits do not overlap.
"""

from dataclasses import dataclass

from hypertally.api.compute_node import AuditMark, Claim, ComputeNode, LeasedAudit, NodeCondition, Role
from hypertally.api.conditions import is_true

AUDITS_BEGUN_LATER = 2
NEEDS_PROOF = (Role.INCOMING, Role.LEAVING)


@dataclass(frozen=True)
class AgentLook:
    """What an agent's Lease says of one ComputeNode, read after the ComputeNode was."""

    holder: str
    leased: LeasedAudit

    @property
    def mark(self) -> AuditMark:
        return AuditMark(holder=self.holder, audit=self.leased.audit)

    def answers(self, node: ComputeNode) -> bool:
        """The numbered audit is the one whose report was read, and that report is whole."""
        report = node.status.report
        if report is None or self.leased.uid != node.metadata.uid:
            return False
        conditions = node.status.conditions
        return (
            self.leased.report_generation == report.generation
            and not report.guests_omitted
            and is_true(conditions, NodeCondition.LIBVIRT_CONNECTED)
            and is_true(conditions, NodeCondition.INVENTORY_COMPLETE)
        )


def is_proven(claim: Claim, node: ComputeNode, look: AgentLook | None) -> bool:
    """The node's report is newer than that claim. Only audits of the Lease holder that stamped it count on."""
    if claim.since is None or look is None or claim.since.holder != look.holder:
        return False
    return look.leased.audit >= claim.since.audit + AUDITS_BEGUN_LATER and look.answers(node)


def needs_stamp(claim: Claim, node: ComputeNode, look: AgentLook | None) -> bool:
    """Never stamped, or by an agent process that no longer is: its count cannot go on. A stamp from the future is a
    forged one, and would keep the claim for as long as the agent takes to count there."""
    if claim.role not in NEEDS_PROOF or look is None or look.leased.uid != node.metadata.uid:
        return False
    return claim.since is None or claim.since.holder != look.holder or claim.since.audit > look.leased.audit
