"""One guest through a history: what each ComputeNode held and was charged for it, version by version.

The charge is counted here anew from design's sentence, with no code of the program's: the largest of the sum of the
claims that stay, the `Leaving` claim, and what the report that the ledger has seen lists.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hypertally.api.names import AUDITS_ANNOTATION
from tests.support.fleet import find_condition
from tests.support.history import State
from tests.support.samples import Object

KEYS = ("vcpus", "pcpus", "memoryMiB", "diskMiB")
Size = Mapping[str, int]
NOTHING: Size = dict.fromkeys(KEYS, 0)
AUDITS_BEGUN_LATER = 2


@dataclass(frozen=True)
class End:
    """One ComputeNode's part at one moment. `listed` is the guest's state in its newest report, '' if it is not in."""

    claims: Mapping[str, Object]
    charge: Size
    listed: str

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.claims)


@dataclass(frozen=True)
class Moment:
    """From `version` on; `size` is what was granted."""

    version: int
    ends: Mapping[str, End]
    home: str
    size: Size
    phase: str


@dataclass(frozen=True)
class Story:
    """Of one guest with one Instance."""

    uuid: str
    states: Sequence[State]
    moments: Sequence[Moment]

    def between(self, since: int, until: int) -> list[Moment]:
        """What was in force at some time from `since` to `until`."""
        ends = [*(m.version for m in self.moments[1:]), until + 1]
        return [m for m, end in zip(self.moments, ends, strict=True) if m.version <= until and end > since]

    @property
    def last_version(self) -> int:
        return self.states[-1].version

    def roles(self, node: str) -> list[set[str]]:
        """One after the other, without repetitions."""
        found = [m.ends[node].roles for m in self.moments]
        return [set(found[0]), *(set(b) for a, b in pairwise(found) if a != b)]

    def homes(self) -> list[str]:
        found = [m.home for m in self.moments if m.home]
        return [found[0], *(b for a, b in pairwise(found) if a != b)]

    def first(self, node: str, role: str) -> int:
        """The version with which the node came to hold that role for the first time."""
        return next(m.version for m in self.moments if role in m.ends[node].roles)

    def complaints(self, node: str) -> set[str]:
        """What was ever said to be missing in the node's inventory."""
        nodes = (state.objects.get(("computenodes", node), {}) for state in self.states)
        said = (find_condition(found, "InventoryComplete") for found in nodes)
        return {condition["message"] for condition in said if condition.get("status") == "False"}

    def told(self, migration: str, type_: str) -> int:
        """The version with which that condition of the Migration became true for the first time."""
        said = ((s.version, find_condition(s.objects.get(("migrations", migration), {}), type_)) for s in self.states)
        return next(version for version, condition in said if condition.get("status") == "True")

    def released(self, node: str) -> int:
        """The version with which the node let go what was leaving."""
        return next(b.version for a, b in reversed(list(pairwise(self.moments))) if _lets_go(a, b, node))

    def assert_charged(self, node: str, size: Size, *, since: int, until: int) -> None:
        """Never less than `size` at any time from `since` to `until`."""
        during = self.between(since, until)
        assert during, f"nothing was stored from {since} to {until}"
        low = [_shown(m, node) for m in during if not covers(m.ends[node].charge, size)]
        assert not low, f"charged less than {size}: {low}"

    def assert_home_always_charged(self) -> None:
        accounted = [m for m in self.moments if m.home]
        assert accounted, "it never had a home"
        low = [_shown(m, m.home) for m in accounted if not covers(m.ends[m.home].charge, m.size)]
        assert not low, f"home is charged less than was granted: {low}"

    def gone(self, node: str) -> int:
        """The version since which the node neither holds anything for the guest nor lists it."""
        there = [m.version for m in self.moments if m.ends[node].claims or m.ends[node].listed]
        return next(m.version for m in self.moments if m.version > there[-1])

    def assert_charged_until_gone(self, node: str, size: Size) -> None:
        """From the first claim on, without a gap, until it is neither held nor listed, and that for a reason."""
        first = next(m.version for m in self.moments if m.ends[node].claims)
        self.assert_charged(node, size, since=first, until=self.gone(node) - 1)
        self.assert_released_with_proof(node)

    def assert_released_with_proof(self, node: str) -> None:
        """A claim is let go on the word of an audit that began after it stood.

        By the Lease that was stored then: same holder, two audits later at least, for the report that stands.
        """
        at = [(a, b) for a, b in pairwise(self.moments) if _lets_go(a, b, node)]
        assert at, f"{node} has let nothing go"
        states = {state.version: state for state in self.states}
        for before, after in at:
            claim, state = before.ends[node].claims["Leaving"], states[after.version]
            lease = state.objects["leases", node]
            seen = json.loads(lease["metadata"]["annotations"][AUDITS_ANNOTATION])[node]
            since = claim.get("since", {})
            known = (
                lease["spec"]["holderIdentity"] == since.get("holder")
                and seen["audit"] >= since["audit"] + AUDITS_BEGUN_LATER
                and seen["reportGeneration"] == state.objects["computenodes", node]["status"]["report"]["generation"]
            )
            assert known, f"{node} let {claim} go without proof, when its Lease said {seen}"


