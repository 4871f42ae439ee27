"""Claims with cells and devices at the borders: a full ledger, and guests of which the host lists one thing only."""

from typing import Any

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import CLAIM_DEVICES_TOGETHER
from hypertally.api.compute_node import Claim, ComputeNode, Guest, Ledger, Schedulable
from hypertally.api.instance import Instance
from hypertally.api.inventory import MdevType, NumaCell, Pages, PciDevice, PciPool, PciType
from hypertally.api.placement import HeldDevice, PciRequest, PlacementRequest
from hypertally.ledger.gate import Bar, bar
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger
from hypertally.ledger.wants import Want, wants
from tests.ledger.make import LEAVING, RUNNING, claim, guest, instance, node, node_spec

DEVICE, PARENT = "0000:0a:00.1", "0000:65:00.0"
NIC = PlacementRequest(pci_requests=(PciRequest(name="net"),))


def host(claims: tuple[Claim, ...] = (), guests: tuple[Guest, ...] = ()) -> ComputeNode:
    """One of everything, and more huge pages than one guest takes."""
    plain = node(capacity=9, claims=claims, guests=guests)
    assert plain.status.report is not None
    report = replace(
        plain.status.report,
        numa_cells=(NumaCell(id=0, memory_mib=64, dedicated_cpus="0-3", pages=(_pages(4, 8192), _pages(2048, 16))),),
        pci_pools=(
            PciPool(vendor_id="8086", product_id="10ed", type=PciType.PCI, devices=(PciDevice(address=DEVICE),)),
        ),
        mdev_types=(MdevType(parent_address=PARENT, type="t", available=0, instances=("u1",)),),
    )
    return replace(plain, status=replace(plain.status, report=report))


def _pages(size: int, total: int) -> Pages:
    return Pages(size_kib=size, total=total)


def asks(uuid: str, request: PlacementRequest | None) -> Instance:
    plain = instance(uuid)
    return replace(plain, spec=replace(plain.spec, placement=request))


def decide(on: ComputeNode, *owners: Instance) -> Outcome:
    outcome = next_ledger(Inputs(node=on, owners={o.spec.uuid: o for o in owners}))
    assert outcome is not None
    return outcome


def leaving(devices: int) -> tuple[Claim, ...]:
    """Claims of no amount with so many devices together."""
    addresses = [HeldDevice(address=f"0001:{n // 8:02x}:00.{n % 8}") for n in range(devices)]
    parts = [tuple(addresses[n : n + 48]) for n in range(0, devices, 48)]
    return tuple(replace(claim(f"g{n}", LEAVING, 0), devices=part) for n, part in enumerate(parts))


class TestAFullLedger:
    def test_gives_away_the_last_device_that_it_can_hold(self) -> None:
        outcome = decide(host(leaving(CLAIM_DEVICES_TOGETHER - 1)), asks("a", NIC))
        assert [c.devices[0].address for c in outcome.ledger.claims if c.uuid == "a"] == [DEVICE]

    def test_gives_away_none_that_it_cannot_and_says_so(self) -> None:
        outcome = decide(host(leaving(CLAIM_DEVICES_TOGETHER)), asks("a", NIC))
        assert "a" not in {c.uuid for c in outcome.ledger.claims}
        assert [str(each) for each in outcome.refusals["a"]] == ["PCI devices in a ledger: asked 385, free 384"]

    def test_refuses_nobody_who_asks_for_amounts_only(self) -> None:
        outcome = decide(host(leaving(CLAIM_DEVICES_TOGETHER + 1)), asks("a", None))
        assert "a" in {c.uuid for c in outcome.ledger.claims}


def orphan(**has: Any) -> Guest:
    return replace(guest("x"), memory_mib=8, **has)


def free(*guests: Guest) -> Ledger:
    return decide(host(guests=guests)).ledger


class TestAGuestOfWhichTheHostLists:
    def test_nothing_but_amounts_holds_no_place(self) -> None:
        rest = free(orphan())
        assert (rest.free_cells, rest.free_devices, rest.free_mdevs) == (
            free().free_cells, free().free_devices, free().free_mdevs,
        )  # fmt: skip

    def test_only_its_cells_holds_their_memory(self) -> None:
        assert free(orphan(cells=(0,))).free_cells[0].memory_mib == 32 - 8

    def test_only_its_own_cpus_holds_these(self) -> None:
        assert free(orphan(pinned_cpus="1-2")).free_cells[0].cpus == "0,3"

    def test_only_the_size_of_its_pages_holds_such(self) -> None:
        assert free(orphan(page_size_kib=2048)).free_cells[0].pages[1].free == 16 - 4

    def test_only_a_pci_device_holds_it(self) -> None:
        assert [pool.free for pool in free(orphan(pci_addresses=(DEVICE,))).free_devices] == [0]

    def test_only_a_mediated_device_holds_it(self) -> None:
        assert [each.free for each in free(orphan(mdev_uuids=("u1",))).free_mdevs] == [0]
        assert [each.free for each in free().free_mdevs] == [1]


def test_an_instance_whose_granted_size_is_lost_holds_what_it_asks_for() -> None:
    lost = asks("a", NIC)
    lost = replace(lost, status=replace(lost.status, compute_node_name="n0", resources=None))
    assert wants(lost, "n0") == {RUNNING: Want(Amounts(vcpus=1, memory_mib=1, disk_mib=1), NIC)}


def test_a_cordoned_node_is_missing_as_a_place() -> None:
    text = "n0 takes nothing new: its spec.schedulable is Disabled."
    assert bar(node(spec=replace(node_spec(), schedulable=Schedulable.DISABLED))) == Bar("node", 1, 0, "Cordoned", text)


@pytest.mark.parametrize("request_", [None, PlacementRequest()])
def test_an_instance_that_asks_for_no_place_is_admitted_where_none_is_known(request_: PlacementRequest | None) -> None:
    assert [c.uuid for c in decide(node(), asks("a", request_)).ledger.claims] == ["a"]
