"""What must hold at any moment, whatever is broken. Each remembers what it needs, and answers with complaints."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from math import isnan

from tests.support.ledgers import STAYS
from tests.support.story import KEYS, NOTHING, covers, size_of

from .client import Object
from .seen import Guests, Size, Snapshot
from .world import AUDIT_SECONDS

RECOVERY_SECONDS = 30.0
"""After a fault, until what it held up is tried again: pauses between tries grow to that."""
EXPOSED_SECONDS = AUDIT_SECONDS + 5.0
"""One audit, and what a loaded machine takes for it and for what follows."""

Looks = Mapping[str, Guests | None]
Charges = Callable[[Object], Mapping[str, Size] | None]


def present(before: Looks, after: Looks, host: str) -> dict[str, Size]:
    """Guests that were there all the time between two looks."""
    first, second = before.get(host), after.get(host)
    if first is None or second is None:
        return {}
    return {uuid: size for uuid, size in first.sizes.items() if uuid in second.sizes}


@dataclass
class EveryGuestCharged:
    """A guest that was charged stays so for as long as it is there, and none is uncharged for longer than an audit, not
    counting the time in which something was down. `calm`: seconds since the last fault that concerns the host."""

    charges: Charges
    calm: Callable[[str], float]
    made: int = 0
    _charged: dict[tuple[str, str], str] = field(default_factory=dict)
    """By host and guest, the uid of the record on which it was charged."""
    _exposed: dict[tuple[str, str], float] = field(default_factory=dict)
    _last_at: float = float("nan")

    def look(self, snapshot: Snapshot, before: Looks, after: Looks) -> list[str]:
        passed = 0.0 if isnan(self._last_at) else snapshot.at - self._last_at
        self._last_at = snapshot.at
        complaints = []
        for host in before:
            there = present(before, after, host)
            self._forget(host, there)
            for uuid, size in there.items():
                complaints += self._judge(snapshot, host, uuid, size, passed)
        return complaints

    def _judge(self, snapshot: Snapshot, host: str, uuid: str, size: Size, passed: float) -> list[str]:
        node, key = snapshot.nodes.get(host), (host, uuid)
        charges = self.charges(node) if node else {}
        if charges is None:
            return []
        self.made += 1
        uid, charge = (node["metadata"]["uid"] if node else ""), charges.get(uuid, NOTHING)
        if covers(charge, size):
            self._charged[key] = uid
            self._exposed.pop(key, None)
            return []
        shown = f"version {snapshot.version}: {uuid} is on {host} with {dict(size)}, charged {dict(charge)}"
        if node and self._charged.pop(key, None) == uid and node.get("status", {}).get("ledger"):
            return [f"{shown}; it was charged before"]
        if self.calm(host) >= RECOVERY_SECONDS:
            self._exposed[key] = self._exposed.get(key, 0.0) + passed
        late = self._exposed.get(key, 0.0) > EXPOSED_SECONDS
        return [f"{shown}, for {self._exposed[key]:.0f} s with nothing down"] if late else []

    def _forget(self, host: str, there: Mapping[str, Size]) -> None:
        for memory in (self._charged, self._exposed):
            for key in [key for key in memory if key[0] == host and key[1] not in there]:
                del memory[key]


@dataclass
class NothingLost:
    """A granted Instance is held in full where it is accounted, and stays accounted, until it is deleted.

    What was taken without room because its guest is there lasts as long as the guest.
    """

    roomless: AbstractSet[str] = frozenset()
    made: int = 0
    _homes: dict[str, str] = field(default_factory=dict)

    def look(self, snapshot: Snapshot) -> list[str]:
        complaints = [c for instance in snapshot.instances.values() if (c := self._judge(snapshot, instance))]
        there = {instance["metadata"]["uid"] for instance in snapshot.instances.values()}
        self._homes = {uid: home for uid, home in self._homes.items() if uid in there}
        return complaints

    def _judge(self, snapshot: Snapshot, instance: Object) -> str:
        uid, status = instance["metadata"]["uid"], instance.get("status", {})
        home, shown = status.get("computeNodeName", ""), f"version {snapshot.version}: {instance['metadata']['name']}"
        before, self._homes[uid] = self._homes.get(uid), home
        if before and not home and uid not in self.roomless and before in snapshot.nodes:
            return f"{shown} was accounted on {before} and is no longer"
        ledger = snapshot.nodes.get(home, {}).get("status", {}).get("ledger")
        if not home or ledger is None:
            return ""
        self.made += 1
        own = [c for c in ledger["claims"] if c["instanceUID"] == uid and c["role"] in STAYS]
        held = {key: sum(size_of(claim["resources"])[key] for claim in own) for key in KEYS}
        if (
            any(c.get("overcommitted") for c in own)
            or uid in self.roomless
            or (own and covers(held, size_of(status["resources"])))
        ):
            return ""
        return f"{shown} is granted {status['resources']} on {home}, which holds {own}"


def standing(name: str, node: Object, snapshot: Snapshot) -> list[str]:
    """What keeps a record, guard by guard; nothing for one that may go."""
    status = node.get("status", {})
    accounted = {i["spec"]["uuid"] for i in snapshot.instances.values() if i.get("status", {}).get("computeNodeName")}
    found = [f"Kubernetes node {node['spec']['nodeName']}"] if node["spec"]["nodeName"] in snapshot.machines else []
    found += [f"claim {c}" for c in status.get("ledger", {}).get("claims", []) if c["role"] in STAYS]
    found += [f"orphan {g}" for g in status.get("report", {}).get("guests", []) if g["uuid"] not in accounted]
    found += [f"Instance {key}" for key, instance in snapshot.instances.items() if name in _names(instance)]
    found += [f"Migration {key}" for key, move in snapshot.migrations.items() if _leads_to(move, name)]
    if node["metadata"].get("annotations", {}).get("compute.hypertally.dev/keep", "false") != "false":
        found.append("its annotation")
    return found


def _names(instance: Object) -> set[str]:
    status = instance.get("status", {})
    move, home = status.get("move", {}), status.get("computeNodeName")
    return {home or instance["spec"].get("computeNodeName", ""), move.get("source", ""), move.get("target", "")}


def _leads_to(move: Object, name: str) -> bool:
    over = any(c["type"] == "Completed" and c["status"] == "True" for c in move.get("status", {}).get("conditions", []))
    return move["spec"]["targetComputeNodeName"] == name and not over


def rewritten(before: Snapshot, after: Snapshot) -> list[str]:
    """Statuses that were written though nothing had changed. Memory in use is the machine's, and may really have."""
    complaints = []
    for kind in ("nodes", "instances", "migrations"):
        old, new = getattr(before, kind), getattr(after, kind)
        if old.keys() != new.keys():
            complaints.append(f"{kind} came or went: {sorted(old.keys() ^ new.keys())}")
        complaints += [
            f"{kind} {name} was written at {new[name]['metadata']['resourceVersion']}: {_news(old[name], new[name])}"
            for name in sorted(old.keys() & new.keys())
            if _written(old[name], new[name]) and not _measures_otherwise(old[name], new[name])
        ]
    return complaints


