"""What a host and its guests use, in seconds and bytes: for metrics. It changes with every look, so no report has it.

All of it is in the answers that the audit asks for anyway; only the host's CPU time takes a call, one for the host.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .facts import Snapshot, Unread

_NANO = 1e-9
_KIB = 1024.0

_OF_THE_GUEST = {
    "cpu.time": ("cpu_seconds", _NANO),
    "cpu.user": ("cpu_user_seconds", _NANO),
    "cpu.system": ("cpu_system_seconds", _NANO),
    "vcpu.current": ("vcpus", 1.0),
    "balloon.current": ("memory_bytes", _KIB),
    "balloon.rss": ("memory_resident_bytes", _KIB),
}
_OF_ITS_DEVICES = {
    "block.rd.bytes": ("block_read_bytes", 1.0),
    "block.rd.reqs": ("block_read_requests", 1.0),
    "block.rd.times": ("block_read_seconds", _NANO),
    "block.wr.bytes": ("block_write_bytes", 1.0),
    "block.wr.reqs": ("block_write_requests", 1.0),
    "block.wr.times": ("block_write_seconds", _NANO),
    "net.rx.bytes": ("interface_receive_bytes", 1.0),
    "net.rx.pkts": ("interface_receive_packets", 1.0),
    "net.rx.errs": ("interface_receive_errors", 1.0),
    "net.rx.drop": ("interface_receive_drops", 1.0),
    "net.tx.bytes": ("interface_transmit_bytes", 1.0),
    "net.tx.pkts": ("interface_transmit_packets", 1.0),
    "net.tx.errs": ("interface_transmit_errors", 1.0),
    "net.tx.drop": ("interface_transmit_drops", 1.0),
}
"""Summed over the guest's drives and interfaces: how many series a guest has does not depend on its devices."""

_DEVICE = re.compile(r"(block|net)\.[0-9]+\.(.+)")
_CPU_MODES = {"user": "user", "kernel": "system", "idle": "idle", "iowait": "iowait"}

Values = Mapping[str, float]
"""By name; what was not told is not in it."""


@dataclass(frozen=True)
class GuestUsage:
    """Of an active guest; its counters begin with its start."""

    uuid: str
    name: str
    values: Values


@dataclass(frozen=True)
class Usage:
    cpu_seconds: Values = field(default_factory=lambda: MappingProxyType({}))
    """By mode, since the host's start."""
    host: Values = field(default_factory=lambda: MappingProxyType({}))
    guests: tuple[GuestUsage, ...] | None = None
    """Sorted by uuid; None while the host does not list its guests."""


def usage(snapshot: Snapshot) -> Usage:
    return Usage(cpu_seconds=dict(_cpu(snapshot)), host=dict(_host(snapshot)), guests=_guests(snapshot))


def _guests(snapshot: Snapshot) -> tuple[GuestUsage, ...] | None:
    if isinstance(snapshot.guests, Unread):
        return None
    active = (guest for guest in snapshot.guests if guest.active)
    found = (GuestUsage(guest.uuid, guest.name, dict(_guest(guest.stats))) for guest in active)
    return tuple(sorted(found, key=lambda guest: guest.uuid))


def _cpu(snapshot: Snapshot) -> Iterator[tuple[str, float]]:
    told = snapshot.cpu_time
    for name, mode in _CPU_MODES.items():
        if told is not None and not isinstance(told, Unread) and (value := told.get(name, -1)) >= 0:
            yield mode, value * _NANO


def _host(snapshot: Snapshot) -> Iterator[tuple[str, float]]:
    memory, disk = snapshot.memory_kib, snapshot.disk_space
    if memory is not None and not isinstance(memory, Unread):
        for key, name in (("total", "size"), ("free", "free"), ("buffers", "buffers"), ("cached", "cached")):
            if memory.get(key, -1) >= 0:
                yield f"memory_{name}_bytes", memory[key] * _KIB
    if not isinstance(disk, Unread):
        yield "disk_size_bytes", float(disk.total)
        yield "disk_free_bytes", float(disk.free)
        yield "disk_used_bytes", float(disk.used)


def _guest(stats: Mapping[str, int | str]) -> Iterator[tuple[str, float]]:
    sums: dict[str, float] = {}
    for key, value in stats.items():
        if not isinstance(value, int) or value < 0:
            continue  # libvirt's word for "not told" is -1
        if key in _OF_THE_GUEST:
            name, unit = _OF_THE_GUEST[key]
            yield name, value * unit
        elif (device := _DEVICE.fullmatch(key)) and (found := _OF_ITS_DEVICES.get(f"{device[1]}.{device[2]}")):
            name, unit = found
            sums[name] = sums.get(name, 0.0) + value * unit
    yield from sums.items()
