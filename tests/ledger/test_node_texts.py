"""What people read of a ComputeNode, word by word: each sentence that its conditions can say.

Texts are an interface for people: they change on purpose and not by the way. When each is said, other tests say.
"""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import ComputeNode, Schedulable
from hypertally.api.conditions import Condition, Status
from hypertally.api.placement import CellFree, HeldDevice
from hypertally.ledger.conditions import Finding
from hypertally.ledger.node_conditions import NO_CONFLICT, findings
from tests.ledger.make import claim, node, node_spec
from tests.ledger.test_placed_claims import host

TRUE, FALSE, UNKNOWN = Status.TRUE, Status.FALSE, Status.UNKNOWN
BARE = replace(node(), status=replace(node().status, ledger=None, report=None, conditions=()))


CLONED = Finding("IdentityConflict", TRUE, "SharedHostUUID", "ComputeNode n1 has this UUID too.")
CORDONED = node(spec=replace(node_spec(), schedulable=Schedulable.DISABLED))
TWICE = host([replace(claim(uuid), devices=(HeldDevice(address="0000:0a:10.2"),)) for uuid in "ab"])


def of_node(on: ComputeNode, *, silent: bool = False, identity: Finding = NO_CONFLICT) -> set[Finding]:
    return set(findings(on, agent_silent=silent, identity=identity))


def told(*conditions: Condition, on: ComputeNode | None = None) -> ComputeNode:
    on = on or node()
    return replace(on, status=replace(on.status, conditions=conditions))


def agent(type_: str, status: Status = TRUE, message: str = "") -> Condition:
    return Condition(type=type_, status=status, reason="R", message=message)


def left(amounts: Amounts, *cells: int, on: ComputeNode | None = None) -> ComputeNode:
    """`cells`: MiB of each."""
    on = on or node()
    assert on.status.ledger is not None
    free_cells = tuple(CellFree(id=number, memory_mib=memory) for number, memory in enumerate(cells))
    return replace(on, status=replace(on.status, ledger=replace(on.status.ledger, free=amounts, free_cells=free_cells)))


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
    (lambda: of_node(told(agent("HypervisorServed", FALSE))), "Ready", FALSE, "NotServed",
     "The agent on n0 serves this host no longer."),
    (lambda: of_node(node(), identity=CLONED), "Ready", FALSE, "IdentityConflict",
     "ComputeNode n1 has this UUID too."),
    (lambda: of_node(CORDONED), "Ready", FALSE, "Cordoned",
     "n0 takes nothing new: its spec.schedulable is Disabled."),
    (lambda: of_node(left(Amounts(), -512, 0)), "Overcommitted", TRUE, "Exceeded",
     "Charged above allocatable: memoryMiB of NUMA cell 0 by 512."),
    (lambda: of_node(TWICE), "Overcommitted", TRUE, "Exceeded",
     "Held more than once: PCI device 0000:0a:10.2: is held twice (held by a, b)."),
    (lambda: of_node(left(Amounts(vcpus=-1), -512, on=TWICE)), "Overcommitted", TRUE, "Exceeded",
     (
         "Charged above allocatable: vcpus by 1, memoryMiB of NUMA cell 0 by 512. "
         "Held more than once: PCI device 0000:0a:10.2: is held twice (held by a, b)."
     )),
]  # fmt: skip


@pytest.mark.parametrize(("said", "type_", "status", "reason", "text"), NODE)
def test_a_compute_node_says(
    said: Callable[[], set[Finding]], type_: str, status: Status, reason: str, text: str
) -> None:
    assert Finding(type_, status, reason, text) in said()
