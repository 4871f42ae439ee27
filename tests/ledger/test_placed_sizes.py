"""For which size cells are chosen, and whose room they need."""

from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import ComputeNode
from hypertally.api.instance import Instance, InstanceResources, Move, MovePhase, MoveType
from hypertally.api.placement import HeldCell, PageSize, PlacementRequest
from hypertally.ledger.transitions import make
from hypertally.ledger.wants import wants
from tests.ledger.make import INCOMING, RUNNING, guest
from tests.ledger.test_placed_claims import CELLS, PINNED, VF, after, asks, decide, held, host

WIDE = (replace(CELLS[0], dedicated_cpus="4-9"),)


def roomy() -> ComputeNode:
    """Six dedicated CPUs in one cell."""
    plain = host(numa_cells=WIDE)
    assert plain.status.report is not None
    capacity = Amounts(vcpus=8, pcpus=6, memory_mib=16384, disk_mib=100)
    return replace(plain, status=replace(plain.status, report=replace(plain.status.report, capacity=capacity)))


def resize(old: Instance, new: PlacementRequest | None, vcpus: int, memory_mib: int) -> Instance:
    """Accepted from n1 towards n0."""
    had = old.status.resources
    assert had is not None
    move = Move(
        type=MoveType.RESIZE,
        phase=MovePhase.ACCEPTED,
        source="n1",
        target="n0",
        old_resources=had,
        new_resources=InstanceResources(vcpus=vcpus, memory_mib=memory_mib).amounts(new),
        old_placement=old.spec.placement,
        new_placement=new,
    )
    return replace(old, status=replace(old.status, move=move))


def arrived(moving: Instance) -> Instance:
    move = moving.status.move
    assert move is not None
    there = {"compute_node_name": "n0", "resources": move.new_resources, "placement": move.new_placement}
    return replace(moving, status=replace(moving.status, move=replace(move, phase=MovePhase.ENDED), **there))


class TestAResizeToLess:
    moving = resize(asks("a", PINNED, vcpus=4, memory_mib=4096, home="n1"), PINNED, vcpus=2, memory_mib=1024)

    def test_chooses_the_cpus_and_memory_of_the_new_size_and_holds_the_amounts_of_both(self) -> None:
        coming = held(decide(roomy(), self.moving).ledger, "a", INCOMING)
        assert coming.resources == Amounts(pcpus=4, memory_mib=4096)
        assert coming.cells == (HeldCell(id=0, memory_mib=1024, cpus="4-5"),)

    def test_holds_no_cpu_for_ever_that_the_guest_no_longer_has(self) -> None:
        first = decide(roomy(), self.moving).ledger
        ledger = decide(after(roomy(), first), arrived(self.moving)).ledger
        assert held(ledger, "a").cells == (HeldCell(id=0, memory_mib=1024, cpus="4-5"),)
        assert (ledger.free.pcpus, ledger.free_cells[0].cpus) == (4, "6-9")


def test_a_resize_to_cpus_of_its_own_needs_as_many_as_the_guest_has_and_not_the_shared_ones_on_top() -> None:
    moving = resize(asks("a", None, vcpus=4, home="n1"), PINNED, vcpus=4, memory_mib=1024)
    coming = held(decide(roomy(), moving).ledger, "a", INCOMING)
    assert coming.resources == Amounts(vcpus=4, pcpus=4, memory_mib=1024)
    assert coming.cells == (HeldCell(id=0, memory_mib=1024, cpus="4-7"),)


def test_a_resize_back_to_shared_cpus_needs_room_for_those_alone() -> None:
    shared = PlacementRequest(page_size=PageSize.SMALL)
    moving = resize(asks("a", PINNED, vcpus=2, home="n1"), shared, vcpus=2, memory_mib=1024)
    assert held(decide(roomy(), moving).ledger, "a", INCOMING).cells == (HeldCell(id=0, vcpus=2, memory_mib=1024),)


def test_a_granted_guest_gets_its_devices_also_where_somebody_else_is_too_much_for_the_host() -> None:
    """Its amounts are charged already; without a device of its own it would stay one that anybody may be given."""
    granted = asks("a", VF, home="n0")
    unplaced = make(granted, RUNNING, wants(granted, "n0")[RUNNING])
    orphan = guest("x", Amounts(vcpus=1, memory_mib=16384))
    ledger = decide(host([unplaced], [orphan]), granted).ledger
    assert ledger.free.memory_mib < 0
    assert len(held(ledger, "a").devices) == 1


def test_what_is_held_for_an_instance_that_cannot_be_read_stays_as_it_is_though_an_older_version_is_known() -> None:
    """Else each reading found it changed and asked for one more: the ledger would never be written again."""
    granted = asks("a", VF, home="n0")
    unplaced = make(granted, RUNNING, wants(granted, "n0")[RUNNING])
    assert decide(host([unplaced]), granted, frozen={"a"}).ledger.claims == (unplaced,)
