"""A guest's cells and devices together: the best cells at which the devices can be had, or one clear refusal."""

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Hypervisor, ReportContent
from hypertally.api.inventory import MdevType, NumaCell, PciPool
from hypertally.api.placement import (
    CpuPolicy,
    HeldDevice,
    HeldMdev,
    NumaPolicy,
    PageSize,
    PciRequest,
    Placement,
    PlacementRequest,
    ThreadPolicy,
)
from hypertally.ledger import placement
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.numa_free import Holding
from hypertally.ledger.placement import Inventory, needs_placement, place
from tests.ledger.numa_make import MEDIUM, ONCE, ONE_CELL, cell, cells_of, held, holds
from tests.ledger.pci_make import has, mdev_type, mdevs, pool, request, with_devices

NIC0, NIC1 = "0000:0a:00.0", "0000:8a:00.0"
GPU = "0000:06:00.0"
VGPU = "nvidia-35"
HOST = (cell(0, dedicated="0-3"), cell(1, dedicated="4-7"))
SIZE = Amounts(pcpus=2, memory_mib=1024)
PINNED = PlacementRequest(cpu_policy=CpuPolicy.DEDICATED)


def asking(*requests: PciRequest, **also: object) -> PlacementRequest:
    return PlacementRequest(cpu_policy=CpuPolicy.DEDICATED, pci_requests=requests, **also)  # type: ignore[arg-type]


def put(
    asked: PlacementRequest,
    *holdings: Holding,
    cells: tuple[NumaCell, ...] = HOST,
    pools: tuple[PciPool, ...] = (),
    mdev_types: tuple[MdevType, ...] = (),
    size: Amounts = SIZE,
) -> Placement | Misfit:
    return place(asked, size, Inventory(cells, pools, mdev_types), holdings, owner="g", ratios=ONCE)


def found(result: Placement | Misfit) -> Placement:
    assert not isinstance(result, Misfit), str(result)
    return result


def cells_and_devices(result: Placement | Misfit) -> tuple[list[int], list[str]]:
    here = found(result)
    return [each.id for each in here.cells], [each.address for each in here.devices]


def test_a_guest_that_asks_for_nothing_floats_and_holds_nothing() -> None:
    assert not needs_placement(PlacementRequest())
    assert put(PlacementRequest(), cells=()) == Placement()


@pytest.mark.parametrize(
    "asked", [PINNED, ONE_CELL, cells_of((1, 1)), asking(request()), PlacementRequest(mdev_requests=(mdevs(VGPU),))]
)
def test_cells_and_devices_have_to_be_chosen(asked: PlacementRequest) -> None:
    assert needs_placement(asked)


def test_what_a_report_offers_is_all_there_is_to_choose_from() -> None:
    report = ReportContent(
        hypervisor=Hypervisor(type="QEMU", version="9.0.0", libvirt_version="10.0.0"),
        numa_cells=HOST,
        pci_pools=(pool(NIC0),),
        mdev_types=(mdev_type(GPU, VGPU, 1),),
    )
    assert Inventory.of(report) == Inventory(HOST, (pool(NIC0),), (mdev_type(GPU, VGPU, 1),))


def test_the_guest_goes_where_its_device_is() -> None:
    asked = asking(request(policy=NumaPolicy.REQUIRED))
    assert cells_and_devices(put(asked, pools=(pool(NIC1, cell=1),))) == ([1], [NIC1])


def test_a_device_does_not_draw_a_guest_to_a_cell_that_has_no_room() -> None:
    nics = (pool(NIC0, cell=0), pool(NIC1, cell=1))
    full = holds("a", held(1, cpus="4-6"))
    assert cells_and_devices(put(asking(request()), full, pools=nics)) == ([0], [NIC0])


def test_who_merely_prefers_near_devices_gets_a_far_one() -> None:
    full = holds("a", held(1, cpus="4-6"))
    asked = asking(request(policy=NumaPolicy.PREFERRED))
    assert cells_and_devices(put(asked, full, pools=(pool(NIC1, cell=1),))) == ([0], [NIC1])


