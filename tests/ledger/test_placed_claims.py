"""Claims that hold cells, CPUs, pages and devices: chosen in the write that holds the amounts, kept through moves."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import CLAIM_DEVICES_TOGETHER
from hypertally.api.compute_node import Claim, ComputeNode, Guest, Ledger, Omission, Role
from hypertally.api.instance import Instance, InstanceResources, Move, MovePhase, MoveType
from hypertally.api.inventory import MdevType, NumaCell, Pages, PciDevice, PciPool, PciType
from hypertally.api.placement import (
    CpuPolicy,
    HeldCell,
    HeldDevice,
    MdevRequest,
    PageSize,
    PciRequest,
    PlacementRequest,
    ThreadPolicy,
    digest,
)
from hypertally.ledger.conflicts import Conflicts, conflicts
from hypertally.ledger.places import Unseen, too_much
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger
from tests.ledger.make import INCOMING, LEAVING, RESERVED, RUNNING, claim, guest, instance, look, move, node

PINNED = PlacementRequest(cpu_policy=CpuPolicy.DEDICATED)
VF = PlacementRequest(pci_requests=(PciRequest(name="net"),))
PF = PlacementRequest(pci_requests=(PciRequest(name="card", type=PciType.PF),))
VGPU = PlacementRequest(mdev_requests=(MdevRequest(type="nvidia-222"),))

CELLS = tuple(
    NumaCell(
        id=number,
        memory_mib=8192,
        shared_cpus=shared,
        dedicated_cpus=dedicated,
        pages=(Pages(size_kib=4, total=1048576), Pages(size_kib=2048, total=2048)),
    )
    for number, shared, dedicated in ((0, "0-1", "4-5"), (1, "2-3", "6-7"))
)
"""Two, with two shared and two dedicated CPUs, 4 GiB in ordinary and 4 GiB in huge pages each."""
POOLS = (
    PciPool(vendor_id="8086", product_id="10fb", type=PciType.PF, devices=(PciDevice(address="0000:0a:00.0"),)),
    PciPool(
        vendor_id="8086",
        product_id="10ed",
        type=PciType.VF,
        devices=tuple(
            PciDevice(address=f"0000:0a:10.{function}", parent_address="0000:0a:00.0") for function in range(3)
        ),
    ),
)
MDEVS = (MdevType(parent_address="0000:65:00.0", type="nvidia-222", available=2),)
ROOM = Amounts(vcpus=4, pcpus=4, memory_mib=16384, disk_mib=100)
SMALL = Amounts(pcpus=2, memory_mib=1024)


def host(
    claims: Iterable[Claim] | None = (), guests: Iterable[Guest] = (), name: str = "n0", **changed: Any
) -> ComputeNode:
    plain = node(name, ROOM, claims, guests)
    assert plain.status.report is not None
    known = {"numa_cells": CELLS, "pci_pools": POOLS, "mdev_types": MDEVS, **changed}
    return replace(plain, status=replace(plain.status, report=replace(plain.status.report, **known)))


def asks(uuid: str, request: PlacementRequest | None, vcpus: int = 1, memory_mib: int = 1024, **given: Any) -> Instance:
    """Granted what it asks for, if it has a home."""
    plain = instance(uuid, resources=0, **given)
    resources = InstanceResources(vcpus=vcpus, memory_mib=memory_mib)
    granted = bool(plain.status.compute_node_name)
    status = replace(
        plain.status,
        resources=resources.amounts(request) if granted else None,
        placement=request if granted else None,
    )
    return replace(plain, spec=replace(plain.spec, resources=resources, placement=request), status=status)


def decide(on: ComputeNode, *owners: Instance, **given: Any) -> Outcome:
    outcome = next_ledger(Inputs(node=on, owners={o.spec.uuid: o for o in owners}, **given))
    assert outcome is not None
    return outcome


def after(on: ComputeNode, ledger: Ledger) -> ComputeNode:
    return replace(on, status=replace(on.status, ledger=ledger))


def held(ledger: Ledger, uuid: str, role: Role = RUNNING) -> Claim:
    (found,) = (c for c in ledger.claims if (c.uuid, c.role) == (uuid, role))
    return found


def cpus(claims: Sequence[Claim]) -> list[str]:
    return [cell.cpus for claim in claims for cell in claim.cells]


def addresses(claim: Claim) -> list[str]:
    return [device.address for device in claim.devices]


class TestAGuestWithCpusOfItsOwn:
    def test_gets_them_on_one_cell_with_the_memory_and_is_charged_in_pcpus(self) -> None:
        ledger = decide(host(), asks("a", PINNED, vcpus=2)).ledger
        assert held(ledger, "a").cells == (HeldCell(id=0, memory_mib=1024, cpus="4-5"),)
        assert (ledger.allocated.vcpus, ledger.allocated.pcpus, ledger.free.pcpus) == (0, 2, 2)

    def test_leaves_the_others_theirs_and_nothing_is_given_twice(self) -> None:
        ledger = decide(host(), *(asks(uuid, PINNED, vcpus=1) for uuid in "abcd")).ledger
        assert sorted(cpus(ledger.claims)) == ["4", "5", "6", "7"]
        assert [cell.cpus for cell in ledger.free_cells] == ["", ""]

    def test_that_fits_in_amounts_but_on_no_cell_is_refused_and_told_where_it_comes_nearest(self) -> None:
        first = asks("a", PINNED, vcpus=1)
        second = asks("b", PINNED, vcpus=1)
        outcome = decide(host(), first, second, asks("c", PINNED, vcpus=2))
        assert [c.uuid for c in outcome.ledger.claims] == ["a", "b"]
        text = "pcpus: asked 2, free 1 in NUMA cell 0, the nearest fit for guest cell 0"
        assert [str(refusal) for refusal in outcome.refusals["c"]] == [text]

    def test_shows_what_is_left_of_each_cell(self) -> None:
        ledger = decide(host(), asks("a", replace(PINNED, page_size=PageSize.LARGE), vcpus=1)).ledger
        free = ledger.free_cells[0]
        assert (free.cpus, free.memory_mib) == ("5", 4096)
        assert {pages.size_kib: pages.free for pages in free.pages} == {4: 1048576, 2048: 2048 - 512}


class TestAGuestWithDevices:
    def test_gets_them_by_address_under_the_name_of_its_request(self) -> None:
        ledger = decide(host(), asks("a", VF)).ledger
        assert held(ledger, "a").devices == (HeldDevice(request="net", address="0000:0a:10.0"),)
        assert [pool.free for pool in ledger.free_devices] == [0, 2]

    def test_takes_the_card_of_its_function_away_and_its_end_gives_it_back(self) -> None:
        outcome = decide(host(), asks("a", VF), asks("b", PF))
        assert [c.uuid for c in outcome.ledger.claims] == ["a"]
        assert outcome.refusals.keys() == {"b"}
        assert addresses(held(decide(host(), asks("b", PF)).ledger, "b")) == ["0000:0a:00.0"]

    def test_of_a_mediated_kind_holds_them_at_their_parent(self) -> None:
        ledger = decide(host(), asks("a", VGPU)).ledger
        (mdev,) = held(ledger, "a").mdevs
        assert (mdev.parent_address, mdev.type, mdev.count) == ("0000:65:00.0", "nvidia-222", 1)
        assert [free.free for free in ledger.free_mdevs] == [1]

    def test_is_refused_as_a_whole_when_one_part_is_missing(self) -> None:
        outcome = decide(host(), asks("a", replace(VF, pci_requests=(PciRequest(name="net", count=4),))))
        assert outcome.ledger.claims == ()
        assert outcome.ledger.allocated == Amounts()
        assert "asked 4, free 3" in str(outcome.refusals["a"][0])

    def test_of_a_pool_that_only_a_newer_version_knows_shows_no_such_pool(self) -> None:
        odd = replace(POOLS[1], type=PciType.UNKNOWN)
        assert [pool.type for pool in decide(host(pci_pools=(POOLS[0], odd))).ledger.free_devices] == [PciType.PF]


def test_a_guest_that_floats_holds_amounts_and_nothing_else() -> None:
    ledger = decide(host(), asks("a", None), asks("b", PlacementRequest())).ledger
    assert [(c.request_digest, c.cells, c.devices, c.mdevs) for c in ledger.claims] == [("", (), (), ())] * 2


class TestPlacesAreKept:
    """Whoever starts a guest reads them once: they never change while a claim stands."""

    def test_from_write_to_write(self) -> None:
        first = decide(host(), asks("a", PINNED, vcpus=1), asks("b", VF)).ledger
        again = decide(after(host(), first), asks("b", VF), asks("a", PINNED, vcpus=1), asks("c", VF)).ledger
        assert [held(again, uuid) for uuid in "ab"] == [held(first, uuid) for uuid in "ab"]

    def test_when_the_guest_arrives(self) -> None:
        coming = asks("a", VF, home="n1", move=None)
        on_its_way = replace(coming, status=replace(coming.status, move=_to_n0(coming)))
        first = decide(host(), on_its_way).ledger
        place = addresses(held(first, "a", INCOMING))
        arrived = replace(
            on_its_way,
            status=replace(
                on_its_way.status,
                compute_node_name="n0",
                move=replace(_to_n0(coming), phase=MovePhase.ENDED),
            ),
        )
        assert addresses(held(decide(after(host(), first), arrived).ledger, "a")) == place

    def test_for_the_way_back(self) -> None:
        home = asks("a", PINNED, vcpus=2, home="n0")
        first = decide(host(), home).ledger
        gone = replace(
            home,
            status=replace(
                home.status, compute_node_name="n1", move=replace(_to_n0(home), source="n0", target="n1", phase=_MOVED)
            ),
        )
        assert held(decide(after(host(), first), gone).ledger, "a", RESERVED).cells == held(first, "a").cells

    def test_of_a_guest_that_leaves_until_it_is_proven_gone(self) -> None:
        first = decide(host(), asks("a", VF)).ledger
        second = decide(after(host(), first), asks("b", PF)).ledger
        leaving = held(second, "a", LEAVING)
        assert addresses(leaving) == ["0000:0a:10.0"]
        assert [c.uuid for c in second.claims] == ["a"], "the card is still in use"
        stamped = decide(after(host(), second), asks("b", PF), look=look(7)).ledger
        proven = decide(after(host(), stamped), asks("b", PF), look=look(9)).ledger
        assert [c.uuid for c in proven.claims] == ["b"]

    def test_of_all_that_leaves(self) -> None:
        both = [
            replace(claim("a", RUNNING, SMALL), cells=(HeldCell(id=0, memory_mib=1024, cpus="4"),)),
            replace(claim("a", INCOMING, SMALL), cells=(HeldCell(id=0, memory_mib=2048, cpus="5"), HeldCell(id=1))),
        ]
        left = held(decide(host(both)).ledger, "a", LEAVING)
        assert left.cells == (HeldCell(id=0, memory_mib=2048, cpus="4-5"), HeldCell(id=1))


_MOVED = MovePhase.MOVED


def _to_n0(of: Instance) -> Move:
    size = of.status.resources
    assert size is not None
    plain = move(MoveType.COLD, source="n1", target="n0", old=size)
    return replace(plain, old_placement=of.spec.placement, new_placement=of.spec.placement)


class TestAGuestThatTheHostLists:
    """What it really has is charged and given to nobody else, claimed or not."""

    orphan = replace(
        guest("a", Amounts(pcpus=1, memory_mib=1024)), cells=(1,), pinned_cpus="7", pci_addresses=("0000:0a:10.2",)
    )
    wants = replace(PINNED, pci_requests=(PciRequest(name="net"),))

    def test_as_an_orphan_takes_its_cpus_and_devices_from_the_others(self) -> None:
        outcome = decide(host(guests=[self.orphan]), *(asks(uuid, PINNED, vcpus=1) for uuid in "bcde"))
        assert sorted(cpus(outcome.ledger.claims)) == ["4", "5", "6"]
        assert [pool.free for pool in outcome.ledger.free_devices] == [0, 2]

    def test_is_adopted_with_what_it_has(self) -> None:
        before = decide(host(guests=[self.orphan])).ledger
        ledger = decide(after(host(guests=[self.orphan]), before), asks("a", self.wants)).ledger
        assert held(ledger, "a").cells == (HeldCell(id=1, memory_mib=1024, cpus="7"),)
        assert addresses(held(ledger, "a")) == ["0000:0a:10.2"]
        assert (ledger.free_cells, ledger.free_devices) == (before.free_cells, before.free_devices)

    def test_is_taken_without_its_devices_when_there_are_none_and_gets_them_when_there_are(self) -> None:
        runs = guest("a", Amounts(vcpus=1, memory_mib=1024))
        taken = asks("b", PF)
        first = decide(host(), taken).ledger
        full = after(host(guests=[runs]), first)
        second = decide(full, taken, asks("a", VF)).ledger
        assert held(second, "a").overcommitted
        assert held(second, "a").devices == ()
        freed = after(host(guests=[runs]), replace(second, claims=(held(second, "a"),)))
        third = held(decide(freed, asks("a", VF)).ledger, "a")
        assert (third.overcommitted, len(third.devices)) == (False, 1)


class TestTheFirstLedgerOfANode:
    def test_enters_what_was_granted_with_places(self) -> None:
        ledger = decide(host(None), asks("a", PINNED, vcpus=1, home="n0"), asks("b", VF, home="n0")).ledger
        assert (held(ledger, "a").cells[0].cpus, addresses(held(ledger, "b"))) == ("4", ["0000:0a:10.0"])

    def test_leaves_a_real_guest_what_it_has(self) -> None:
        ledger = decide(
            host(None, [TestAGuestThatTheHostLists.orphan]),
            asks("a", TestAGuestThatTheHostLists.wants, home="n0"),
            asks("0", VF, home="n0"),
        ).ledger
        assert addresses(held(ledger, "a")) == ["0000:0a:10.2"]
        assert addresses(held(ledger, "0")) == ["0000:0a:10.0"]

    def test_enters_what_fits_nowhere_without_places_and_places_it_later(self) -> None:
        granted = asks("a", replace(VF, pci_requests=(PciRequest(name="net", count=2),)), home="n0")
        other = asks("0", replace(VF, pci_requests=(PciRequest(name="net", count=2),)), home="n0")
        first = decide(host(None), other, granted).ledger
        assert sorted(len(c.devices) for c in first.claims) == [0, 2]
        assert not any(c.overcommitted for c in first.claims), "its amounts are there"
        (unplaced,) = (c for c in first.claims if not c.devices)
        owner = granted if unplaced.uuid == "a" else other
        alone = after(host(), replace(first, claims=(unplaced,)))
        assert len(held(decide(alone, owner).ledger, unplaced.uuid).devices) == 2


class TestAResize:
    def test_that_changes_only_the_places_is_one(self) -> None:
        home = asks("a", PINNED, vcpus=1, home="n0")
        first = decide(host(), home).ledger
        other = replace(PINNED, thread_policy=ThreadPolicy.ISOLATE)
        size = Amounts(pcpus=1, memory_mib=1024)
        moving = replace(
            move(MoveType.RESIZE, source="n0", target="n0", old=size), old_placement=PINNED, new_placement=other
        )
        ledger = decide(after(host(), first), replace(home, status=replace(home.status, move=moving))).ledger
        assert {c.role: c.request_digest for c in ledger.claims} == {RUNNING: digest(PINNED), INCOMING: digest(other)}
        assert sorted(cpus(ledger.claims)) == ["4", "6"], "none is held twice while both sizes are"

    def test_on_one_node_shares_the_devices_that_both_sizes_ask_for(self) -> None:
        home = asks("a", VF, home="n0")
        first = decide(host(), home).ledger
        size = Amounts(vcpus=1, memory_mib=1024)
        bigger = replace(
            move(MoveType.RESIZE, source="n0", target="n0", old=size, new=Amounts(vcpus=2, memory_mib=2048)),
            old_placement=VF,
            new_placement=VF,
        )
        ledger = decide(after(host(), first), replace(home, status=replace(home.status, move=bigger))).ledger
        assert addresses(held(ledger, "a", INCOMING)) == addresses(held(ledger, "a")) == ["0000:0a:10.0"]


@pytest.mark.parametrize(
    "changed",
    [{"guests_omitted": 1}, {"omitted": (Omission(part="guests[].pciAddresses", entries=3),)}],
    ids=["guests", "their devices"],
)
def test_where_a_guest_may_have_anything_nothing_is_placed_and_amounts_are_given_still(changed: dict[str, Any]) -> None:
    outcome = decide(host(**changed), asks("a", VF), asks("b", None))
    assert [c.uuid for c in outcome.ledger.claims] == ["b"]
    assert isinstance(outcome.refusals["a"][0], Unseen)
    assert "the report left out guests" in str(outcome.refusals["a"][0])


def test_a_ledger_never_grows_beyond_what_the_server_takes() -> None:
    devices = tuple(HeldDevice(address=f"0000:{n // 8:02x}:00.{n % 8}") for n in range(48))
    claims = [replace(claim(str(n)), devices=devices) for n in range(CLAIM_DEVICES_TOGETHER // 48)]
    assert too_much(claims) is None
    assert str(too_much([*claims, claims[0]])) == "PCI devices in a ledger: asked 432, free 384"


class TestWhatCannotBe:
    def test_a_device_or_cpu_of_two_guests_is_too_much(self) -> None:
        two = [replace(TestAGuestThatTheHostLists.orphan, uuid=uuid, name=uuid) for uuid in "ab"]
        found = conflicts(after(host(guests=two), decide(host(guests=two)).ledger))
        assert found.doubtful == ()
        assert [text.split(" (")[0] for text in found.over] == [
            "NUMA cell 1: CPUs 7 are held twice",
            "PCI device 0000:0a:10.2: is held twice",
        ]

    def test_what_is_held_and_gone_is_doubtful(self) -> None:
        first = decide(host(), asks("a", VF), asks("b", PINNED)).ledger
        bare = host(pci_pools=(), numa_cells=(replace(CELLS[0], dedicated_cpus=""), CELLS[1]))
        found = conflicts(after(bare, first))
        assert found.over == ()
        assert len(found.doubtful) == 2

    def test_a_node_where_nothing_is_placed_has_none(self) -> None:
        assert conflicts(after(host(), decide(host(), asks("a", None)).ledger)) == Conflicts()
