"""Hosts and guests as metrics, at the age of the last audit: a scrape asks libvirt nothing.

What the last look did not tell is absent. The number of series is bounded: guests beyond a number are summed up.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from hypertally.hypervisor.usage import GuestUsage, Usage

OTHERS = "others"
"""In place of the uuid, of the guests that have no series of their own."""

_HOST = {
    "memory_size_bytes": "Memory of the host.",
    "memory_free_bytes": "Memory that nothing uses.",
    "memory_buffers_bytes": "Memory that the kernel's buffers use and would give back.",
    "memory_cached_bytes": "Memory that the kernel's page cache uses and would mostly give back.",
    "disk_size_bytes": "Size of the back end that holds the guests' disks.",
    "disk_free_bytes": "What is free of it.",
    "disk_used_bytes": "What is used of it, by whomever.",
}

_GUEST_SIZES = {
    "vcpus": "Virtual CPUs that the guest has at present.",
    "memory_bytes": "Memory that the guest has at present: its balloon's size.",
    "memory_resident_bytes": "Memory of the host that the guest's process takes.",
}

_GUEST_COUNTS = {
    "cpu_seconds": "CPU time of the guest and its hypervisor process.",
    "cpu_user_seconds": "The part of the CPU time in user mode.",
    "cpu_system_seconds": "The part of the CPU time in the kernel.",
    "block_read_bytes": "Read from all drives.",
    "block_read_requests": "Reads from all drives.",
    "block_read_seconds": "Time that reads took.",
    "block_write_bytes": "Written to all drives.",
    "block_write_requests": "Writes to all drives.",
    "block_write_seconds": "Time that writes took.",
    "interface_receive_bytes": "Received on all interfaces.",
    "interface_receive_packets": "Packets received on all interfaces.",
    "interface_receive_errors": "Errors of receiving on all interfaces.",
    "interface_receive_drops": "Packets that were dropped on receiving on all interfaces.",
    "interface_transmit_bytes": "Sent on all interfaces.",
    "interface_transmit_packets": "Packets sent on all interfaces.",
    "interface_transmit_errors": "Errors of sending on all interfaces.",
    "interface_transmit_drops": "Packets that were dropped on sending on all interfaces.",
}

_NODE = ("compute_node",)
_GUEST = (*_NODE, "uuid")


@dataclass(frozen=True)
class _Shown:
    usage: Usage
    own: tuple[GuestUsage, ...]
    rest: Mapping[str, float]
    summed: int


class UsageCollector(Collector):
    """`hear` is called by each host's thread for its own node, `collect` by the server's threads."""

    def __init__(self, most_guests: int) -> None:
        self._most_guests = most_guests
        self._shown: dict[str, _Shown] = {}

    def hear(self, node: str, usage: Usage | None) -> None:
        """None: nothing is known of the node at present."""
        if usage is None:
            self._shown.pop(node, None)
            return
        # A guest that has series keeps them while it runs: they would begin and end with every newcomer otherwise.
        before = self._shown.get(node)
        known = {guest.uuid for guest in before.own} if before else set()
        ranked = sorted(usage.guests or (), key=lambda guest: (guest.uuid not in known, guest.uuid))
        own, rest = ranked[: self._most_guests], ranked[self._most_guests :]
        self._shown[node] = _Shown(usage, tuple(own), _sum(rest), len(rest))

    def describe(self) -> Iterable[Metric]:
        return [family for family, _ in _families({})]

    def collect(self) -> Iterable[Metric]:
        return [family for family, _ in _families(dict(self._shown))]


def _families(shown: Mapping[str, _Shown]) -> Iterator[tuple[Metric, tuple[str, ...]]]:
    """Each with its labels."""
    yield _host_cpu(shown), (*_NODE, "mode")
    for name, text in _HOST.items():
        sizes = GaugeMetricFamily(f"hypertally_host_{name}", text, labels=_NODE)
        for node, each in shown.items():
            if name in each.usage.host:
                sizes.add_metric([node], each.usage.host[name])
        yield sizes, _NODE
    active = GaugeMetricFamily("hypertally_host_active_guests", "Guests that run or are paused.", labels=_NODE)
    summed = GaugeMetricFamily(
        "hypertally_host_summed_guests", f'Of these, guests that share the series of uuid "{OTHERS}".', labels=_NODE
    )
    for node, each in shown.items():
        if each.usage.guests is not None:
            active.add_metric([node], len(each.usage.guests))
            summed.add_metric([node], each.summed)
    yield active, _NODE
    yield summed, _NODE
    yield from _of_guests(shown)


def _host_cpu(shown: Mapping[str, _Shown]) -> Metric:
    text = "CPU time of the host by mode: user, system, idle, iowait."
    family = CounterMetricFamily("hypertally_host_cpu_seconds", text, labels=(*_NODE, "mode"))
    for node, each in shown.items():
        for mode, seconds in each.usage.cpu_seconds.items():
            family.add_metric([node, mode], seconds)
    return family


def _of_guests(shown: Mapping[str, _Shown]) -> Iterator[tuple[Metric, tuple[str, ...]]]:
    names = InfoMetricFamily("hypertally_guest", "The guest's name, to be joined by uuid.", labels=_GUEST)
    for node, each in shown.items():
        for guest in each.own:
            names.add_metric([node, guest.uuid], {"name": guest.name})
    yield names, (*_GUEST, "name")
    for kind, table in ((GaugeMetricFamily, _GUEST_SIZES), (CounterMetricFamily, _GUEST_COUNTS)):
        for name, text in table.items():
            family = kind(f"hypertally_guest_{name}", text, labels=_GUEST)
            for node, uuid, value in _values(shown, name):
                family.add_metric([node, uuid], value)
            yield family, _GUEST


def _values(shown: Mapping[str, _Shown], name: str) -> Iterator[tuple[str, str, float]]:
    for node, each in shown.items():
        for guest in each.own:
            if name in guest.values:
                yield node, guest.uuid, guest.values[name]
        if name in each.rest:
            yield node, OTHERS, each.rest[name]


def _sum(guests: Iterable[GuestUsage]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for guest in guests:
        for name, value in guest.values.items():
            sums[name] = sums.get(name, 0.0) + value
    return sums


def labels() -> dict[str, tuple[str, ...]]:
    """Of each family, by its name."""
    return {family.name: names for family, names in _families({})}