def test_a_guest_without_cells_takes_devices_of_any_cell_whatever_the_policy() -> None:
    floating = PlacementRequest(pci_requests=(request(policy=NumaPolicy.REQUIRED),))
    assert cells_and_devices(put(floating, pools=(pool(NIC1, cell=1),))) == ([], [NIC1])


def test_a_guest_without_devices_keeps_away_from_them() -> None:
    assert cells_and_devices(put(PINNED, pools=(pool(NIC0, cell=0),))) == ([1], [])


def test_two_guest_cells_go_to_the_cells_of_their_two_devices() -> None:
    host = tuple(cell(id_, dedicated=f"{4 * id_}-{4 * id_ + 3}") for id_ in range(4))
    nics = (pool(NIC0, cell=1), pool(NIC1, cell=3))
    two = cells_of((2, 512), (2, 512), policy=CpuPolicy.DEDICATED)
    asked = PlacementRequest(
        cpu_policy=two.cpu_policy, cells=two.cells, pci_requests=(request(count=2, policy=NumaPolicy.REQUIRED),)
    )
    ids, devices = cells_and_devices(put(asked, cells=host, pools=nics))
    assert (sorted(ids), devices) == ([1, 3], [NIC0, NIC1])


def test_mediated_devices_are_held_with_the_rest() -> None:
    asked = asking(request(), mdev_requests=(mdevs(VGPU),))
    here = found(put(asked, pools=(pool(NIC0),), mdev_types=(mdev_type(GPU, VGPU, 1),)))
    assert here.mdevs == (HeldMdev(type=VGPU, parent_address=GPU, count=1),)
    assert here.devices == (HeldDevice(request="net", address=NIC0),)
    assert len(here.cells) == 1


def test_a_missing_mediated_device_refuses_the_whole() -> None:
    asked = asking(mdev_requests=(mdevs(VGPU),))
    assert str(put(asked)) == f"mediated devices {VGPU}, of 0 parents that offer it: asked 1, free 0"


def test_cells_without_room_are_told_as_such_though_there_are_devices() -> None:
    full = holds("a", held(0, cpus="0-3"), held(1, cpus="4-6"))
    assert str(put(asking(request()), full, pools=(pool(NIC0, cell=0),))) == (
        "pcpus: asked 2, free 1 in NUMA cell 1, the nearest fit for guest cell 0"
    )


def test_devices_that_are_nowhere_on_the_host_are_told_as_such() -> None:
    assert str(put(asking(request()), has("a", NIC0), pools=(pool(NIC0, cell=0),))) == (
        "PCI devices for net, of 1 that match (1 held): asked 1, free 0"
    )


def test_devices_that_are_only_where_there_is_no_room_are_told_with_the_cells_that_have_some() -> None:
    full = holds("a", held(1, cpus="4-6"))
    asked = asking(request(count=2, policy=NumaPolicy.REQUIRED))
    assert str(put(asked, full, pools=(pool(NIC0, cell=0), pool(NIC1, "0000:8a:00.1", cell=1)))) == (
        "PCI devices for net, of 3 that match (2 not near NUMA cell 0 by policy Required): asked 2, free 1"
    )


def test_the_guests_other_claim_counts_beside_the_new_one() -> None:
    own = Holding("g", stays=(Placement(cells=(held(0, cpus="0-3"), held(1, cpus="4-6"))),))
    assert str(put(PINNED, own)) == "pcpus: asked 2, free 1 in NUMA cell 1, the nearest fit for guest cell 0"


def test_what_leaves_or_is_listed_of_the_guest_leaves_its_place_to_the_new_claim() -> None:
    all_of_it = Placement(cells=(held(0, cpus="0-3", memory=8192), held(1, cpus="4-7", memory=8192)))
    for own in (Holding("g", leaves=(all_of_it,)), Holding("g", listed=all_of_it)):
        assert len(found(put(PINNED, own)).cells) == 1


def test_two_claims_of_one_guest_share_its_device() -> None:
    own = has("g", NIC0)
    assert cells_and_devices(put(asking(request()), own, pools=(pool(NIC0, cell=0),))) == ([0], [NIC0])
    assert isinstance(put(asking(request()), has("a", NIC0), pools=(pool(NIC0, cell=0),)), Misfit)


