"""Every version of every ledger: no unit is held twice, sums are right, nothing is raised without room."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from tests.support.ledgers import STAYS, Book, assert_each_place_once, assert_follows, assert_room, assert_sums
from tests.support.story import Size, guest_charges

from .client import Object

_KEPT_REPORTS = 200
"""Of one record: a ledger is counted from the last but few."""


@dataclass
class Books:
    """Fed by a watch, asked by others."""

    ledgers: int = 0
    claims: int = 0
    roomless: set[str] = field(default_factory=set)
    """Instances whose claim was taken without room: it lasts as long as the guest is listed."""
    _last: dict[str, Book] = field(default_factory=dict)
    _reports: dict[str, dict[int, Object]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, node: Object, *, gap: bool = False) -> list[str]:
        """The next version of a ComputeNode; `gap`: there may be others before it that nobody saw."""
        with self._lock:
            return self._take(node, gap=gap)

    def _take(self, node: Object, *, gap: bool) -> list[str]:
        name, uid, status = node["metadata"]["name"], node["metadata"]["uid"], node.get("status", {})
        self._remember(uid, status.get("report"))
        before, ledger = self._last.get(name), status.get("ledger")
        same_record = before is not None and before.uid == uid
        if ledger is None or (before is not None and same_record and before.ledger == ledger):
            return []
        charges = self._charges(uid, ledger)
        listed = frozenset(g["uuid"] for g in self._report_of(uid, ledger).get("guests", []))
        book = Book(int(node["metadata"]["resourceVersion"]), name, uid, ledger, listed, charges or {})
        self._last[name] = book
        known = before if same_record else None
        self._count(known, book)
        return self._check(known, book, gap=gap, counted=charges is not None)

    @staticmethod
    def _check(before: Book | None, book: Book, *, gap: bool, counted: bool) -> list[str]:
        checks: list[Callable[[], None]] = [lambda: assert_each_place_once(book)]
        if counted:
            checks.append(lambda: assert_sums(book))
        if not gap:
            checks.append(lambda: assert_follows(before, book))
        if before is not None and not gap and counted and before.charges:
            checks.append(lambda: assert_room(before, book))
        return [complaint for check in checks if (complaint := _complaint(check))]

    def _count(self, before: Book | None, book: Book) -> None:
        held = {_key(claim) for claim in before.ledger["claims"]} if before else set()
        self.ledgers += 1
        self.claims += len({_key(claim) for claim in book.ledger["claims"]} - held)
        for claim in book.ledger["claims"]:
            if claim["role"] in STAYS:
                change = self.roomless.add if claim.get("overcommitted") else self.roomless.discard
                change(claim["instanceUID"])

    def _remember(self, uid: str, report: Object | None) -> None:
        if report is None:
            return
        known = self._reports.setdefault(uid, {})
        known[report["generation"]] = report
        if len(known) > _KEPT_REPORTS:
            del known[min(known)]

    def _report_of(self, uid: str, ledger: Object) -> Object:
        return self._reports.get(uid, {}).get(ledger["observedReportGeneration"], {})

    def _charges(self, uid: str, ledger: Object) -> Mapping[str, Size] | None:
        report = self._report_of(uid, ledger)
        return guest_charges(ledger, report) if report else None

    def charges(self, node: Object) -> Mapping[str, Size] | None:
        """What its ledger charges each guest; None where the report that it was counted from was not seen."""
        ledger = node.get("status", {}).get("ledger")
        with self._lock:
            if ledger is None:
                return {}
            self._remember(node["metadata"]["uid"], node["status"].get("report"))
            return self._charges(node["metadata"]["uid"], ledger)


def _key(claim: Object) -> tuple[str, str, str]:
    return claim["uuid"], claim["role"], claim["instanceUID"]


def _complaint(check: Callable[[], None]) -> str:
    try:
        check()
    except AssertionError as error:
        return str(error)
    return ""
