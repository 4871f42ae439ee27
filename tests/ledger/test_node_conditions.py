"""What the controller says of a ComputeNode: may it be used, is it too full, and what of it is not as it is told."""

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import ComputeNode, GuestState, Schedulable
from hypertally.api.conditions import Condition, Status
from hypertally.api.inventory import PciDevice, PciPool, PciType
from hypertally.api.placement import HeldDevice
from hypertally.ledger.conditions import Finding
from hypertally.ledger.drift import Stray
from hypertally.ledger.node_conditions import findings
from tests.ledger.make import claim, guest, node, node_spec
from tests.ledger.test_placed_claims import host


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


def test_what_nobody_can_see_comes_before_what_the_operator_wants() -> None:
    closed = replace(with_agent(), spec=replace(node_spec(), schedulable=Schedulable.DISABLED))
    assert said(closed)["Ready"].reason == "NeverAudited"
    assert said(closed, silent=True)["Ready"].reason == "AgentSilent"


def test_a_host_that_is_served_no_longer_says_so_before_all_that_was_seen_of_it() -> None:
    gone = with_agent(agent("HypervisorServed", Status.FALSE), agent("LibvirtConnected", Status.FALSE, "no socket"))
    assert said(gone)["Ready"].reason == "NotServed"


def free(amounts: Amounts) -> ComputeNode:
    on = node()
    ledger = on.status.ledger
    assert ledger is not None
    return replace(on, status=replace(on.status, ledger=replace(ledger, free=amounts)))


def test_a_node_without_a_ledger_is_not_known_to_be_overcommitted() -> None:
    found = said(node(claims=None))
    for type_ in ("Overcommitted", "Drifted", "Misplaced"):
        assert found[type_] == Finding(type_, Status.UNKNOWN, "NoLedger", "Nothing has been accounted yet.")


def test_a_node_that_is_exactly_full_is_not_overcommitted() -> None:
    found = said(free(Amounts()))["Overcommitted"]
    assert (found.status, found.reason) == (Status.FALSE, "Fits")


def test_an_overcommitted_node_names_each_amount_and_by_how_much() -> None:
    found = said(free(Amounts(vcpus=-1, memory_mib=-512, disk_mib=3)))["Overcommitted"]
    assert (found.status, found.reason) == (Status.TRUE, "Exceeded")
    assert found.message == "Charged above allocatable: vcpus by 1, memoryMiB by 512."


def test_of_many_devices_that_are_held_twice_the_first_are_named_and_all_counted() -> None:
    addresses = [f"0000:{number:02x}:00.0" for number in range(40)]
    pool = PciPool(vendor_id="8086", product_id="10fb", type=PciType.PCI, devices=tuple(map(_device, addresses)))
    held = tuple(HeldDevice(address=address) for address in addresses)
    on = host([replace(claim(uuid), devices=held) for uuid in "ab"], pci_pools=(pool,))
    found = said(on)["Overcommitted"]
    assert found.message.count("is held twice") == 7, "as many as 400 characters have room for"
    assert found.message.endswith("; and 33 more.")


def _device(address: str) -> PciDevice:
    return PciDevice(address=address)


def test_a_node_whose_guests_are_what_is_accounted_has_not_drifted() -> None:
    found = said(node(claims=[claim("a")], guests=[guest("a")]))["Drifted"]
    assert (found.status, found.reason) == (Status.FALSE, "Matches")


def test_a_guest_that_differs_from_its_claim_is_named_with_both_values() -> None:
    found = said(node(claims=[claim("a"), claim("b")], guests=[guest("a", Amounts(vcpus=3)), guest("b")]))["Drifted"]
    assert (found.status, found.reason) == (Status.TRUE, "GuestsDiffer")
    assert found.message == (
        "Guests that are not what is accounted for them: "
        "default/a has vcpus 3 (accounted 1), memoryMiB 0 (accounted 1), diskMiB 0 (accounted 1)."
    )


def test_many_guests_that_differ_are_counted_and_the_first_named() -> None:
    many = [f"g{number:03}" for number in range(300)]
    found = said(node(claims=map(claim, many), guests=[guest(uuid, 2) for uuid in many]))["Drifted"]
    shown = found.message.count("accounted 1), memoryMiB")
    assert shown > 3
    assert found.message.endswith(f"; and {300 - shown} more.")


def test_a_guest_that_is_accounted_elsewhere_is_named_with_where() -> None:
    left = Stray("default/a", "uuid-a", GuestState.SHUTOFF, "n9")
    found = {f.type: f for f in findings(node(), agent_silent=False, strays=[left])}["Misplaced"]
    assert (found.status, found.reason) == (Status.TRUE, "AccountedElsewhere")
    assert found.message == (
        "Charged here too, though accounted elsewhere: guest uuid-a (Shutoff) of default/a, which is accounted on n9."
    )
    assert (said(node())["Misplaced"].status, said(node())["Misplaced"].reason) == (Status.FALSE, "AtHome")


def test_a_report_that_contradicts_itself_is_doubted_by_name() -> None:
    whole = said(node())["Doubtful"]
    assert (whole.status, whole.reason) == (Status.FALSE, "Consistent")
    on = node()
    assert on.status.report is not None
    odd = replace(on.status.report, measured=Amounts(memory_mib=5))
    found = said(replace(on, status=replace(on.status, report=odd)))["Doubtful"]
    assert (found.status, found.reason) == (Status.TRUE, "Contradiction")
    assert found.message == (
        "Taken as it is told, though it cannot be so: memoryMiB in use 5 is more than the capacity 4."
    )
    none = said(replace(on, status=replace(on.status, report=None)))["Doubtful"]
    assert (none.status, none.reason) == (Status.UNKNOWN, "NoReport")
