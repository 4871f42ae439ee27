"""A report as tables for a person: a part that the host does not have takes no room."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Guest, Report
from hypertally.api.inventory import Cpu, CpuTopology, GuestType, MdevType, NumaCell, PciPool, StoragePool
from hypertally.hypervisor.identity import Identity

_KIB_PER_MIB = 1024
_UNITS = ("MiB", "GiB", "TiB", "PiB")
_STEP = 1024
_WIDTH = 100
_GAP = "   "
_UNKNOWN = "unknown"
_NONE = "-"

Rows = Sequence[Sequence[str]]


def tables(identity: Identity, report: Report) -> str:
    sections = (
        _aligned(_host(identity, report)),
        _aligned(_amounts(report)),
        _aligned(_cells(report)),
        _aligned(_pages(report)),
        _aligned(_pools(report.storage_pools)),
        _aligned(_pci(report.pci_pools)),
        _aligned(_mdev(report.mdev_types)),
        _aligned(_guests(report.guests)) or ["No guests."],
        list(_left_out(report)),
    )
    return "\n\n".join("\n".join(section) for section in sections if section)


def _host(identity: Identity, report: Report) -> Rows:
    hypervisor = report.hypervisor
    rows = [
        ("HOST", identity.hostname),
        ("UUID", identity.host_uuid),
        ("HYPERVISOR", f"{hypervisor.type} {hypervisor.version}, libvirt {hypervisor.libvirt_version}"),
        ("ADDRESS", hypervisor.host_ip or _UNKNOWN),
        ("CPU", _cpu(report.cpu) if report.cpu else _UNKNOWN),
    ]
    if report.guest_types:
        rows += _wrapped("RUNS", _guest_types(report.guest_types))
    return rows


def _cpu(cpu: Cpu) -> str:
    parts = (" ".join(filter(None, (cpu.vendor, cpu.model))), cpu.arch, _topology(cpu.topology))
    features = f"{len(cpu.features)} features" if cpu.features else ""
    return ", ".join(filter(None, (*parts, features)))


def _topology(topology: CpuTopology | None) -> str:
    if topology is None:
        return ""
    numbers = {
        "cell": topology.cells,
        "socket": topology.sockets,
        "core": topology.cores,
        "thread": topology.threads,
    }
    return ", ".join(f"{number} {name}{'s' * (number != 1)}" for name, number in numbers.items())


def _guest_types(types: Iterable[GuestType]) -> str:
    """By hypervisor, since one emulates dozens of architectures."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in types:
        found.setdefault((each.hypervisor, each.os_type), []).append(each.arch)
    return "; ".join(f"{hypervisor} {os}: {' '.join(arches)}" for (hypervisor, os), arches in found.items())


def _wrapped(name: str, text: str) -> list[tuple[str, str]]:
    lines = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return [(name if number == 0 else "", line) for number, line in enumerate(lines)]


def _amounts(report: Report) -> Rows:
    has, used = report.capacity, report.measured
    pcpus = [("PCPUS", *_counts("pcpus", has, used), "")] if has is None or has.pcpus else []
    return [
        ("", "CAPACITY", "IN USE", "LEFT ONCE THIN DISKS ARE FULL"),
        ("VCPUS", *_counts("vcpus", has, used), ""),
        *pcpus,
        ("MEMORY", *_sizes("memory_mib", has, used), ""),
        ("DISK", *_sizes("disk_mib", has, used), _size(report.disk_available_least_mib)),
    ]


def _counts(name: str, has: Amounts | None, used: Amounts | None) -> tuple[str, str]:
    return _count(name, has), _count(name, used)


def _count(name: str, amounts: Amounts | None) -> str:
    return _UNKNOWN if amounts is None else str(getattr(amounts, name))


def _sizes(name: str, has: Amounts | None, used: Amounts | None) -> tuple[str, str]:
    first, second = (_size(None if amounts is None else getattr(amounts, name)) for amounts in (has, used))
    return first, second


def _cells(report: Report) -> Rows:
    return _with_head(
        ("CELL", "SOCKET", "MEMORY", "SHARED CPUS", "DEDICATED CPUS", "THREADS OF A CORE", "DISTANCES"),
        (_cell(cell) for cell in report.numa_cells),
    )


def _cell(cell: NumaCell) -> Sequence[str]:
    return (
        str(cell.id),
        _NONE if cell.socket is None else str(cell.socket),
        _size(cell.memory_mib),
        cell.shared_cpus or _NONE,
        cell.dedicated_cpus or _NONE,
        _some(cell.siblings),
        " ".join(f"{each.cell}:{each.value}" for each in cell.distances) or _NONE,
    )


