"""Forged ledgers: a checker that cannot find what is wrong is worth nothing."""

from .books import Books
from .forged import CAPACITY, OTHER, SMALL, UUID, claim, listed, node


def _cpus(cpus: str) -> list[dict[str, object]]:
    return [{"id": 0, "cpus": cpus}]


def test_an_honest_history_is_not_complained_of() -> None:
    books = Books()
    assert books.take(node(claims=[claim()])) == []
    assert books.take(node(claims=[claim()], guests=[listed()], generation=2, report=2)) == []
    assert (books.ledgers, books.claims) == (2, 1)


def test_a_cpu_that_two_guests_hold_is_found() -> None:
    twice = [claim(cells=_cpus("2-3")), claim(OTHER, cells=_cpus("3-4"))]
    assert "gives away twice" in " ".join(Books().take(node(claims=twice)))


def test_a_device_that_two_guests_hold_is_found_also_after_a_gap() -> None:
    device = [{"address": "0000:0a:00.1"}]
    twice = [claim(devices=device), claim(OTHER, devices=device)]
    assert "gives away twice" in " ".join(Books().take(node(claims=twice), gap=True))


def test_two_roles_of_one_guest_may_share_a_place() -> None:
    shared = [claim(cells=_cpus("2")), claim(role="Leaving", cells=_cpus("2"))]
    own = node(claims=shared)
    assert not [c for c in Books().take(own) if "twice" in c]


def test_a_sum_that_leaves_out_a_guest_is_found() -> None:
    wrong = node(claims=[claim()], guests=[listed(OTHER)])
    wrong["status"]["ledger"]["allocated"] = dict(SMALL)
    assert "adds up wrongly" in " ".join(Books().take(wrong))


def test_a_claim_that_is_made_without_room_is_found() -> None:
    books = Books()
    assert books.take(node(claims=[claim()])) == []
    full = node(claims=[claim(), claim(OTHER)], generation=2)
    full["status"]["ledger"]["allocatable"] = {**CAPACITY, "memoryMiB": 100}
    full["status"]["ledger"]["free"]["memoryMiB"] = 100 - 128
    assert "without room" in " ".join(books.take(full))


def test_a_generation_that_is_skipped_is_found_and_forgiven_where_nobody_looked() -> None:
    books = Books()
    books.take(node(claims=[claim()]))
    later = node(claims=[], generation=3)
    assert "2 was due" in " ".join(books.take(later))
    assert books.take(node(claims=[claim()], generation=9), gap=True) == []


def test_a_write_that_says_nothing_new_is_found() -> None:
    books = Books()
    books.take(node(claims=[claim()]))
    assert "says what the one before says" in " ".join(books.take(node(claims=[claim()], generation=2)))


def test_the_books_of_a_record_that_is_made_anew_begin_anew() -> None:
    books = Books()
    books.take(node(claims=[claim()], generation=1))
    assert books.take(node(claims=[claim()], generation=1, uid="another")) == []


def test_who_was_taken_without_room_is_known_until_there_is_room() -> None:
    books = Books()
    books.take(node(claims=[claim(overcommitted=True)], guests=[listed()]))
    assert books.roomless == {f"uid-{UUID[0]}"}
    books.take(node(claims=[claim()], guests=[listed()], generation=2))
    assert books.roomless == set()
