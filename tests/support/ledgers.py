"""What must hold of every version that an API server stored, told by nothing but what it stored.

Each check is the design's sentence counted anew, with no code of the programs'.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hypertally.api.names import AUDITS_ANNOTATION
from tests.support.fleet import find_condition
from tests.support.history import State
from tests.support.samples import Object
from tests.support.story import AUDITS_BEGUN_LATER, KEYS, NOTHING, Size, covers, guest_charges, size_of

STAYS = frozenset({"Running", "Incoming", "ReservedForRevert"})
Audits = Mapping[tuple[str, str, int], int]
"""By node, holder and number of an audit, the resourceVersion of the moment just before it began: what no controller
can know, and every proof has to be true to."""


@dataclass(frozen=True)
class Stay:
    """A guest that really was on a host, which nobody was told, between two resourceVersions."""

    uuid: str
    node: str
    size: Size
    since: int
    until: int


@dataclass(frozen=True)
class Book:
    """One version of one node's ledger, and what it charges."""

    version: int
    node: str
    uid: str
    ledger: Object
    listed: frozenset[str]
    charges: Mapping[str, Size]

    def claims(self, uuid: str) -> list[Object]:
        return [claim for claim in self.ledger["claims"] if claim["uuid"] == uuid]

    def leaving(self) -> dict[str, Object]:
        return {claim["uuid"]: claim for claim in self.ledger["claims"] if claim["role"] == "Leaving"}


