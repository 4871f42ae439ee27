"""Figures over all ComputeNodes as metrics: kept up to date with each change of one, so that neither an event nor a
scrape costs more in a larger fleet. Only the family by namespace, off by default, has series for each ComputeNode."""

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec.structs import fields
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from hypertally.api.amounts import Amounts
from hypertally.api.base import to_wire
from hypertally.api.compute_node import ComputeNode, InstanceStates, Ledger, NodeCondition, Workload
from hypertally.api.conditions import Status
from hypertally.ledger.drift import drifts
from hypertally.ledger.transitions import STAYS

from .move_counts import MoveCounts

OTHERS = "(others)"
"""In place of a namespace: of those beyond the bound. No namespace can be called so."""

_STRAYS = "hypertally_fleet_misplaced_guests"
_FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "hypertally_fleet_compute_nodes": ("ComputeNodes by the status of each condition.", ("condition", "status")),
    "hypertally_fleet_instances": ("Instances that hold something, by the state of their guest there.", ("state",)),
    "hypertally_fleet_workload": ("Claims of starts and moves in progress.", ("kind",)),
    "hypertally_fleet_orphans": ("Guests that no Instance stands for.", ()),
    "hypertally_fleet_drifted_guests": ("Guests that are not what is accounted for them.", ()),
    _STRAYS: ("Guests whose Instance is accounted on another host, or on none.", ()),
    "hypertally_fleet_vcpus": ("Virtual CPUs of all hosts.", ("stage",)),
    "hypertally_fleet_pcpus": ("CPUs of all hosts that a guest has to itself.", ("stage",)),
    "hypertally_fleet_memory_bytes": ("Memory of all hosts.", ("stage",)),
    "hypertally_fleet_disk_bytes": ("Disk of all hosts.", ("stage",)),
}
_MIB = 2**20
_BY_NAMESPACE = "hypertally_node_instances"
_TYPES = frozenset(NodeCondition)

_Key = tuple[str, tuple[str, ...]]
"""A family and the values of its labels."""


class Counts(Collector):
    """Told by the event loop, asked by the server's threads: each figure is changed in one step.

    `namespaces`: how many namespaces have a series of their own on each ComputeNode; 0 for no such series at all.
    """

    def __init__(self, namespaces: int = 0) -> None:
        self._namespaces = namespaces
        self.moves = MoveCounts()
        self._of_node: dict[str, Counter[_Key]] = {}
        self._strays: dict[str, int] = {}
        self._by_namespace: dict[str, Counter[str]] = {}
        self._total: Counter[_Key] = Counter()

    def hear(self, name: str, node: ComputeNode | None) -> None:
        """None: it is gone."""
        new = Counter(dict(_figures(node))) if node is not None else Counter()
        self._add(self._of_node.pop(name, Counter()), new)
        if node is None:
            self.misplaced(name, 0)
            self._by_namespace.pop(name, None)
            return
        self._of_node[name] = new
        if self._namespaces and node.status.ledger is not None:
            self._by_namespace[name] = _namespaces(node.status.ledger)

    def misplaced(self, name: str, guests: int) -> None:
        """Of one ComputeNode: known to who knows the Instances. One that is gone meanwhile has none."""
        guests = guests if name in self._of_node else 0
        self._total[_STRAYS, ()] += guests - self._strays.pop(name, 0)
        if guests:
            self._strays[name] = guests

    def _add(self, old: Counter[_Key], new: Counter[_Key]) -> None:
        for key in old.keys() | new.keys():
            if change := new[key] - old[key]:
                self._total[key] += change

    def describe(self) -> Iterable[Metric]:
        return [*(_family(name, *_FAMILIES[name]) for name in _FAMILIES), _per_namespace(), *self.moves.describe()]

    def collect(self) -> Iterable[Metric]:
        total = dict.fromkeys(_ALWAYS, 0) | dict(self._total)
        for name, (text, labels) in _FAMILIES.items():
            family = _family(name, text, labels)
            for (of, values), number in sorted(total.items()):
                if of == name:
                    family.add_metric(values, number)
            yield family
        yield self._collect_namespaces()
        yield from self.moves.collect()

    def _collect_namespaces(self) -> Metric:
        family = _per_namespace()
        for node, counted in sorted(dict(self._by_namespace).items()):
            for namespace, number in _bounded(counted, self._namespaces):
                family.add_metric((node, namespace), number)
        return family


def _always() -> Iterator[_Key]:
    """Figures that are there from the beginning: none of a kind is an answer, and an alert can ask for it."""
    yield from ((name, ()) for name, (_, labels) in _FAMILIES.items() if not labels)
    for name, struct in (("hypertally_fleet_instances", InstanceStates), ("hypertally_fleet_workload", Workload)):
        yield from ((name, (field.encode_name,)) for field in fields(struct))
    yield from (
        ("hypertally_fleet_compute_nodes", (type_.value, status.value)) for type_ in NodeCondition for status in Status
    )


_ALWAYS = tuple(_always())


def _figures(node: ComputeNode) -> Iterator[tuple[_Key, int]]:
    for condition in node.status.conditions:
        if condition.type in _TYPES:
            yield ("hypertally_fleet_compute_nodes", (condition.type, condition.status.value)), 1
    ledger, report = node.status.ledger, node.status.report
    if report is not None:
        yield from _amounts("capacity", report.capacity)
        yield from _amounts("measured", report.measured)
    if ledger is not None:
        for stage in ("allocatable", "allocated", "free"):
            yield from _amounts(stage, getattr(ledger, stage))
        for state, number in to_wire(ledger.states).items():
            yield ("hypertally_fleet_instances", (state,)), number
        for kind, number in to_wire(ledger.workload).items():
            yield ("hypertally_fleet_workload", (kind,)), number
        yield ("hypertally_fleet_orphans", ()), ledger.orphans.count
        yield ("hypertally_fleet_drifted_guests", ()), len(drifts(node))


def _amounts(stage: str, amounts: Amounts | None) -> Iterator[tuple[_Key, int]]:
    """What is not known is left out of the sum."""
    if amounts is not None:
        yield ("hypertally_fleet_vcpus", (stage,)), amounts.vcpus
        yield ("hypertally_fleet_pcpus", (stage,)), amounts.pcpus
        yield ("hypertally_fleet_memory_bytes", (stage,)), amounts.memory_mib * _MIB
        yield ("hypertally_fleet_disk_bytes", (stage,)), amounts.disk_mib * _MIB


def _namespaces(ledger: Ledger) -> Counter[str]:
    """Instances, each once however many claims it holds."""
    return Counter({c.uuid: c.namespace for c in ledger.claims if c.role in STAYS}.values())


def _bounded(counted: Counter[str], most: int) -> Iterator[tuple[str, int]]:
    """The largest, then the rest together."""
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    yield from ranked[:most]
    if ranked[most:]:
        yield OTHERS, sum(number for _, number in ranked[most:])


def _family(name: str, text: str, labels: tuple[str, ...]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)


def _per_namespace() -> GaugeMetricFamily:
    text = "Instances that hold something, by their namespace; only with --metrics-namespaces above 0."
    return _family(_BY_NAMESPACE, text, labels()[_BY_NAMESPACE])


def labels() -> dict[str, tuple[str, ...]]:
    """Of each family, by its name."""
    families = {name: names for name, (_, names) in _FAMILIES.items()} | MoveCounts.labels()
    return families | {_BY_NAMESPACE: ("compute_node", "namespace")}
