"""Small hosts with PCI devices for tests of the fit."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from hypertally.api.inventory import Distance, MdevType, NumaCell, PciDevice, PciPool, PciType
from hypertally.api.placement import (
    HeldDevice,
    HeldMdev,
    MdevRequest,
    NumaPolicy,
    PciRequest,
    Placement,
)
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.numa_free import Holding
from hypertally.ledger.pci_fit import fit_devices
from hypertally.ledger.pci_free import DevicesFree, free_devices

PF, VF1, VF2 = "0000:04:00.3", "0000:04:10.7", "0000:04:11.7"


def device(address: str, parent: str = "", *, missing: bool = False) -> PciDevice:
    return PciDevice(address=address, parent_address=parent, missing=missing)


def pool(
    *devices: PciDevice | str,
    vendor: str = "8086",
    product: str = "1520",
    type_: PciType = PciType.PCI,
    cell: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> PciPool:
    return PciPool(
        vendor_id=vendor,
        product_id=product,
        type=type_,
        numa_cell=cell,
        tags=dict(tags or {}),
        devices=tuple(device(each) if isinstance(each, str) else each for each in devices),
    )


def physical(*addresses: str, cell: int | None = 0, product: str = "1521") -> PciPool:
    return pool(*addresses, product=product, type_=PciType.PF, cell=cell)


def virtual(parent: str, *addresses: str, cell: int | None = 0, product: str = "1520") -> PciPool:
    return pool(*(device(each, parent) for each in addresses), product=product, type_=PciType.VF, cell=cell)


CARD = (physical(PF), virtual(PF, VF1, VF2))
"""Nova's host of the known answers: one PF with two VFs."""

A_VF = PciRequest(name="vf", product_id="1520")
A_PF = PciRequest(name="pf", product_id="1521", type=PciType.PF)


def request(
    name: str = "net",
    count: int = 1,
    *,
    vendor: str = "",
    product: str = "",
    type_: PciType | None = None,
    tags: Mapping[str, str] | None = None,
    policy: NumaPolicy = NumaPolicy.LEGACY,
) -> PciRequest:
    asked = {"type": type_} if type_ else {}
    return PciRequest(
        name=name,
        count=count,
        vendor_id=vendor,
        product_id=product,
        tags=dict(tags or {}),
        numa_policy=policy,
        **asked,
    )


def with_devices(*addresses: str) -> Placement:
    return Placement(devices=tuple(HeldDevice(request="", address=each) for each in addresses))


def has(owner: str, *addresses: str) -> Holding:
    """By a claim that stays."""
    return Holding(owner, stays=(with_devices(*addresses),))


def lists(owner: str, *addresses: str) -> Holding:
    """The guest really has them, whatever is claimed."""
    return Holding(owner, listed=with_devices(*addresses))


def left(pools: Sequence[PciPool], *holdings: Holding) -> DevicesFree:
    return free_devices(pools, holdings)


def counts(pools: Sequence[PciPool], *holdings: Holding) -> tuple[int, ...]:
    """Free devices pool by pool."""
    return tuple(each.free for each in left(pools, *holdings).pools)


def take(
    requests: PciRequest | Iterable[PciRequest],
    pools: Sequence[PciPool],
    *holdings: Holding,
    owner: str = "",
    near: Collection[int] | None = None,
    cells: Sequence[NumaCell] = (),
) -> tuple[HeldDevice, ...] | Misfit:
    """A fit on a host where `holdings` hold already."""
    several = (requests,) if isinstance(requests, PciRequest) else tuple(requests)
    held = free_devices(pools, holdings)
    return fit_devices(several, pools, held, owner=owner, near=near, cells=cells)


def addresses_of(found: tuple[HeldDevice, ...] | Misfit) -> list[str]:
    assert not isinstance(found, Misfit), str(found)
    return [each.address for each in found]


def on_sockets(*sockets: int | None) -> tuple[NumaCell, ...]:
    return tuple(NumaCell(id=id_, memory_mib=1024, socket=socket) for id_, socket in enumerate(sockets))


def at_distances(*rows: Sequence[int]) -> tuple[NumaCell, ...]:
    return tuple(
        NumaCell(id=id_, memory_mib=1024, distances=tuple(Distance(cell=n, value=v) for n, v in enumerate(row)))
        for id_, row in enumerate(rows)
    )


def mdev_type(parent: str, type_: str, available: int = 0, *instances: str) -> MdevType:
    return MdevType(parent_address=parent, type=type_, available=available, instances=instances)


def with_mdevs(*held: tuple[str, str, int]) -> Placement:
    """Parent, type and count."""
    return Placement(mdevs=tuple(HeldMdev(parent_address=p, type=t, count=n) for p, t, n in held))


def mdevs(type_: str, count: int = 1) -> MdevRequest:
    return MdevRequest(type=type_, count=count)
