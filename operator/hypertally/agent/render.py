"""A report for a person or for a program."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hypertally.api.amounts import Amounts
from hypertally.api.base import to_wire
from hypertally.api.compute_node import Report
from hypertally.hypervisor.identity import Identity

from .settings import Output

_MIB_PER_GIB = 1024


def render(output: Output, identity: Identity, report: Report) -> str:
    """JSON and YAML are exactly `status.report`; the table also names the host."""
    match output:
        case Output.JSON:
            return msgspec.json.format(msgspec.json.encode(to_wire(report)), indent=2).decode()
        case Output.YAML:
            return _yaml(to_wire(report)).rstrip()
        case Output.TABLE:
            return "\n".join([*_host(identity, report), "", *_amounts(report), "", *_guests(report)])


def _yaml(document: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415  # 1 MiB that an agent in a Pod never needs

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return text


def _host(identity: Identity, report: Report) -> list[str]:
    hypervisor = report.hypervisor
    return _aligned(
        [
            ("HOST", identity.hostname),
            ("UUID", identity.host_uuid),
            ("HYPERVISOR", f"{hypervisor.type} {hypervisor.version}, libvirt {hypervisor.libvirt_version}"),
            ("ADDRESS", hypervisor.host_ip or "unknown"),
        ]
    )


def _amounts(report: Report) -> list[str]:
    has, used = report.capacity, report.measured
    return _aligned(
        [
            ("", "CAPACITY", "IN USE"),
            ("VCPUS", str(has.vcpus) if has else "unknown", str(used.vcpus) if used else "unknown"),
            ("MEMORY", *_sizes("memory_mib", has, used)),
            ("DISK", *_sizes("disk_mib", has, used)),
        ]
    )


def _guests(report: Report) -> list[str]:
    if not report.guests:
        return ["No guests."]
    rows = [
        (guest.name, guest.state.value, str(guest.vcpus), _size(guest.memory_mib), _size(guest.disk_mib), guest.uuid)
        for guest in sorted(report.guests, key=lambda guest: (guest.name, guest.uuid))
    ]
    lines = _aligned([("GUEST", "STATE", "VCPUS", "MEMORY", "DISK", "UUID"), *rows])
    return [*lines, f"and {report.guests_omitted} more"] if report.guests_omitted else lines


def _sizes(name: str, *amounts: Amounts | None) -> list[str]:
    return [_size(None if amount is None else getattr(amount, name)) for amount in amounts]


def _size(mib: int | None) -> str:
    if mib is None:
        return "unknown"
    return f"{mib} MiB" if mib < _MIB_PER_GIB else f"{mib / _MIB_PER_GIB:.1f} GiB"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, three blanks apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