def _lets_go(before: Moment, after: Moment, node: str) -> bool:
    return "Leaving" in before.ends[node].roles - after.ends[node].roles


def _shown(moment: Moment, node: str) -> Object:
    end = moment.ends[node]
    return {"version": moment.version, "node": node, "roles": sorted(end.roles), "charge": end.charge}


def covers(charge: Size, size: Size) -> bool:
    return all(charge[key] >= size[key] for key in KEYS)


def tell(states: Sequence[State], uuid: str, instance: str, nodes: Iterable[str]) -> Story:
    """Fails where a ledger's `allocated` is not the sum of all charges, or a version of it was not seen."""
    books = {node: list(_book(states, node)) for node in nodes}
    moments: list[Moment] = []
    for position, state in enumerate(states):
        status = state.objects.get(("instances", instance), {}).get("status", {})
        moment = Moment(
            state.version,
            {
                node: _end(book[position], state.objects.get(("computenodes", node)), uuid)
                for node, book in books.items()
            },
            status.get("computeNodeName", ""),
            size_of(status.get("resources")),
            status.get("move", {}).get("phase", ""),
        )
        if not moments or _content(moment) != _content(moments[-1]):
            moments.append(moment)
    return Story(uuid, states, moments)


def _content(moment: Moment) -> Object:
    return {**vars(moment), "version": 0}


def _end(charges: Mapping[str, Size], node: Object | None, uuid: str) -> End:
    status = node.get("status", {}) if node else {}
    claims = {c["role"]: c for c in status.get("ledger", {}).get("claims", []) if c["uuid"] == uuid}
    listed = next((g["state"] for g in status.get("report", {}).get("guests", []) if g["uuid"] == uuid), "")
    return End(claims, charges.get(uuid, NOTHING), listed)


def _book(states: Iterable[State], name: str) -> Iterator[Mapping[str, Size]]:
    """After each state, what each guest is charged on one node."""
    reports: dict[int, Object] = {}
    seen = 0
    charges: Mapping[str, Size] = {}
    for state in states:
        status = state.objects.get(("computenodes", name), {}).get("status", {})
        if "report" in status:
            reports[status["report"]["generation"]] = status["report"]
        ledger = status.get("ledger")
        if ledger and ledger["generation"] != seen:
            assert ledger["generation"] == seen + 1, f"ledger {seen + 1} of {name} was not seen"
            seen = ledger["generation"]
            charges = guest_charges(ledger, reports[ledger["observedReportGeneration"]])
            total = {key: sum(charge[key] for charge in charges.values()) for key in KEYS}
            assert size_of(ledger["allocated"]) == total, f"ledger {seen} of {name} adds up wrongly"
        yield charges


def guest_charges(ledger: Object, report: Object) -> dict[str, Size]:
    listed = {guest["uuid"]: size_of(guest) for guest in report.get("guests", [])}
    uuids = listed.keys() | {claim["uuid"] for claim in ledger["claims"]}
    return {uuid: _charge(ledger["claims"], uuid, listed.get(uuid, NOTHING)) for uuid in uuids}


def _charge(claims: Iterable[Object], uuid: str, listed: Size) -> Size:
    own = [c for c in claims if c["uuid"] == uuid and not c.get("overcommitted")]
    stays = [size_of(c["resources"]) for c in own if c["role"] != "Leaving"]
    leaving = [size_of(c["resources"]) for c in own if c["role"] == "Leaving"]
    return {key: max(sum(s[key] for s in stays), listed[key], *(s[key] for s in leaving)) for key in KEYS}


def size_of(amounts: Object | None) -> Size:
    return {key: (amounts or {}).get(key, 0) for key in KEYS}
