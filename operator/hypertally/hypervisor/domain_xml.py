"""What one guest's XML says that the bulk record does not: devices, pinning, memory binding, disks as configured.

A part that cannot be understood is Unread and costs itself only.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from xml.etree.ElementTree import Element

from .cpu_set import BadCpuSet, parse_cpu_set
from .facts import Unread
from .pci_address import NoPciAddress, PciAddress
from .xml import parse

T = TypeVar("T")

_UNITS_IN_BYTES = {"b": 1, "bytes": 1, "KB": 1000, "k": 1024, "KiB": 1024}
_UNITS_IN_BYTES |= {"MB": 1000**2, "M": 1024**2, "MiB": 1024**2, "GB": 1000**3, "G": 1024**3, "GiB": 1024**3}
_UNITS_IN_BYTES |= {"TB": 1000**4, "T": 1024**4, "TiB": 1024**4}
"""libvirt writes KiB; the others are what it reads."""

_BINDING_MODES = ("strict", "restrictive")
"""Of numatune: with these no memory comes from another cell. `preferred` and `interleave` are wishes."""

_MOST_DIGITS = 20
"""Of a 64-bit number."""


class _NotUnderstood(ValueError):
    """A value that libvirt does not write."""


@dataclass(frozen=True)
class Disk:
    """One `<disk>`. `device`: disk, lun, cdrom or floppy. `type`: file, block, network, volume, dir, nvme and so on."""

    target: str
    device: str
    type: str
    location: str = ""
    """The file, block device, folder or image name; empty while no medium is in it."""
    pool: str = ""
    """The libvirt pool of a `volume`."""
    protocol: str = ""
    """Of a network disk: rbd, iscsi, nbd and so on."""
    format: str = ""
    shareable: bool = False
    has_medium: bool = False


@dataclass(frozen=True)
class Pinning:
    """CPUs that threads of the guest are confined to. One without an own entry runs on `default`, if there is one."""

    vcpus: Mapping[int, frozenset[int]]
    emulator: frozenset[int] | None = None
    io_threads: tuple[frozenset[int], ...] = ()
    default: frozenset[int] | None = None


@dataclass(frozen=True)
class HugePages:
    """`sizes_kib` that are named; `unnamed` if it takes the host's default size as well. Neither: ordinary pages."""

    sizes_kib: tuple[int, ...] = ()
    unnamed: bool = False


@dataclass(frozen=True)
class Domain:
    """0 of a size is unknown: no guest has no CPU and no memory."""

    vcpus: int
    vcpus_now: int
    memory_bytes: int
    memory_now_bytes: int
    disks: tuple[Disk, ...]
    pinning: Pinning | Unread
    cells: frozenset[int] | Unread
    """Host NUMA cells that its memory cannot leave."""
    pages: HugePages | Unread
    pci_addresses: tuple[PciAddress, ...] | Unread
    """Host devices given to it: as hostdev, as a network interface or as an NVMe disk. Sorted."""
    pci_names: tuple[str, ...]
    """Names of host devices that it takes for itself without telling their address: character devices of vDPA,
    `/dev/vhost-vdpa-0`, and network interfaces below a macvtap that nobody shares, `ens5f0v1`. Sorted."""
    mdev_uuids: tuple[str, ...]
    """Sorted, lower case."""


def read_domain(text: str) -> Domain:
    """Raises UnreadableXml."""
    root = parse(text)
    most = positive(root.findtext("vcpu"))
    current = root.find("vcpu")
    return Domain(
        vcpus=most,
        vcpus_now=(0 if current is None else positive(current.get("current"))) or most,
        memory_bytes=_bytes(root.find("memory")),
        memory_now_bytes=_bytes(root.find("currentMemory")),
        disks=tuple(_disk(element) for element in root.iterfind("devices/disk")),
        pinning=_understood("pinning", _pinning, root),
        cells=_understood("numatune", _cells, root),
        pages=_understood("memoryBacking", _pages, root),
        pci_addresses=_understood("devices", _pci_addresses, root),
        pci_names=tuple(sorted(set(_pci_names(root)))),
        mdev_uuids=tuple(sorted(set(_mdev_uuids(root)))),
    )