def _news(old: Object, new: Object) -> str:
    """Which conditions and which parts of spec and status differ, as they are now."""
    was, now = ({c["type"]: c for c in each.get("status", {}).get("conditions", [])} for each in (old, new))
    said = [f"{type_} {c['status']} {c['reason']} {c['message']}" for type_, c in now.items() if c != was.get(type_)]
    parts = [(part, key) for part in ("spec", "status") for key in new.get(part, {}) if key != "conditions"]
    return "; ".join(said + [f"{p}.{k} {new[p][k]}" for p, k in parts if new[p][k] != old.get(p, {}).get(k)])


def _written(old: Object, new: Object) -> bool:
    return bool(old["metadata"]["resourceVersion"] != new["metadata"]["resourceVersion"])


_NEWS = 100
"""No smaller change of that part of the capacity is news to an agent."""


def _measures_otherwise(old: Object, new: Object) -> bool:
    was, now = (each.get("status", {}).get("report", {}) for each in (old, new))
    pairs = [(was.get("diskAvailableLeastMiB"), now.get("diskAvailableLeastMiB"), "diskMiB")]
    pairs += [(was.get("measured", {}).get(key), now.get("measured", {}).get(key), key) for key in KEYS]
    return any(a is not None and b is not None and _is_news(a, b, was["capacity"].get(key, 0)) for a, b, key in pairs)


def _is_news(a: int, b: int, capacity: int) -> bool:
    return abs(a - b) >= max(1, capacity // _NEWS)
