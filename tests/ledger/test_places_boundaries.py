"""What all claims of a ledger may hold together, to the last one, and how a refusal of what lies beyond reads."""

import pytest
from msgspec.structs import replace

from hypertally.api import bounds
from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim, Maintenance, MaintenanceMode
from hypertally.api.placement import CpuPolicy, HeldCell, HeldDevice, HeldMdev, PlacementRequest, digest
from hypertally.ledger.charges import allocated
from hypertally.ledger.doubts import doubts
from hypertally.ledger.gate import Bar, bar
from hypertally.ledger.places import Unseen, too_much, too_much_of_one
from hypertally.ledger.reconcile import Inputs, next_ledger
from tests.ledger.make import LEAVING, claim, node, node_spec, size


def holding(uuid: str = "a", *, cells: int = 0, cpus: str = "", devices: int = 0, mdevs: int = 0) -> Claim:
    """A claim of so many parts; `cpus` in each of its cells."""
    return replace(
        claim(uuid),
        cells=tuple(HeldCell(id=number, cpus=cpus) for number in range(cells)),
        devices=tuple(HeldDevice(address=str(number)) for number in range(devices)),
        mdevs=tuple(HeldMdev(parent_address=str(number), type="t", count=1) for number in range(mdevs)),
    )


FULL_SET = "1" * bounds.CPU_SET_MAX
EACH = [
    (holding(cells=1, cpus=FULL_SET), holding(cells=1, cpus=FULL_SET + "1"),
     "characters of a CPU set in a claim: asked 1025, free 1024"),
    (holding(cells=bounds.CLAIM_CELLS_TOGETHER), holding(cells=bounds.CLAIM_CELLS_TOGETHER + 1),
     "parts of cells in a ledger: asked 321, free 320"),
    (holding(cells=8, cpus="1" * 1023), holding(cells=8, cpus=FULL_SET),  # each with the separator of a union
     "characters of CPU sets in a ledger: asked 8200, free 8192"),
    (holding(devices=bounds.CLAIM_DEVICES_TOGETHER), holding(devices=bounds.CLAIM_DEVICES_TOGETHER + 1),
     "PCI devices in a ledger: asked 385, free 384"),
    (holding(mdevs=bounds.CLAIM_MDEVS_TOGETHER), holding(mdevs=bounds.CLAIM_MDEVS_TOGETHER + 1),
     "mediated devices in a ledger: asked 49, free 48"),
]  # fmt: skip


@pytest.mark.parametrize(("most", "beyond", "text"), EACH)
def test_as_much_as_the_schema_takes_is_held_and_one_more_is_not(most: Claim, beyond: Claim, text: str) -> None:
    assert too_much([most, claim("b")]) is None
    assert str(too_much([claim("b"), beyond])) == text


def test_one_guest_holds_as_many_parts_of_cells_as_one_claim_can_name_and_not_one_more() -> None:
    assert too_much_of_one([holding(cells=bounds.CLAIM_CELLS_MAX)]) is None
    found = too_much_of_one([holding(cells=bounds.CLAIM_CELLS_MAX + 1)])
    assert str(found) == "parts of cells of one guest: asked 65, free 64"


def test_claims_are_counted_together() -> None:
    half = bounds.CLAIM_CELLS_TOGETHER // 2
    assert too_much([holding("a", cells=half), holding("b", cells=half)]) is None
    assert too_much([holding("a", cells=half), holding("b", cells=half), holding("c", cells=1)])


def test_claims_without_cells_are_not_too_much() -> None:
    assert too_much([]) is None
    assert too_much([claim("a")]) is None


def test_what_the_report_left_out_is_named_part_by_part() -> None:
    assert str(Unseen(("guests", "guests[].cells"))) == (
        "the report left out guests, guests[].cells, which may hold any cell or device of the host"
    )


def test_a_node_in_maintenance_is_missing_as_a_place() -> None:
    word = Maintenance(mode=MaintenanceMode.DRAIN, reason="a new disk")
    text = "n0 takes nothing new: its operator has it in maintenance (Drain: a new disk)."
    assert bar(node(spec=replace(node_spec(), maintenance=word))) == Bar("node", 1, 0, "Maintenance", text)


def test_a_node_is_charged_what_the_hypervisor_takes_for_each_guest() -> None:
    overhead = Amounts(memory_mib=5)
    found = allocated([claim("a"), claim("a", LEAVING)], {"a": size(1), "orphan": size(2)}, overhead=overhead)
    assert found == Amounts(vcpus=3, memory_mib=3 + 2 * 5, disk_mib=3)


def test_what_leaves_was_made_for_no_request() -> None:
    held = replace(claim("a"), request_digest=digest(PlacementRequest(cpu_policy=CpuPolicy.DEDICATED)))
    outcome = next_ledger(Inputs(node=node(claims=[held]), owners={}))
    assert outcome is not None
    assert outcome.ledger.claims == (claim("a", LEAVING),)


def test_a_ledger_that_cannot_be_written_any_more_says_what_to_do() -> None:
    on = node()
    assert on.status.ledger is not None
    last = replace(on.status.ledger, generation=bounds.SUM_MAX)
    assert doubts(replace(on, status=replace(on.status, ledger=last))) == (
        "status.ledger.generation is at its end: delete the ComputeNode, and its agent makes it anew",
    )
