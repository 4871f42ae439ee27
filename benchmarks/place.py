"""A guest with two cells and PCI devices on a host with eight cells and 512 virtual functions, against bare passes.

Asked for are devices that are there, devices that are not though each request finds enough for itself, and the whole
admission of one guest (cells, devices and mediated devices, with what is free counted anew) on a host where 300 others
hold. The floor of the fits is one look at each device for each request, the least that any answer takes; that of the
admission is adding up what the 300 hold.
"""

from collections.abc import Iterator, Sequence
from time import process_time

from hypertally.api.amounts import Amounts
from hypertally.api.inventory import MdevType, NumaCell, Pages, PciDevice, PciPool, PciType
from hypertally.api.placement import (
    CpuPolicy,
    GuestCell,
    HeldCell,
    HeldDevice,
    HeldMdev,
    MdevRequest,
    NumaPolicy,
    PciRequest,
    Placement,
    PlacementRequest,
)
from hypertally.ledger import cpu_set
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.numa_free import Holding
from hypertally.ledger.pci_fit import fit_devices
from hypertally.ledger.pci_free import DevicesFree, Holders, free_devices
from hypertally.ledger.placement import Inventory, place

from .measure import alternate
from .result import Result

CELLS = 8
CORES = 64
FUNCTIONS = 64
"""Of each cell's card."""
VGPUS = 8
"""Held of each cell's."""
OWNERS = 300
RATIOS = Amounts(vcpus=4000, memory_mib=1000)
SIZE = Amounts(pcpus=16, memory_mib=32 * 1024)
FIT_BUDGET = 5.0
PLACE_BUDGET = 12.0
ROUNDS = 101

NEAR = frozenset({2, 5})


def run() -> Iterator[Result]:
    inventory = Inventory(
        cells=tuple(_cell(id_) for id_ in range(CELLS)),
        pools=tuple(pool for id_ in range(CELLS) for pool in _card(id_)),
        mdev_types=tuple(
            MdevType(parent_address=f"0000:c{id_}:00.0", type="v", available=2 * VGPUS) for id_ in range(CELLS)
        ),
    )
    holdings = [_holding(number) for number in range(OWNERS)]
    held = free_devices(inventory.pools, holdings)
    yield _fitted("fit-pci", _requests(beyond=0), inventory, held, fits=True)
    yield _fitted("fit-pci-none", _requests(beyond=1), inventory, held, fits=False)
    yield _placed(inventory, holdings)


def _fitted(
    name: str, requests: Sequence[PciRequest], inventory: Inventory, held: DevicesFree, *, fits: bool
) -> Result:
    def ours() -> tuple[HeldDevice, ...] | Misfit:
        return fit_devices(requests, inventory.pools, held, near=NEAR, cells=inventory.cells)

    if isinstance(ours(), Misfit) is fits:
        raise RuntimeError(f"the guest of {name} was meant to be the other kind")
    seconds, floor = alternate(ours, lambda: _one_pass(requests, inventory.pools, held.holders), ROUNDS, process_time)
    return _result(name, seconds, floor, FIT_BUDGET)


def _placed(inventory: Inventory, holdings: Sequence[Holding]) -> Result:
    request = PlacementRequest(
        cpu_policy=CpuPolicy.DEDICATED,
        cells=(GuestCell(vcpus=8, memory_mib=16 * 1024), GuestCell(vcpus=8, memory_mib=16 * 1024)),
        pci_requests=_requests(beyond=0),
        mdev_requests=(MdevRequest(type="v", count=2),),
    )

    def ours() -> Placement | Misfit:
        return place(request, SIZE, inventory, holdings, owner="new", ratios=RATIOS)

    if isinstance(ours(), Placement) is not True:
        raise RuntimeError("the guest of place was meant to fit")
    seconds, floor = alternate(ours, lambda: _added_up(holdings), ROUNDS, process_time)
    return _result("place", seconds, floor, PLACE_BUDGET)


