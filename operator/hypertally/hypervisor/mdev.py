"""Types of mediated devices (vGPUs) at each PCI parent, and the devices that exist. Pure.

Parents on other buses (vfio-ccw, vfio-ap) have no PCI address and are left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from hypertally.api.inventory import MdevType

from .node_devices import MdevKind, MediatedDevice, NodeDevice, PciFunction, UnreadDevice, mdev_uuid


@dataclass(frozen=True)
class _Slot:
    """One type at one parent."""

    parent_address: str
    type: str


def mdev_types(devices: Sequence[NodeDevice], last: Iterable[MdevType]) -> tuple[MdevType, ...]:
    """Sorted by parent and type. While some device is unread, what was last known of its parent stays.

    A type that its parent no longer offers stays listed while a device of it exists, with none available.
    """
    parents = {device.name: device for device in devices if isinstance(device, PciFunction)}
    types = {
        _Slot(str(parent.address), kind.type): _listed(parent, kind)
        for parent in parents.values()
        for kind in parent.mdev_kinds
    }
    before = {_Slot(each.parent_address, each.type): each for each in last}
    read = {str(parent.address) for parent in parents.values()}
    for slot, instances in _instances(devices, parents, before).items():
        if slot.parent_address not in read:
            continue  # What it offers is known from last time only, and so is what exists of it.
        known = types.get(slot) or MdevType(parent_address=slot.parent_address, type=slot.type)
        types[slot] = structs.replace(known, instances=tuple(sorted(instances)))
    if any(isinstance(device, UnreadDevice) for device in devices):
        types = before | types
    return tuple(types[slot] for slot in sorted(types, key=lambda slot: (slot.parent_address, slot.type)))


def _listed(parent: PciFunction, kind: MdevKind) -> MdevType:
    return MdevType(parent_address=str(parent.address), type=kind.type, name=kind.name, available=kind.available)


def _instances(
    devices: Iterable[NodeDevice], parents: Mapping[str, PciFunction], before: Mapping[_Slot, MdevType]
) -> dict[_Slot, set[str]]:
    slots = {uuid: slot for slot, type_ in before.items() for uuid in type_.instances}
    found: dict[_Slot, set[str]] = {}
    for device in devices:
        if isinstance(device, MediatedDevice) and device.parent in parents:
            slot = _Slot(str(parents[device.parent].address), device.type)
            found.setdefault(slot, set()).add(device.uuid)
        elif isinstance(device, UnreadDevice) and (uuid := mdev_uuid(device.name)) in slots:
            found.setdefault(slots[uuid], set()).add(uuid)
    return found
