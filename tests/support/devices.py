"""Node devices as libvirt describes them, for tests of what becomes of them."""

from typing import Any

from hypertally.api.inventory import PciDevice, PciPool, PciType
from hypertally.hypervisor.node_devices import PciFunction
from hypertally.hypervisor.pci_address import PciAddress

PF, VF1, VF2 = "0000:04:00.3", "0000:04:10.7", "0000:04:11.7"


def node_name(address: str) -> str:
    return "pci_" + address.replace(":", "_").replace(".", "_")


def function(address: str = "0000:0a:00.5", product: str = "0443", vendor: str = "8086", **more: Any) -> PciFunction:
    return PciFunction(
        name=node_name(address), address=PciAddress.parse(address), vendor_id=vendor, product_id=product, **more
    )


def physical_function(address: str = PF, **more: Any) -> PciFunction:
    return function(address, **{"product": "1521", "numa_cell": 0, "has_virtual_functions": True, **more})


def virtual_function(address: str = VF1, parent: str = PF, **more: Any) -> PciFunction:
    return function(
        address, **{"product": "1520", "numa_cell": 0, "physical_function": PciAddress.parse(parent), **more}
    )


def card() -> tuple[PciFunction, ...]:
    """Nova's example: a PF and two VFs of it."""
    return (physical_function(), virtual_function(VF1), virtual_function(VF2))


def pool(*devices: PciDevice | str, product: str = "1520", type_: PciType = PciType.VF, **more: Any) -> PciPool:
    listed = tuple(PciDevice(address=one, parent_address=PF) if isinstance(one, str) else one for one in devices)
    how: dict[str, Any] = {"vendor_id": "8086", "numa_cell": 0, "tags": {}, **more}
    return PciPool(product_id=product, type=type_, devices=listed, **how)


def xml(name: str, capability: str, parent: str = "computer") -> str:
    return f"<device><name>{name}</name><parent>{parent}</parent>{capability}</device>"


def pci_xml(address: str = VF1, inner: str = "", *, vendor: str = "0x8086", product: str = "0x1520") -> str:
    where = PciAddress.parse(address)
    return xml(
        node_name(address),
        f"<capability type='pci'><domain>{where.domain}</domain><bus>{where.bus}</bus><slot>{where.slot}</slot>"
        f"<function>{where.function}</function><product id='{product}'/><vendor id='{vendor}'/>{inner}</capability>",
    )
