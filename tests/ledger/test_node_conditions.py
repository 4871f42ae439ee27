"""What the controller says of a ComputeNode: `Ready` and `Overcommitted`."""

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import ComputeNode
from hypertally.api.conditions import Condition, Status
from hypertally.ledger.conditions import Finding
from hypertally.ledger.node_conditions import findings
from tests.ledger.make import node


def said(on: ComputeNode, *, silent: bool = False) -> dict[str, Finding]:
    return {finding.type: finding for finding in findings(on, agent_silent=silent)}


def with_agent(*conditions: Condition) -> ComputeNode:
    on = node()
    return replace(on, status=replace(on.status, conditions=conditions))


def agent(type_: str, status: Status = Status.TRUE, message: str = "") -> Condition:
    return Condition(type=type_, status=status, reason="R", message=message)


def test_an_audited_host_is_ready() -> None:
    ready = said(node())["Ready"]
    assert (ready.status, ready.reason) == (Status.TRUE, "Ready")


def test_a_silent_agent_makes_it_unknown_whatever_else_is_said() -> None:
    ready = said(node(agent=Status.FALSE), silent=True)["Ready"]
    assert (ready.status, ready.reason) == (Status.UNKNOWN, "AgentSilent")
    assert "n0" in ready.message


def test_a_host_that_no_agent_reported_on_is_not_ready() -> None:
    ready = said(with_agent())["Ready"]
    assert (ready.status, ready.reason) == (Status.FALSE, "NeverAudited")


@pytest.mark.parametrize("status", [Status.FALSE, Status.UNKNOWN])
def test_a_host_whose_libvirt_is_down_is_not_ready_and_the_agents_words_are_repeated(status: Status) -> None:
    on = with_agent(agent("LibvirtConnected", status, "no socket"), agent("InventoryComplete"))
    ready = said(on)["Ready"]
    assert (ready.status, ready.reason, ready.message) == (Status.FALSE, "LibvirtDown", "no socket")


def test_a_host_of_unknown_capacity_is_not_ready() -> None:
    for on in (node(capacity=None), replace(node(), status=replace(node().status, report=None))):
        ready = said(on)["Ready"]
        assert (ready.status, ready.reason) == (Status.FALSE, "NeverAudited")
        assert "capacity" in ready.message


def test_a_host_that_was_not_seen_whole_is_not_ready() -> None:
    partly = with_agent(agent("LibvirtConnected"), agent("InventoryComplete", Status.FALSE, "pool x"))
    assert said(partly)["Ready"] == Finding("Ready", Status.FALSE, "InventoryIncomplete", "pool x")
    assert said(with_agent(agent("LibvirtConnected")))["Ready"].reason == "InventoryIncomplete"


def free(amounts: Amounts) -> ComputeNode:
    on = node()
    ledger = on.status.ledger
    assert ledger is not None
    return replace(on, status=replace(on.status, ledger=replace(ledger, free=amounts)))


def test_a_node_without_a_ledger_is_not_known_to_be_overcommitted() -> None:
    assert said(node(claims=None))["Overcommitted"].status is Status.UNKNOWN


def test_a_node_that_is_exactly_full_is_not_overcommitted() -> None:
    found = said(free(Amounts()))["Overcommitted"]
    assert (found.status, found.reason) == (Status.FALSE, "Fits")


def test_an_overcommitted_node_names_each_amount_and_by_how_much() -> None:
    found = said(free(Amounts(vcpus=-1, memory_mib=-512, disk_mib=3)))["Overcommitted"]
    assert (found.status, found.reason) == (Status.TRUE, "Exceeded")
    assert found.message == "Charged above allocatable: vcpus by 1, memoryMiB by 512."