def _pages(report: Report) -> Rows:
    used = {(each.cell, each.size_kib): str(each.used) for each in report.measured_pages}
    return _with_head(
        ("PAGES OF CELL", "SIZE", "TOTAL", "RESERVED", "IN USE"),
        (
            (str(cell.id), _page(each.size_kib), str(each.total), str(each.reserved), used.get(key, _UNKNOWN))
            for cell in report.numa_cells
            for each in cell.pages
            if (key := (cell.id, each.size_kib)) in used or (each.total and each.size_kib >= _KIB_PER_MIB)
        ),
    )


def _pools(pools: Iterable[StoragePool]) -> Rows:
    return _with_head(
        ("STORAGE POOL", "TYPE", "STATE", "CAPACITY", "ALLOCATED", "AVAILABLE", "IDENTITY"),
        (
            (
                pool.name,
                pool.type,
                "active" if pool.active else "inactive",
                *(
                    _NONE if size is None else _size(size)
                    for size in (pool.capacity_mib, pool.allocation_mib, pool.available_mib)
                ),
                pool.identity,
            )
            for pool in pools
        ),
    )


def _pci(pools: Iterable[PciPool]) -> Rows:
    return _with_head(
        ("PCI DEVICES", "TYPE", "CELL", "NUMBER", "MISSING", "ADDRESSES", "TAGS"),
        (
            (
                f"{pool.vendor_id}:{pool.product_id}",
                pool.type.value,
                _NONE if pool.numa_cell is None else str(pool.numa_cell),
                str(len(pool.devices)),
                str(sum(device.missing for device in pool.devices)),
                _some([device.address for device in pool.devices]),
                " ".join(f"{name}={value}" for name, value in sorted(pool.tags.items())) or _NONE,
            )
            for pool in pools
        ),
    )


def _mdev(types: Iterable[MdevType]) -> Rows:
    return _with_head(
        ("MEDIATED DEVICES", "NAME", "PARENT", "EXIST", "AVAILABLE"),
        (
            (each.type, each.name or _NONE, each.parent_address, str(len(each.instances)), str(each.available))
            for each in types
        ),
    )


def _guests(guests: Sequence[Guest]) -> Rows:
    return _with_head(
        ("GUEST", "STATE", "VCPUS", "MEMORY", "DISK", "UUID", "ALSO HOLDS"),
        (_guest(guest) for guest in sorted(guests, key=lambda guest: (guest.name, guest.uuid))),
    )


def _guest(guest: Guest) -> Sequence[str]:
    sizes = (str(guest.vcpus), _size(guest.memory_mib), _size(guest.disk_mib))
    return (guest.name, guest.state.value, *sizes, guest.uuid, "; ".join(_holdings(guest)))


def _holdings(guest: Guest) -> Iterator[str]:
    if guest.pcpus:
        yield f"{guest.pcpus} pcpus ({guest.pinned_cpus})"
    if guest.cells:
        yield f"memory of cells {' '.join(map(str, guest.cells))}"
    if guest.page_size_kib:
        yield f"pages of {_page(guest.page_size_kib)}"
    if guest.pci_addresses:
        yield f"PCI {_some(guest.pci_addresses)}"
    if guest.mdev_uuids:
        yield f"mdev {_some(guest.mdev_uuids)}"


def _left_out(report: Report) -> Iterator[str]:
    if report.guests_omitted:
        yield f"and {report.guests_omitted} more guests"
    for omission in report.omitted:
        yield f"left out of {omission.part}: {omission.entries}"


def _some(values: Sequence[str], most: int = 4) -> str:
    return " ".join([*values[:most], *([f"and {len(values) - most} more"] if len(values) > most else [])]) or _NONE


def _page(size_kib: int) -> str:
    return _size(size_kib // _KIB_PER_MIB) if size_kib >= _KIB_PER_MIB else f"{size_kib} KiB"


def _size(mib: int | None) -> str:
    if mib is None:
        return _UNKNOWN
    if abs(mib) < _STEP:
        return f"{mib} {_UNITS[0]}"
    value, unit = float(mib), 0
    while abs(value) >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return f"{value:.1f} {_UNITS[unit]}"


def _with_head(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Rows:
    """Nothing if there are no rows. A column in which no row says anything is left out."""
    found = [tuple(row) for row in rows]
    told = [number for number in range(len(head)) if any(row[number] not in ("", _NONE) for row in found)]
    return [[row[number] for number in told] for row in (tuple(head), *found)] if found else []


def _aligned(rows: Rows) -> list[str]:
    """Columns as wide as their widest cell."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