def _result(name: str, ours: float, floor: float, budget: float) -> Result:
    return Result(name=name, ours=round(ours * 1000, 3), floor=round(floor * 1000, 3), unit="ms", budget=budget)


def _one_pass(requests: Sequence[PciRequest], pools: Sequence[PciPool], holders: Holders) -> int:
    found = 0
    for request in requests:
        for pool in pools:
            for device in pool.devices:
                free = device.address not in holders and device.parent_address not in holders
                found += free and pool.product_id == request.product_id
    return found


def _added_up(holdings: Sequence[Holding]) -> tuple[int, int, set[str], int]:
    """What is taken of everything, with no thought of whose it is."""
    memory, cpus, devices, mdevs = 0, 0, set[str](), 0
    for placement in (placement for holding in holdings for placement in (*holding.stays, holding.listed)):
        for cell in placement.cells:
            memory += cell.memory_mib
            cpus |= cpu_set.parse(cell.cpus)
        devices.update(device.address for device in placement.devices)
        mdevs += sum(mdev.count for mdev in placement.mdevs)
    return memory, cpus, devices, mdevs


def _cell(id_: int) -> NumaCell:
    first = CORES * id_
    return NumaCell(
        id=id_,
        memory_mib=512 * 1024,
        dedicated_cpus=f"{first}-{first + CORES - 1}",
        siblings=tuple(f"{cpu},{cpu + 1}" for cpu in range(first, first + CORES, 2)),
        socket=id_ // 2,
        pages=(Pages(size_kib=4, total=128 * 1024 * 1024),),
    )


def _card(cell: int) -> Iterator[PciPool]:
    parent = f"0000:{cell:02x}:00.0"
    virtual = tuple(PciDevice(address=_function(cell, number), parent_address=parent) for number in range(FUNCTIONS))
    for product, type_, devices in (("1521", PciType.PF, (PciDevice(address=parent),)), ("1520", PciType.VF, virtual)):
        yield PciPool(
            vendor_id="8086",
            product_id=product,
            type=type_,
            numa_cell=cell,
            tags={"physical_network": f"physnet{cell % 2}", "remote_managed": "false"},
            devices=devices,
        )


def _function(cell: int, number: int) -> str:
    return f"0000:{cell:02x}:{1 + number // 8:02x}.{number % 8}"


def _holding(number: int) -> Holding:
    """One CPU, memory, one virtual function and for some a mediated device; claimed and listed, as of what runs."""
    cell, turn = number % (CELLS - 1), number // (CELLS - 1)
    # Nobody is on the last cell, so that a physical function is left for who asks for one.
    held = Placement(
        cells=(HeldCell(id=cell, memory_mib=4096, cpus=str(CORES * cell + turn)),),
        devices=(HeldDevice(request="net", address=_function(cell, turn)),),
        mdevs=(HeldMdev(type="v", parent_address=f"0000:c{cell}:00.0", count=1),) if turn < VGPUS else (),
    )
    return Holding(f"guest-{number}", stays=(held,), listed=held)


def _requests(beyond: int) -> tuple[PciRequest, ...]:
    """Near the guest are 42 functions that nobody holds, half of them in either network. The first request takes from
    both and must leave enough of one to the second; `beyond` 1: one more than there are."""
    return (
        PciRequest(name="any", count=16, product_id="1520", numa_policy=NumaPolicy.REQUIRED),
        PciRequest(
            name="net",
            count=16,
            product_id="1520",
            tags={"physical_network": "PHYSNET1"},
            numa_policy=NumaPolicy.REQUIRED,
        ),
        PciRequest(name="more", count=10 + beyond, product_id="1520", numa_policy=NumaPolicy.REQUIRED),
        PciRequest(name="whole", product_id="1521", type=PciType.PF, numa_policy=NumaPolicy.PREFERRED),
    )