def test_its_own_device_comes_before_others_that_are_as_near() -> None:
    nics = (pool(NIC0, "0000:0a:00.1", "0000:0a:00.2", cell=0),)
    assert cells_and_devices(put(asking(request()), has("g", "0000:0a:00.2"), pools=nics)) == ([0], ["0000:0a:00.2"])


def test_an_adopted_guest_is_charged_where_it_runs() -> None:
    runs = Holding("g", listed=Placement(cells=(held(1, memory=1024, cpus="5,7"),)))
    assert found(put(PINNED, runs)).cells == (held(1, memory=1024, cpus="5,7"),)


def test_an_adopted_guest_keeps_the_devices_that_it_has() -> None:
    nics = (pool(NIC0, "0000:0a:00.1", cell=0), pool(NIC1, "0000:8a:00.1", cell=1))
    listed = Placement(cells=(held(1, memory=1024, cpus="5,7"),), devices=with_devices("0000:8a:00.1").devices)
    here = found(put(asking(request()), Holding("g", listed=listed), pools=nics))
    assert here.cells[0].cpus == "5,7"
    assert here.devices == (HeldDevice(request="net", address="0000:8a:00.1"),)


def test_an_adopted_guest_keeps_its_pages() -> None:
    host = (cell(0, dedicated="0-3", pages={MEDIUM: 1024}), cell(1, dedicated="4-7", pages={MEDIUM: 1024}))
    asked = PlacementRequest(cpu_policy=CpuPolicy.DEDICATED, page_size=PageSize.ANY)
    for size in (0, MEDIUM):
        listed = Placement(cells=(held(1, memory=1024, cpus="5,7", size=size),))
        assert found(put(asked, Holding("g", listed=listed), cells=host)).cells == listed.cells


def test_an_adopted_guest_on_isolated_cores_holds_their_idle_threads() -> None:
    host = (cell(0, shared="0-7", dedicated="0-7", siblings=("0,4", "1,5", "2,6", "3,7")),)
    asked = PlacementRequest(cpu_policy=CpuPolicy.DEDICATED, thread_policy=ThreadPolicy.ISOLATE)
    listed = Placement(cells=(held(0, memory=1024, cpus="1,3"),))
    assert found(put(asked, Holding("g", listed=listed), cells=host)).cells[0].cpus == "1,3,5,7"


def test_an_adopted_guest_on_shared_cpus_is_charged_in_its_cell() -> None:
    host = (cell(0, shared="0-3"), cell(1, 2048, shared="4-5"))
    size = Amounts(vcpus=2, memory_mib=1024)
    assert found(put(ONE_CELL, cells=host, size=size)).cells[0].id == 0
    runs = Holding("g", listed=Placement(cells=(held(1, memory=1024, vcpus=2),)))
    assert found(put(ONE_CELL, runs, cells=host, size=size)).cells == (held(1, memory=1024, vcpus=2),)


def test_an_adopted_guest_stays_in_its_cell_though_its_cpus_do_not_suffice() -> None:
    runs = Holding("g", listed=Placement(cells=(held(1, memory=1024, cpus="7"),)))
    assert found(put(PINNED, runs)).cells == (held(1, memory=1024, cpus="4-5"),)


def test_an_adopted_guest_that_runs_elsewhere_than_it_asks_for_gets_what_it_asks_for() -> None:
    runs = Holding("g", listed=Placement(cells=(held(1, memory=1024, cpus="5,7"),)))
    asked = asking(request(policy=NumaPolicy.REQUIRED))
    assert cells_and_devices(put(asked, runs, pools=(pool(NIC0, cell=0),))) == ([0], [NIC0])


def test_an_adopted_guest_keeps_its_cpus_though_its_pages_are_not_those_it_asks_for() -> None:
    host = (cell(0, dedicated="0-3", pages={MEDIUM: 1024}), cell(1, dedicated="4-7", pages={MEDIUM: 1024}))
    runs = Holding("g", listed=Placement(cells=(held(1, memory=1024, cpus="5,7", size=MEDIUM),)))
    assert found(put(PINNED, runs, cells=host)).cells == (held(1, memory=1024, cpus="5,7"),)


