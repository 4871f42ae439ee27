"""Documents are kept only while they cannot be of yesterday."""

from hypertally.hypervisor.documents import Documents
from hypertally.hypervisor.domain_xml import Domain, read_domain

DOMAIN = read_domain("<domain><vcpu>1</vcpu></domain>")


def documents(*guests: str, active: bool = True) -> Documents:
    kept = Documents()
    kept.trust(True)
    for guest in guests:
        remember(kept, guest, active=active)
    return kept


def remember(kept: Documents, guest: str, *, active: bool = True) -> None:
    kept.begin(guest)
    kept.keep(guest, DOMAIN, ("same",), active=active)


def found(kept: Documents, *guests: str) -> list[Domain | None]:
    return [kept.find(guest, ("same",)) for guest in guests]


def test_a_document_is_found_again() -> None:
    assert found(documents("a"), "a", "b") == [DOMAIN, None]


def test_nothing_is_kept_before_events_are_watched_nor_after() -> None:
    kept = Documents()
    remember(kept, "a")
    assert found(kept, "a") == [None]
    kept = documents("a")
    kept.trust(False)
    assert found(kept, "a") == [None]


def test_an_event_makes_it_be_asked_for_again() -> None:
    kept = documents("a", "b")
    kept.forget("a")
    assert found(kept, "a", "b") == [None, DOMAIN]


def test_an_event_during_the_question_makes_the_answer_one_of_yesterday() -> None:
    kept = documents()
    kept.begin("a")
    kept.forget("a")
    kept.keep("a", DOMAIN, ("same",), active=True)
    assert found(kept, "a") == [None]
    remember(kept, "a")
    assert found(kept, "a") == [DOMAIN]


def test_another_start_or_other_disks_are_another_document() -> None:
    assert documents("a").find("a", ("other",)) is None


def test_each_audit_asks_again_for_one_that_runs_and_one_that_is_off_in_turn() -> None:
    kept = documents("on-1", "on-2")
    for guest in ("off-1", "off-2", "off-3"):
        remember(kept, guest, active=False)
    every = {"on-1", "on-2", "off-1", "off-2", "off-3"}
    asked = []
    for _ in range(3):
        kept.drop_stalest(every)
        missing = sorted(guest for guest in every if kept.find(guest, ("same",)) is None)
        asked.append(missing)
        for guest in missing:
            remember(kept, guest, active=guest.startswith("on"))
    assert asked == [["off-1", "on-1"], ["off-2", "on-2"], ["off-3", "on-1"]]


def test_guests_that_are_gone_leave_nothing_behind() -> None:
    kept = documents("a", "b", "c")
    kept.forget("gone")
    kept.drop_stalest({"c"})
    assert found(kept, "a", "b") == [None, None]
    assert not kept._changed
