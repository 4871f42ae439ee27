"""What libvirt's capabilities say of a host: its CPU, its NUMA cells, the kinds of guests that it can run.

A part that cannot be understood is Unread and costs itself only. https://libvirt.org/formatcaps.html
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from xml.etree.ElementTree import Element, tostring

from .cpu_set import CPU_MAX, BadCpuSet, parse_cpu_set
from .facts import Unread
from .xml import parse

T = TypeVar("T")

_MOST_DIGITS = 20
"""Of a 64-bit number."""
_UNITS_IN_KIB = {"KiB": 1, "MiB": 1024, "GiB": 1024**2}


class _NotUnderstood(ValueError):
    """A value that libvirt does not write."""


@dataclass(frozen=True)
class HostTopology:
    sockets: int
    cores: int
    threads: int


@dataclass(frozen=True)
class HostCpu:
    """`features` are those that `model` does not contain already. `document` is the element itself, for libvirt."""

    arch: str
    model: str
    vendor: str
    topology: HostTopology | None
    features: frozenset[str]
    document: str


@dataclass(frozen=True)
class CellCpu:
    """One that is off has neither socket nor siblings, or socket 0 whatever the truth."""

    id: int
    socket: int | None
    siblings: frozenset[int]


@dataclass(frozen=True)
class Cell:
    """`pages` and `distances` by page size in KiB and by cell."""

    id: int
    memory_kib: int
    pages: dict[int, int]
    cpus: tuple[CellCpu, ...]
    distances: dict[int, int]


@dataclass(frozen=True, order=True)
class GuestKind:
    """As libvirt names them."""

    arch: str
    domain_type: str
    os_type: str


@dataclass(frozen=True)
class Capabilities:
    """`host_uuid` as it is written; None of `cpu` means that libvirt does not tell one."""

    host_uuid: str
    cpu: HostCpu | Unread | None
    cells: tuple[Cell, ...] | Unread
    """Sorted by number; empty where libvirt tells no topology."""
    guest_kinds: frozenset[GuestKind]


def read_capabilities(text: str) -> Capabilities:
    """Raises UnreadableXml."""
    root = parse(text)
    return Capabilities(
        host_uuid=(root.findtext("host/uuid") or "").strip(),
        cpu=_understood("host CPU", _cpu, root),
        cells=_understood("topology", _cells, root),
        guest_kinds=frozenset(_guest_kinds(root)),
    )


def _understood(part: str, read: Callable[[Element], T], root: Element) -> T | Unread:
    try:
        return read(root)
    except (BadCpuSet, _NotUnderstood) as error:
        return Unread(f"{part}: {error}")


# The CPU


def _cpu(root: Element) -> HostCpu | None:
    element = root.find("host/cpu")
    arch = "" if element is None else (element.findtext("arch") or "").strip()
    if element is None or not arch:
        return None
    return HostCpu(
        arch=arch,
        model=(element.findtext("model") or "").strip(),
        vendor=(element.findtext("vendor") or "").strip(),
        topology=_topology(element),
        features=read_features(element),
        document=tostring(element, encoding="unicode"),
    )


def read_features(cpu: Element) -> frozenset[str]:
    """Names of the features that the CPU has; those with another policy it lacks."""
    told = (feature for feature in cpu.iterfind("feature") if feature.get("policy", "require") in ("require", "force"))
    return frozenset(feature.get("name", "") for feature in told) - {""}


def _topology(cpu: Element) -> HostTopology | None:
    element = cpu.find("topology")
    if element is None:
        return None
    # Dies and clusters, which newer versions tell beside them, are between socket and core.
    dies, clusters = (_number(element.get(level, "1")) for level in ("dies", "clusters"))
    cores = _number(element.get("cores")) * dies * clusters
    return HostTopology(_number(element.get("sockets")), cores, _number(element.get("threads")))


# NUMA cells


def _cells(root: Element) -> tuple[Cell, ...]:
    cells = [_cell(element) for element in root.iterfind("host/topology/cells/cell")]
    if len({cell.id for cell in cells}) < len(cells):
        raise _NotUnderstood("a cell is told twice")
    return tuple(sorted(cells, key=lambda cell: cell.id))


def _cell(element: Element) -> Cell:
    memory = element.find("memory")
    return Cell(
        id=_number(element.get("id")),
        memory_kib=0 if memory is None else _kib(memory, memory.text),
        pages={_page_kib(pages): _number(pages.text) for pages in element.iterfind("pages")},
        cpus=tuple(sorted(_cell_cpus(element), key=lambda cpu: cpu.id)),
        distances={_number(far.get("id")): _number(far.get("value")) for far in element.iterfind("distances/sibling")},
    )


def _cell_cpus(cell: Element) -> Iterator[CellCpu]:
    for cpu in cell.iterfind("cpus/cpu"):
        number, socket = _number(cpu.get("id")), cpu.get("socket_id")
        if number > CPU_MAX:
            raise _NotUnderstood(f"CPU {number} is beyond {CPU_MAX}")
        yield CellCpu(number, None if socket is None else _number(socket), parse_cpu_set(cpu.get("siblings", "")))


def _page_kib(pages: Element) -> int:
    size = _kib(pages, pages.get("size"))
    if not size:
        raise _NotUnderstood("pages of 0 KiB are none")
    return size


def _kib(element: Element, text: str | None) -> int:
    unit = element.get("unit", "KiB")
    if unit not in _UNITS_IN_KIB:
        raise _NotUnderstood(f"{unit[:64]!r} is no unit")
    return _number(text) * _UNITS_IN_KIB[unit]


def _number(text: str | None) -> int:
    digits = (text or "").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise _NotUnderstood(f"{digits[:64]!r} is no number")
    return int(digits)


# Guests


def _guest_kinds(root: Element) -> Iterator[GuestKind]:
    for guest in root.iterfind("guest"):
        os_type = (guest.findtext("os_type") or "").strip()
        for arch in guest.iterfind("arch"):
            for domain in arch.iterfind("domain"):
                kind = GuestKind(arch.get("name", ""), domain.get("type", ""), os_type)
                if kind.arch and kind.domain_type and kind.os_type:
                    yield kind