def test_a_cell_beside_the_device_on_its_socket_is_found_after_one_on_another_socket() -> None:
    host = tuple(
        replace(cell(id_, dedicated=cpus), socket=socket)
        for id_, cpus, socket in ((0, "0-3", 0), (1, "4", 1), (2, "5-6", 1))
    )
    asked = asking(request(policy=NumaPolicy.SOCKET))
    assert cells_and_devices(put(asked, cells=host, pools=(pool(NIC1, cell=1),))) == ([2], [NIC1])


def test_what_somebody_else_holds_is_not_kept_by_the_guest_that_runs_on_it() -> None:
    runs = Holding("g", listed=Placement(cells=(held(1, memory=1024, cpus="5,7"),)))
    assert found(put(PINNED, runs, holds("a", held(1, cpus="5")))).cells == (held(1, memory=1024, cpus="4,6"),)


def test_a_hopeless_search_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "SETS_MAX", 3)
    host = tuple(cell(id_, dedicated=f"{4 * id_}-{4 * id_ + 3}") for id_ in range(8))
    nics = tuple(pool(f"0000:0{id_}:00.0", cell=id_) for id_ in range(8))
    two = cells_of((2, 512), (2, 512), policy=CpuPolicy.DEDICATED)
    asked = PlacementRequest(
        cpu_policy=two.cpu_policy, cells=two.cells, pci_requests=(request(count=3, policy=NumaPolicy.REQUIRED),)
    )
    assert str(put(asked, cells=host, pools=nics)) == (
        "PCI devices for net, of 8 that match (6 not near NUMA cell 0, 1 by policy Required): asked 3, free 2"
    )


def test_its_own_mediated_device_comes_before_others() -> None:
    asked = PlacementRequest(mdev_requests=(mdevs(VGPU),))
    types = (mdev_type(GPU, VGPU, 0, "u1"), mdev_type("0000:07:00.0", VGPU, 4))
    own = Placement(mdevs=(HeldMdev(type=VGPU, parent_address=GPU, count=1),))
    assert found(put(asked, Holding("g", stays=(own,), listed=own), mdev_types=types)).mdevs == own.mdevs
    assert isinstance(put(asked, Holding("a", stays=(own,)), mdev_types=types[:1]), Misfit)


def test_an_adopted_guest_of_two_cells_keeps_the_cpus_of_both() -> None:
    two = cells_of((1, 512), (1, 512), policy=CpuPolicy.DEDICATED)
    listed = Placement(cells=(held(0, memory=512, cpus="3"), held(1, memory=512, cpus="7")))
    assert [each.cpus for each in found(put(two, Holding("g", listed=listed))).cells] == ["3", "7"]


def test_an_adopted_guest_whose_cpus_are_not_told_gets_the_lowest_of_its_cell() -> None:
    listed = Placement(cells=(held(0, memory=1024),))
    size = Amounts(pcpus=1, memory_mib=1024)
    full = holds("a", held(0, cpus="1-3"))
    assert found(put(PINNED, Holding("g", listed=listed), full, size=size)).cells == (held(0, memory=1024, cpus="0"),)


def test_an_empty_pool_keeps_no_guest_away_from_its_cell() -> None:
    assert cells_and_devices(put(PINNED, pools=(pool(cell=0),))) == ([0], [])


def test_the_search_with_devices_ends_at_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    host = tuple(cell(id_, dedicated=f"{4 * id_}-{4 * id_ + 3}") for id_ in range(3))
    nics = (pool(NIC0, cell=0), pool(NIC1, cell=1), pool("0000:9a:00.0", "0000:9a:00.1", cell=2))
    asked = asking(request(count=2, policy=NumaPolicy.REQUIRED))
    assert cells_and_devices(put(asked, cells=host, pools=nics))[0] == [2]
    monkeypatch.setattr(placement, "SETS_MAX", 4)
    assert isinstance(put(asked, cells=host, pools=nics), Misfit)
    monkeypatch.setattr(placement, "SETS_MAX", 5)
    assert cells_and_devices(put(asked, cells=host, pools=nics))[0] == [2]
