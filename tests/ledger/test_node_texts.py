"""What people read of a ComputeNode, word by word: each sentence that its conditions can say.

Texts are an interface for people: they change on purpose and not by the way. When each is said, other tests say.
"""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from hypertally.api.compute_node import ComputeNode
from hypertally.api.conditions import Condition, Status
from hypertally.ledger.conditions import Finding
from hypertally.ledger.node_conditions import findings
from tests.ledger.make import node

TRUE, FALSE, UNKNOWN = Status.TRUE, Status.FALSE, Status.UNKNOWN
BARE = replace(node(), status=replace(node().status, ledger=None, report=None, conditions=()))


def of_node(on: ComputeNode, *, silent: bool = False) -> set[Finding]:
    return set(findings(on, agent_silent=silent))


def told(*conditions: Condition, on: ComputeNode | None = None) -> ComputeNode:
    on = on or node()
    return replace(on, status=replace(on.status, conditions=conditions))


def agent(type_: str, status: Status = TRUE, message: str = "") -> Condition:
    return Condition(type=type_, status=status, reason="R", message=message)


NODE = [
    (lambda: of_node(node()), "Ready", TRUE, "Ready",
     "The host is audited and its claims are accounted."),
    (lambda: of_node(node()), "Overcommitted", FALSE, "Fits",
     "Everything charged fits what is allocatable."),
    (lambda: of_node(node()), "Drifted", FALSE, "Matches",
     "Every guest is what is accounted for it."),
    (lambda: of_node(node()), "Misplaced", FALSE, "AtHome",
     "No guest here is left over: each is accounted here, on a move, or an orphan."),
    (lambda: of_node(node()), "Doubtful", FALSE, "Consistent",
     "No number contradicts another."),
    (lambda: of_node(BARE), "Ready", FALSE, "NeverAudited",
     "No agent has reported on this host yet."),
    (lambda: of_node(BARE), "Overcommitted", UNKNOWN, "NoLedger",
     "Nothing has been accounted yet."),
    (lambda: of_node(BARE), "Drifted", UNKNOWN, "NoLedger",
     "Nothing has been accounted yet."),
    (lambda: of_node(BARE), "Misplaced", UNKNOWN, "NoLedger",
     "Nothing has been accounted yet."),
    (lambda: of_node(BARE), "Doubtful", UNKNOWN, "NoReport",
     "Nothing has been reported yet."),
    (lambda: of_node(node(), silent=True), "Ready", UNKNOWN, "AgentSilent",
     "The agent on n0 no longer renews its Lease."),
    (lambda: of_node(told(agent("LibvirtConnected"), on=node(capacity=None))), "Ready", FALSE, "NeverAudited",
     "The host's capacity is not known yet."),
    (lambda: of_node(told(agent("LibvirtConnected", FALSE, "no socket"))), "Ready", FALSE, "LibvirtDown",
     "no socket"),
    (lambda: of_node(told(agent("LibvirtConnected"))), "Ready", FALSE, "InventoryIncomplete",
     ""),
]  # fmt: skip


@pytest.mark.parametrize(("said", "type_", "status", "reason", "text"), NODE)
def test_a_compute_node_says(
    said: Callable[[], set[Finding]], type_: str, status: Status, reason: str, text: str
) -> None:
    assert Finding(type_, status, reason, text) in said()