@dataclass
class History:
    """The ledgers of all nodes, version by version."""

    states: Sequence[State]
    books: dict[str, list[Book]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        reports: dict[tuple[str, int], Object] = {}
        for state in self.states:
            for name, node in nodes(state):
                self._read(state.version, name, node, reports)

    def _read(self, version: int, name: str, node: Object, reports: dict[tuple[str, int], Object]) -> None:
        uid, status = node["metadata"]["uid"], node.get("status", {})
        if "report" in status:
            reports[uid, status["report"]["generation"]] = status["report"]
        ledger, known = status.get("ledger"), self.books.setdefault(name, [])
        if ledger is None or (known and (known[-1].uid, known[-1].ledger) == (uid, ledger)):
            return
        report = reports[uid, ledger["observedReportGeneration"]]
        listed = frozenset(guest["uuid"] for guest in report.get("guests", []))
        known.append(Book(version, name, uid, ledger, listed, guest_charges(ledger, report)))

    def steps(self) -> Iterator[tuple[Book | None, Book]]:
        """Each ledger with the one before it on the same node object."""
        for books in self.books.values():
            for before, after in zip([None, *books], books, strict=False):
                yield (before if before and before.uid == after.uid else None), after

    def check(self, audits: Audits, stays: Iterable[Stay]) -> None:
        for before, after in self.steps():
            assert_follows(before, after)
            assert_sums(after)
            assert_each_place_once(after)
            if before is not None:
                assert_room(before, after)
                self.assert_released_with_proof(before, after, audits)
        assert_homes_hold(self.states)
        for stay in stays:
            self.assert_charged(stay)

    def assert_charged(self, stay: Stay) -> None:
        books = self.books.get(stay.node, [])
        for book, following in zip(books, [*books[1:], None], strict=False):
            if book.version <= stay.until and (following is None or following.version > stay.since):
                charged = book.charges.get(stay.uuid, NOTHING)
                assert covers(charged, stay.size), (
                    f"{stay.uuid} was really on {stay.node} with {dict(stay.size)} from {stay.since} to {stay.until}; "
                    f"version {book.version} charges {dict(charged)} and holds {book.claims(stay.uuid)}"
                )

    def assert_released_with_proof(self, before: Book, after: Book, audits: Audits) -> None:
        """What was leaving went on the word of an audit that began after it stood, and whose report is the one that
        the ledger was counted from."""
        for uuid, claim in before.leaving().items():
            if uuid in after.leaving():
                continue
            written = self._written(before, uuid)
            proofs = [
                audit
                for holder, audit in self._leased(after, since=written)
                if holder == claim.get("since", {}).get("holder")
                and audit >= claim["since"]["audit"] + AUDITS_BEGUN_LATER
            ]
            began = [audits[after.node, claim["since"]["holder"], audit] for audit in proofs]
            assert any(at >= written for at in began), (
                f"{after.node} let {claim} of version {written} go by {after.version}; audits began at {began}"
            )

    def _written(self, book: Book, uuid: str) -> int:
        """The version since which the guest's `Leaving` stands as it does, but for its stamp."""
        wanted, written = _unstamped(book.leaving()[uuid]), book.version
        for earlier in reversed(self.books[book.node]):
            if earlier.version > book.version or earlier.uid != book.uid:
                continue
            if uuid not in earlier.leaving() or _unstamped(earlier.leaving()[uuid]) != wanted:
                break
            written = earlier.version
        return written

    def _leased(self, book: Book, since: int) -> Iterator[tuple[str, int]]:
        """Holder and number of each audit of the node that its Lease showed, for the report of that ledger."""
        for state in self.states:
            lease = state.objects.get(("leases", book.node))
            if lease is None or not since <= state.version <= book.version:
                continue
            said = json.loads(lease["metadata"]["annotations"][AUDITS_ANNOTATION])[book.node]
            if (said["uid"], said["reportGeneration"]) == (book.uid, book.ledger["observedReportGeneration"]):
                yield lease["spec"]["holderIdentity"], said["audit"]


def nodes(state: State) -> Iterator[tuple[str, Object]]:
    return ((name, node) for (plural, name), node in state.objects.items() if plural == "computenodes")


def _of(state: State, plural: str) -> list[Object]:
    return [found for (kind, _), found in state.objects.items() if kind == plural]


def _unstamped(claim: Object) -> Object:
    return {key: value for key, value in claim.items() if key != "since"}


def assert_follows(before: Book | None, after: Book) -> None:
    """No generation is skipped, and none is written that says nothing new."""
    expected = before.ledger["generation"] + 1 if before else 1
    generation = after.ledger["generation"]
    assert generation == expected, f"{after.node}: ledger {generation} where {expected} was due"
    same = before is not None and {**before.ledger, "generation": generation} == after.ledger
    assert not same, f"{after.node}: ledger {generation} says what the one before says"


def assert_sums(book: Book) -> None:
    total = {key: sum(charge[key] for charge in book.charges.values()) for key in KEYS}
    ledger = book.ledger
    allocated, allocatable = size_of(ledger["allocated"]), size_of(ledger["allocatable"])
    assert allocated == total, f"{book.node}: ledger {ledger['generation']} adds up wrongly"
    assert size_of(ledger["free"]) == {key: allocatable[key] - total[key] for key in KEYS}


def assert_room(before: Book, after: Book) -> None:
    """No amount is raised above what is allocatable, but for guests that the host lists: they are there."""
    free = size_of(after.ledger["free"])
    for key in (key for key in KEYS if free[key] < 0):
        raised = {u for u, charge in after.charges.items() if charge[key] > before.charges.get(u, NOTHING)[key]}
        unseen = raised - after.listed
        assert not unseen, f"{after.node}: ledger {after.ledger['generation']} raises {key} of {unseen} without room"


def assert_each_place_once(book: Book) -> None:
    """A device or a dedicated CPU has one guest, in however many roles."""
    owners: dict[str, set[str]] = {}
    for claim in book.ledger["claims"]:
        for place in places(claim):
            owners.setdefault(place, set()).add(claim["uuid"])
    twice = {place: uuids for place, uuids in owners.items() if len(uuids) > 1}
    assert not twice, f"{book.node}: ledger {book.ledger['generation']} gives away twice: {twice}"


def places(claim: Object) -> set[str]:
    cpus = {f"CPU {cpu}" for cell in claim.get("cells", []) for cpu in cpu_numbers(cell.get("cpus", ""))}
    return cpus | {device["address"] for device in claim.get("devices", [])}


def cpu_numbers(text: str) -> set[int]:
    parts = (part.split("-") for part in text.split(",") if part)
    return {cpu for first, *last in parts for cpu in range(int(first), int(last[0] if last else first) + 1)}


def assert_homes_hold(states: Sequence[State]) -> None:
    """A granted Instance is held, in full, where it is accounted, and its grant is not lost.

    What was taken without room because its guest is there lasts as long as the guest.
    """
    roomless: set[str] = set()
    homes: dict[str, str] = {}
    for state in states:
        ledgers = {name: node.get("status", {}).get("ledger") for name, node in nodes(state)}
        for instance in _of(state, "instances"):
            uid, home = instance["metadata"]["uid"], instance.get("status", {}).get("computeNodeName", "")
            lost = homes.get(uid) and not home and uid not in roomless
            assert not lost, f"version {state.version}: {instance['metadata']['name']} lost its home {homes[uid]}"
            homes[uid] = home
            if ledger := ledgers.get(home):
                _assert_held(state.version, instance, ledger, roomless)


def _assert_held(version: int, instance: Object, ledger: Object, roomless: set[str]) -> None:
    uid, granted = instance["metadata"]["uid"], size_of(instance["status"]["resources"])
    own = [c for c in ledger["claims"] if c["instanceUID"] == uid and c["role"] in STAYS]
    if any(claim.get("overcommitted") for claim in own):
        roomless.add(uid)
    if own:
        roomless -= set() if any(claim.get("overcommitted") for claim in own) else {uid}
    held = {key: sum(size_of(claim["resources"])[key] for claim in own) for key in KEYS}
    shown = f"version {version}: {instance['metadata']['name']} is granted {granted} at home, which holds {own}"
    assert uid in roomless or (own and covers(held, granted)), shown


def unfinished(state: State) -> list[str]:
    """What of a cluster has not come to rest, told one by one."""
    instances = {i["metadata"]["uid"]: i for i in _of(state, "instances")}
    complaints = [
        f"{m['metadata']['name']} is not over: {m['spec']}" for m in _of(state, "migrations") if not _is_over(m)
    ]
    held: dict[str, list[tuple[str, Object]]] = {}
    for name, node in nodes(state):
        ledger, report = node["status"].get("ledger", {}), node["status"]["report"]
        if ledger.get("observedReportGeneration") != report["generation"]:
            complaints.append(f"{name} has not seen report {report['generation']}")
        for claim in ledger.get("claims", []):
            held.setdefault(claim["instanceUID"], []).append((name, claim))
            if claim["instanceUID"] not in instances or claim["role"] != "Running":
                complaints.append(f"{name} still holds {claim}")
    for uid, instance in instances.items():
        complaints += _unsettled(instance, held.get(uid, []))
    return complaints


def _is_over(migration: Object) -> bool:
    return find_condition(migration, "Completed").get("status") == "True"


def _unsettled(instance: Object, held: list[tuple[str, Object]]) -> list[str]:
    name, status = instance["metadata"]["name"], instance.get("status", {})
    home, complaints = status.get("computeNodeName", ""), []
    if "move" in status:
        complaints.append(f"{name} still moves: {status['move']}")
    if [node for node, _ in held] != ([home] if home else []):
        complaints.append(f"{name} of home {home or 'none'} is held by {held}")
    elif home and held[0][1]["resources"] != status["resources"]:
        complaints.append(f"{name} is granted {status['resources']} and held {held}")
    said = find_condition(instance, "Claimed")
    if said.get("observedGeneration") != instance["metadata"]["generation"] or said["status"] == "Unknown":
        complaints.append(f"{name} is told nothing definite: {said}")
    if home and said.get("status") != "True":
        complaints.append(f"{name} is accounted and told {said}")
    return complaints
