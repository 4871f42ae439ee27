"""Conditions keep their transition time as long as their status stays."""

from hypertally.api.bounds import MESSAGE_MAX
from hypertally.api.conditions import Condition, Status
from hypertally.ledger.conditions import Finding, aged
from tests.ledger.make import NOW

LATER = "2026-11-22T16:00:00Z"


def condition(status: Status = Status.TRUE, since: str = NOW) -> Condition:
    return Condition(type="Ready", status=status, reason="R", last_transition_time=since)


def test_a_status_that_stays_keeps_its_age_though_its_reason_changes() -> None:
    (found,) = aged([Finding("Ready", Status.TRUE, "New", "text")], (condition(),), LATER, 3)
    assert (found.last_transition_time, found.reason, found.message, found.observed_generation) == (
        NOW, "New", "text", 3,
    )  # fmt: skip


def test_a_status_that_changes_is_dated() -> None:
    (found,) = aged([Finding("Ready", Status.FALSE, "R")], (condition(),), LATER, 1)
    assert found.last_transition_time == LATER


def test_a_first_condition_is_dated() -> None:
    (found,) = aged([Finding("Claimed", Status.TRUE, "R")], (condition(),), LATER, 1)
    assert found.last_transition_time == LATER


def test_a_message_fits_the_schema() -> None:
    (found,) = aged([Finding("Ready", Status.TRUE, "R", "x" * (MESSAGE_MAX + 1))], (), NOW, 1)
    assert len(found.message) == MESSAGE_MAX


def test_findings_without_a_message_say_nothing() -> None:
    assert Finding("Ready", Status.TRUE, "R").message == ""
