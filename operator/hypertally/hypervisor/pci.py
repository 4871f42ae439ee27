"""Pools of the PCI devices that the allow-list offers. Pure, and built anew each time: nothing is moved or counted on.

Nova keeps its pools by adding and taking away, so that a device that is re-typed stays in the wrong one and a PF whose
used VF vanished never comes back (launchpad 1892361, 1969496).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from hypertally.api.inventory import PciDevice, PciPool, PciType

from .device_spec import DeviceSpec
from .node_devices import NetworkInterface, NodeDevice, PciFunction, UnreadDevice, Vdpa
from .pci_address import NoPciAddress, PciAddress

_VIRTUAL = (PciType.PF, PciType.VF, PciType.VDPA)
"""Nova's pools of these always say whether another host manages them, so that a request can ask for either."""


@dataclass(frozen=True)
class _Kind:
    """What a request can tell devices apart by: the key of a pool."""

    vendor_id: str
    product_id: str
    type: PciType
    numa_cell: int | None
    tags: tuple[tuple[str, str], ...]

    def order(self) -> tuple[object, ...]:
        cell = -1 if self.numa_cell is None else self.numa_cell
        return (self.vendor_id, self.product_id, self.type, cell, self.tags)


@dataclass(frozen=True)
class _Place:
    """A device and the pool that it belongs to."""

    kind: _Kind
    device: PciDevice


@dataclass(frozen=True)
class PciView:
    """`used_unoffered`: addresses that guests hold though the allow-list no longer has them; for the log."""

    pools: tuple[PciPool, ...]
    used_unoffered: tuple[str, ...] = ()


def pci_pools(
    devices: Sequence[NodeDevice], specs: Sequence[DeviceSpec], used: Collection[str], last: Iterable[PciPool]
) -> PciView:
    """`used` are the addresses that guests hold, `last` the pools that were last reported.

    What is used stays where it was claimed from, though its NUMA cell, type or tags changed, as in Nova; it stays
    listed though the host lost it or the allow-list did. What could not be read stays as it was. The others are as the
    host and the allow-list have them now.
    """
    functions = {str(device.address): device for device in devices if isinstance(device, PciFunction)}
    unread = {_address(device.name) for device in devices if isinstance(device, UnreadDevice)}
    places = _offered(functions, devices, specs)
    unoffered = []
    for address, place in _places(last).items():
        if not _counts_still(address, used, unread if specs else ()):
            continue
        if specs and address in functions and address in used and address not in places:
            unoffered.append(address)
        # Without an allow-list the host was not asked for its devices.
        missing = place.device.missing if not specs else address not in functions and address not in unread
        stays = _stays(place, functions.get(address), missing=missing)
        if stays and (address in used or not missing):
            places[address] = stays
    for address in _in_use_below(functions, places, used):
        place = places[address]
        places[address] = replace(place, device=structs.replace(place.device, missing=True))
    return PciView(_pools(places.values()), tuple(sorted(unoffered)))


def _in_use_below(
    functions: Mapping[str, PciFunction], places: Mapping[str, _Place], used: Collection[str]
) -> set[str]:
    """Physical functions that are offered and cannot be had: a guest holds a virtual one of theirs that is not offered,
    and of which the report's pools say nothing."""
    below = (functions[address].physical_function for address in used if address in functions and address not in places)
    return {str(parent) for parent in below if parent} & places.keys() - set(used)


def named_addresses(devices: Iterable[NodeDevice]) -> dict[str, PciAddress | None]:
    """The function behind each vDPA character device and each network interface: guests name only these. None: it is
    known that there is none. What is behind a device that cannot be read is not known: it is left out."""
    known = tuple(devices)
    functions = {device.name: device.address for device in known if isinstance(device, PciFunction)}
    unread = {device.name for device in known if isinstance(device, UnreadDevice)}
    paths = {device.chardev: functions.get(device.parent) for device in known if isinstance(device, Vdpa)}
    return {path: address for path, address in paths.items() if path and address} | {
        device.interface: functions.get(device.parent)
        for device in known
        if isinstance(device, NetworkInterface) and device.parent not in unread
    }


def _offered(
    functions: Mapping[str, PciFunction], devices: Iterable[NodeDevice], specs: Sequence[DeviceSpec]
) -> dict[str, _Place]:
    known = tuple(devices)
    by_name = {function.name: address for address, function in functions.items()}
    interfaces = {
        device.interface: by_name[device.parent]
        for device in known
        if isinstance(device, NetworkInterface) and device.parent in by_name
    }
    vdpa = {device.parent for device in known if isinstance(device, Vdpa)}
    places = {}
    for address, function in functions.items():
        serial = _serial(function, functions)
        spec = next((spec for spec in specs if spec.matches(function, interfaces, serial)), None)
        if spec:
            places[address] = _place(function, _type(function, vdpa), spec)
    return places


def _serial(function: PciFunction, functions: Mapping[str, PciFunction]) -> str:
    """Of a VF that has none, its PF's."""
    physical = functions.get(str(function.physical_function))
    return function.serial or (physical.serial if physical else "")


def _type(function: PciFunction, vdpa: Collection[str]) -> PciType:
    if function.has_virtual_functions:
        return PciType.PF
    if function.physical_function is None:
        return PciType.PCI
    return PciType.VDPA if function.name in vdpa else PciType.VF


def _place(function: PciFunction, type_: PciType, spec: DeviceSpec) -> _Place:
    tags = ({"remote_managed": "false"} if type_ in _VIRTUAL else {}) | dict(spec.tags)
    kind = _Kind(function.vendor_id, function.product_id, type_, function.numa_cell, tuple(sorted(tags.items())))
    physical = function.physical_function
    return _Place(kind, PciDevice(address=str(function.address), parent_address=str(physical) if physical else ""))


def _places(pools: Iterable[PciPool]) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    for pool in pools:
        tags = tuple(sorted(pool.tags.items()))
        kind = _Kind(pool.vendor_id, pool.product_id, pool.type, pool.numa_cell, tags)
        places |= {device.address: _Place(kind, device) for device in pool.devices}
    return places


def _counts_still(address: str, used: Collection[str], unread: Collection[str | None]) -> bool:
    """Whether it matters where a device was last. None in `unread` stands for what is no PCI function.

    What sits on a function decides whether it is offered and as what: one of those unread, nobody knows of which.
    """
    return address in used or address in unread or None in unread


def _address(name: str) -> str | None:
    try:
        return str(PciAddress.of_node_device(name))
    except NoPciAddress:
        return None


def _stays(place: _Place, function: PciFunction | None, *, missing: bool) -> _Place | None:
    """The place as it was; None if another device has taken the address meanwhile."""
    kind = place.kind
    if function and (function.vendor_id, function.product_id) != (kind.vendor_id, kind.product_id):
        return None
    return replace(place, device=structs.replace(place.device, missing=missing))


def _pools(places: Iterable[_Place]) -> tuple[PciPool, ...]:
    found: dict[_Kind, list[PciDevice]] = {}
    for place in places:
        found.setdefault(place.kind, []).append(place.device)
    return tuple(_pool(kind, found[kind]) for kind in sorted(found, key=_Kind.order))


def _pool(kind: _Kind, devices: Iterable[PciDevice]) -> PciPool:
    return PciPool(
        vendor_id=kind.vendor_id,
        product_id=kind.product_id,
        type=kind.type,
        numa_cell=kind.numa_cell,
        tags=dict(kind.tags),
        devices=tuple(sorted(devices, key=lambda device: device.address)),
    )