def positive(text: str | None) -> int:
    """The number, or 0 for what is none; int() would also take signs and underscores."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0


def _understood(part: str, read: Callable[[Element], T], root: Element) -> T | Unread:
    try:
        return read(root)
    except (BadCpuSet, NoPciAddress, _NotUnderstood) as error:
        return Unread(f"{part}: {error}")


def _bytes(element: Element | None) -> int:
    if element is None:
        return 0
    return positive(element.text) * _UNITS_IN_BYTES.get(element.get("unit", "KiB"), 0)


# CPUs


def _pinning(root: Element) -> Pinning:
    return Pinning(
        vcpus={_index(pin.get("vcpu")): _cpus(pin) or frozenset() for pin in root.iterfind("cputune/vcpupin")},
        emulator=_cpus(root.find("cputune/emulatorpin")),
        io_threads=tuple(_cpus(pin) or frozenset() for pin in root.iterfind("cputune/iothreadpin")),
        default=_cpus(root.find("vcpu")),
    )


def _cpus(element: Element | None) -> frozenset[int] | None:
    return None if element is None or "cpuset" not in element.attrib else parse_cpu_set(element.get("cpuset", ""))


def _index(text: str | None) -> int:
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        raise _NotUnderstood(f"{(text or '')[:64]!r} is no number")
    return int(text)


# Memory


def _cells(root: Element) -> frozenset[int]:
    bound: frozenset[int] = frozenset()
    for tag in ("memory", "memnode"):
        for element in root.iterfind(f"numatune/{tag}"):
            # libvirt leaves out the mode that it defaults to, and the nodes where numad chooses them.
            if element.get("mode", _BINDING_MODES[0]) in _BINDING_MODES:
                bound |= parse_cpu_set(element.get("nodeset", ""))
    if bound:  # else most of it floats
        for mask in root.iterfind("devices/memory/source/nodemask"):
            bound |= parse_cpu_set(mask.text or "")
    return bound


def _pages(root: Element) -> HugePages:
    element = root.find("memoryBacking/hugepages")
    if element is None:
        return HugePages()
    sizes = {_page_size_kib(page) for page in element.iterfind("page")}
    return HugePages(tuple(sorted(sizes)), unnamed=not sizes)


def _page_size_kib(page: Element) -> int:
    size = _index(page.get("size")) * _UNITS_IN_BYTES.get(page.get("unit", "KiB"), 0)
    if size <= 0 or size % 1024:
        raise _NotUnderstood(f"a page size of {page.get('size', '')[:64]} {page.get('unit', 'KiB')[:64]}")
    return size // 1024


# Devices


def _pci_addresses(root: Element) -> tuple[PciAddress, ...]:
    return tuple(sorted({PciAddress.of_attributes(address.attrib) for address in _pci_sources(root)}))


def _pci_sources(root: Element) -> Iterator[Element]:
    for device in root.iterfind("devices/*"):
        if not _takes_pci(device):
            continue
        for address in device.iterfind("source/address"):
            if address.get("type", "pci") == "pci":
                yield address
    # Under the overlay of a snapshot, and as the target of a copy: the disk itself is of another type then.
    yield from root.iterfind("devices/disk//backingStore[@type='nvme']/source/address")
    yield from root.iterfind("devices/disk/mirror[@type='nvme']/source/address")


def _takes_pci(device: Element) -> bool:
    match device.tag:
        case "hostdev":
            return device.get("type") == "pci"
        case "interface":
            return device.get("type") == "hostdev"
        case "disk":
            return device.get("type") == "nvme"
        case _:
            return False


_TAKEN_BY_NAME = (
    "interface[@type='vdpa']/source[@dev]",
    "disk[@type='vhostvdpa']/source[@dev]",
    # Nova's vnic_type macvtap. In the other modes several guests share the interface.
    "interface[@type='direct']/source[@mode='passthrough'][@dev]",
)


def _pci_names(root: Element) -> Iterator[str]:
    for path in _TAKEN_BY_NAME:
        yield from (source.get("dev", "") for source in root.iterfind(f"devices/{path}"))


def _mdev_uuids(root: Element) -> Iterator[str]:
    for address in root.iterfind("devices/hostdev[@type='mdev']/source/address"):
        if address.get("uuid"):
            yield address.get("uuid", "").lower()


def _disk(element: Element) -> Disk:
    source, target, driver = element.find("source"), element.find("target"), element.find("driver")
    where = {} if source is None else source.attrib
    return Disk(
        target="?" if target is None else target.get("dev", "?"),
        device=element.get("device", "disk"),
        type=element.get("type", "file"),
        location=next((where[key] for key in ("file", "dev", "dir", "volume", "name") if key in where), ""),
        pool=where.get("pool", ""),
        protocol=where.get("protocol", ""),
        format="" if driver is None else driver.get("type", ""),
        shareable=element.find("shareable") is not None,
        has_medium=source is not None,
    )
