"""Forged worlds: each invariant finds the world in which it is broken, and lets pass the one in which it holds."""

from collections.abc import Callable

import pytest

from .books import Books
from .client import Object
from .forged import GHOST, HOST, OTHER, UUID, claim, instance, listed, migration, node, snapshot, there
from .invariants import EXPOSED_SECONDS, EveryGuestCharged, NothingLost, rewritten, standing


def _charged(calm: float) -> EveryGuestCharged:
    return EveryGuestCharged(Books().charges, lambda _: calm)


@pytest.mark.parametrize("held", [node(claims=[claim()]), node(guests=[listed()])], ids=["claimed", "listed"])
def test_a_guest_that_is_claimed_or_listed_is_charged(held: Object) -> None:
    invariant = _charged(calm=1e9)
    for at in (0.0, 100.0, 200.0):
        assert invariant.look(snapshot(held, at=at), there(UUID), there(UUID)) == []
    assert invariant.made == 3


def test_a_guest_that_is_charged_no_longer_while_it_is_there_is_found_at_once_whatever_is_down() -> None:
    invariant = _charged(calm=0.0)
    assert invariant.look(snapshot(node(claims=[claim()])), there(UUID), there(UUID)) == []
    found = invariant.look(snapshot(node(generation=2), at=1.0), there(UUID), there(UUID))
    assert "it was charged before" in found[0]


def test_a_guest_that_is_charged_too_little_is_found() -> None:
    invariant, large = _charged(calm=0.0), {"vcpus": 1, "pcpus": 0, "memoryMiB": 65, "diskMiB": 0}
    invariant.look(snapshot(node(claims=[claim()])), there(UUID), there(UUID))
    assert invariant.look(snapshot(node(claims=[claim()])), there(UUID, size=large), there(UUID)) != []


def test_a_guest_that_nobody_charges_is_found_after_an_audit_with_nothing_down() -> None:
    invariant = _charged(calm=1e9)
    assert invariant.look(snapshot(node(), at=0.0), there(UUID), there(UUID)) == []
    assert invariant.look(snapshot(node(), at=EXPOSED_SECONDS - 1), there(UUID), there(UUID)) == []
    late = invariant.look(snapshot(node(), at=EXPOSED_SECONDS + 1), there(UUID), there(UUID))
    assert "with nothing down" in late[0]


def test_a_guest_on_a_host_without_a_record_is_found() -> None:
    invariant = _charged(calm=1e9)
    invariant.look(snapshot(at=0.0), there(UUID), there(UUID))
    assert invariant.look(snapshot(at=EXPOSED_SECONDS + 1), there(UUID), there(UUID)) != []


def test_what_was_down_does_not_count_as_time_without_a_charge() -> None:
    invariant = _charged(calm=1.0)
    for at in (0.0, 100.0, 200.0):
        assert invariant.look(snapshot(node(), at=at), there(UUID), there(UUID)) == []


def test_a_guest_that_came_or_went_between_two_looks_is_not_judged() -> None:
    invariant = _charged(calm=1e9)
    for before, after in ((there(UUID), there()), (there(), there(UUID)), ({HOST: None}, there(UUID))):
        for at in (0.0, 100.0):
            assert invariant.look(snapshot(node(), at=at), before, after) == []


def test_a_granted_instance_that_its_home_holds_nothing_for_is_found() -> None:
    assert "which holds []" in NothingLost().look(snapshot(node(), instance()))[0]


def test_a_granted_instance_of_which_only_leaving_is_held_is_found() -> None:
    assert NothingLost().look(snapshot(node(claims=[claim(role="Leaving")]), instance())) != []


def test_a_granted_instance_that_is_held_too_small_is_found() -> None:
    small = claim(resources={"vcpus": 1, "pcpus": 0, "memoryMiB": 63, "diskMiB": 0})
    assert NothingLost().look(snapshot(node(claims=[small]), instance())) != []


def test_an_instance_that_loses_its_home_is_found() -> None:
    kept = NothingLost()
    assert kept.look(snapshot(node(claims=[claim()]), instance())) == []
    assert "no longer" in kept.look(snapshot(node(), instance(home="")))[0]


def test_an_instance_that_was_deleted_or_was_taken_without_room_is_not_missed() -> None:
    roomless: set[str] = set()
    kept = NothingLost(roomless)
    assert kept.look(snapshot(node(claims=[claim()]), instance())) == []
    assert kept.look(snapshot(node())) == []
    assert kept.look(snapshot(node(claims=[claim(overcommitted=True)]), instance())) == []
    roomless.add(f"uid-{UUID[0]}")
    assert kept.look(snapshot(node(), instance(home=""))) == []


def _ghost(**more: list[Object]) -> Object:
    return node(GHOST, **more)  # type: ignore[arg-type]


def _annotated() -> Object:
    kept = _ghost()
    kept["metadata"]["annotations"] = {"compute.hypertally.dev/keep": "true"}
    return kept


@pytest.mark.parametrize(
    ("record", "others", "machines"),
    [
        (_ghost(claims=[claim()]), [], []),
        (_ghost(guests=[listed()]), [], []),
        (_ghost(), [instance(home=GHOST)], []),
        (_ghost(), [instance(home="", bound=GHOST)], []),
        (_ghost(), [migration(GHOST, over=False)], []),
        (_annotated(), [], []),
        (_ghost(), [], [GHOST]),
    ],
    ids=["claim", "orphan", "home", "binding", "Migration", "annotation", "Kubernetes node"],
)
def test_each_guard_alone_makes_a_deletion_a_violation(
    record: Object, others: list[Object], machines: list[str]
) -> None:
    assert standing(GHOST, record, snapshot(record, *others, machines=machines)) != []


def test_a_record_for_which_nothing_stands_may_go() -> None:
    record = _ghost(claims=[claim(role="Leaving")], guests=[listed()])
    others = [instance(home=HOST), migration(GHOST, over=True), migration(HOST, over=False)]
    assert standing(GHOST, record, snapshot(record, *others, machines=[HOST])) == []


def _changed(change: Callable[[Object], object]) -> Object:
    written = node(claims=[claim()], version=11)
    change(written["status"]["report"])
    return written


def test_a_status_that_is_written_though_nothing_changed_is_found() -> None:
    before = snapshot(node(claims=[claim()]))
    assert rewritten(before, before) == []
    assert "written at 11" in rewritten(before, snapshot(_changed(lambda _: None)))[0]


def test_memory_that_is_really_used_otherwise_is_a_change() -> None:
    before = snapshot(node(claims=[claim()]))
    assert rewritten(before, snapshot(_changed(lambda report: report["measured"].update(memoryMiB=200)))) == []
    assert rewritten(before, snapshot(_changed(lambda report: report["measured"].update(memoryMiB=101)))) != []


def test_what_comes_or_goes_in_an_unchanged_fleet_is_found() -> None:
    assert rewritten(snapshot(node()), snapshot(node(), instance(OTHER))) != []
