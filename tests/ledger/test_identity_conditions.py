"""One record, one host: what is shown when they do not agree."""

from typing import Any

import pytest
from msgspec.structs import replace

from hypertally.api.compute_node import LeasedHost, NodeCondition
from hypertally.api.conditions import Condition, Status
from hypertally.ledger.conditions import Finding
from hypertally.ledger.identity_conditions import Neighbours, Peer, identity
from tests.ledger.make import node

UUID = node().spec.host_uuid
OTHER = "99999999-5d0e-4b53-9d2e-0f6c6f9f3b11"


def said(**around: Any) -> Finding:
    return identity(node(), Neighbours(**around))


def sight(uuid: str = UUID, hostname: str = "n0") -> LeasedHost:
    return LeasedHost(host_uuid=uuid, hypervisor_hostname=hostname)


def test_a_host_that_is_who_it_was_is_unique() -> None:
    found = said(seen=sight())
    assert (found.type, found.status, found.reason) == ("IdentityConflict", Status.FALSE, "Unique")


def test_another_host_under_the_old_name_is_a_conflict_with_a_remedy() -> None:
    found = said(seen=sight(OTHER, "n0"))
    assert (found.type, found.status, found.reason) == ("IdentityConflict", Status.TRUE, "HostReplaced")
    assert OTHER in found.message
    assert "kubectl delete computenode n0" in found.message


def test_two_records_of_one_host_are_a_conflict() -> None:
    found = said(same_uuid=[Peer("n1", "k1")])
    assert (found.status, found.reason) == (Status.TRUE, "SharedHostUUID")
    assert "ComputeNode n1 (node k1)" in found.message
    assert "set host_uuid in libvirtd.conf" in found.message


def test_of_a_silent_record_and_a_live_one_the_silent_one_may_be_the_former_name() -> None:
    assert "kubectl delete computenode n1" in said(same_uuid=[Peer("n1", "k1", silent=True), Peer("n2", "k2")]).message


def test_a_record_that_its_agent_let_go_is_in_no_conflict_with_its_successor() -> None:
    gone = Condition(type=NodeCondition.HYPERVISOR_SERVED, status=Status.FALSE, reason="NotServed")
    on = replace(node(), status=replace(node().status, conditions=(gone,)))
    assert identity(on, Neighbours(same_uuid=[Peer("n1", "k1")])).status is Status.FALSE


@pytest.mark.parametrize(
    ("around", "reason", "text"),
    [
        (
            {"same_hostname": [Peer("n1", "k1")]},
            "SharedHostname",
            "The host's name n0 is also that of ComputeNode n1 (node k1). It is only a name: nothing follows.",
        ),
        ({"seen": sight(hostname="new")}, "Renamed", "The host calls itself new now; this record keeps n0."),
    ],
)
def test_a_name_makes_no_conflict(around: dict[str, Any], reason: str, text: str) -> None:
    assert said(**around) == Finding("IdentityConflict", Status.FALSE, reason, text)


def test_many_peers_are_cut() -> None:
    found = said(same_uuid=[Peer(f"n{n}", f"k{n}") for n in range(1, 6)])
    shown = "ComputeNode n1 (node k1), ComputeNode n2 (node k2), ComputeNode n3 (node k3)"
    assert found.message.startswith(f"{shown} and 2 more has host UUID")
    assert said(same_uuid=[Peer(f"n{n}", f"k{n}") for n in range(1, 4)]).message.startswith(f"{shown} has host UUID")
