"""What libvirt's node device documents say of PCI functions and of what sits on them. Pure.

Only what becomes part of a report is kept: a host may have thousands of devices, and all of them are remembered.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from .pci_address import NoPciAddress, PciAddress
from .xml import UnreadableXml, parse

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_CHARACTERS = 256
"""Of a text that is kept; the longest that real devices have is a fraction of it."""


@dataclass(frozen=True, slots=True)
class MdevKind:
    """A type of mediated device that a parent can make, and how many more of it."""

    type: str
    name: str
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PciFunction:
    """One function of a PCI device; ids are four lower-case hexadecimal digits."""

    name: str
    address: PciAddress
    vendor_id: str
    product_id: str
    numa_cell: int | None = None
    has_virtual_functions: bool = False
    """It is a PF, though it may have no VF at present."""
    physical_function: PciAddress | None = None
    """Of a VF: its PF."""
    serial: str = ""
    """Of the card, from its vital product data."""
    mdev_kinds: tuple[MdevKind, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """`parent` is the node device that it belongs to."""

    name: str
    parent: str
    interface: str


@dataclass(frozen=True, slots=True)
class Vdpa:
    """A vDPA device on a VF; guests use it by its character device."""

    name: str
    parent: str
    chardev: str


@dataclass(frozen=True, slots=True)
class MediatedDevice:
    name: str
    parent: str
    uuid: str
    type: str


@dataclass(frozen=True, slots=True)
class OtherDevice:
    """One that no report tells of: remembered all the same, so that it is not asked for again."""

    name: str
    reason: str = ""
    """Set for a PCI device that cannot be named."""


@dataclass(frozen=True, slots=True)
class UnreadDevice:
    """One that is there, and of which nothing more is known."""

    name: str
    reason: str


NodeDevice = PciFunction | NetworkInterface | Vdpa | MediatedDevice | OtherDevice | UnreadDevice


def read_node_device(name: str, document: str) -> NodeDevice:
    """`name` is the one that libvirt lists it under. Never raises: an UnreadDevice says why."""
    try:
        return _read(name, parse(document))
    except (UnreadableXml, _Missing) as error:
        return UnreadDevice(name, str(error))


class _Missing(ValueError):
    """The document lacks what libvirt's schema requires."""


def _read(name: str, root: Element) -> NodeDevice:
    parent = _text(root, "parent")
    for capability in root.iterfind("capability"):
        match capability.get("type"):
            case "pci":
                return _pci(name, capability)
            case "net":
                return NetworkInterface(name, parent, _required(capability, "interface"))
            case "vdpa":
                return Vdpa(name, parent, _text(capability, "chardev"))
            case "mdev":
                return MediatedDevice(name, parent, _uuid(name, capability), _attribute(capability, "type", "id"))
    return OtherDevice(name)


def _pci(name: str, capability: Element) -> PciFunction | OtherDevice:
    try:
        address = PciAddress.of_numbers(
            {part: _text(capability, part) for part in ("domain", "bus", "slot", "function")}
        )
    except NoPciAddress as error:
        return OtherDevice(name, str(error))
    inner = {each.get("type"): each for each in capability.iterfind("capability")}
    return PciFunction(
        name=name,
        address=address,
        vendor_id=_id(capability, "vendor"),
        product_id=_id(capability, "product"),
        numa_cell=_numa_cell(capability),
        has_virtual_functions="virt_functions" in inner,
        physical_function=_physical_function(inner.get("phys_function")),
        serial=_text(inner["vpd"], "fields/serial_number") if "vpd" in inner else "",
        mdev_kinds=tuple(sorted(_mdev_kinds(inner["mdev_types"]), key=str)) if "mdev_types" in inner else (),
    )


def _physical_function(capability: Element | None) -> PciAddress | None:
    """None also where the capability has no address: libvirt's schema admits it, Nova's rule is that it is no VF."""
    element = None if capability is None else capability.find("address")
    if element is None:
        return None
    try:
        return PciAddress.of_attributes(element.attrib)
    except NoPciAddress as error:
        raise _Missing(f"its physical function: {error}") from None


def _mdev_kinds(capability: Element) -> Iterator[MdevKind]:
    for kind in capability.iterfind("type"):
        identity = (kind.get("id") or "")[:_MOST_CHARACTERS]
        if identity:
            yield MdevKind(identity, _text(kind, "name"), _count(_text(kind, "availableInstances")))


def mdev_uuid(name: str) -> str:
    """libvirt names a mediated device mdev_UUID with underscores, and newer versions the parent behind it; else ''."""
    found = "-".join(name.split("_")[1:6]).lower()
    return found if _UUID.fullmatch(found) else ""


def _uuid(name: str, capability: Element) -> str:
    """libvirt before 7.3 had no <uuid>."""
    told = _text(capability, "uuid").lower() or mdev_uuid(name)
    if not _UUID.fullmatch(told):
        raise _Missing("it has no <uuid>")
    return told


def _numa_cell(capability: Element) -> int | None:
    """None where the firmware does not say; -1 is the kernel's word for that."""
    element = capability.find("numa")
    text = "" if element is None else element.get("node", "")
    return _count(text) if _is_count(text) else None


def _id(capability: Element, tag: str) -> str:
    text = _attribute(capability, tag, "id").lower().removeprefix("0x")
    if not 1 <= len(text) <= len("ffff") or not all(digit in "0123456789abcdef" for digit in text):
        raise _Missing(f"its <{tag}> has no id of four hexadecimal digits")
    return text.zfill(4)


def _attribute(root: Element, tag: str, name: str) -> str:
    element = root.find(tag)
    text = "" if element is None else element.get(name, "")
    if not text:
        raise _Missing(f"its <{tag}> has no {name}")
    return text[:_MOST_CHARACTERS]


def _required(root: Element, path: str) -> str:
    text = _text(root, path)
    if not text:
        raise _Missing(f"it has no <{path}>")
    return text


def _text(root: Element, path: str) -> str:
    return (root.findtext(path) or "").strip()[:_MOST_CHARACTERS]


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < len(str(2**31))


def _count(text: str) -> int:
    return int(text) if _is_count(text) else 0
