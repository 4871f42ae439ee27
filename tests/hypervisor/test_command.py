"""Programs that are asked: each has a deadline, and each failure is one line."""

import time

import pytest

from hypertally.hypervisor.command import complaint, run
from hypertally.hypervisor.facts import Unread


def test_what_it_prints_is_the_answer() -> None:
    assert run(["cat"], "coreutils", stdin="df\n") == "df\n"


def test_one_that_hangs_is_ended_at_the_deadline() -> None:
    began = time.monotonic()
    assert run(["sleep", "60"], "coreutils", deadline=0.2) == Unread("sleep: no answer within 0.2 s")
    assert time.monotonic() - began < 5


def test_one_that_ends_well_and_says_nothing_has_not_answered() -> None:
    assert run(["true"], "coreutils") == Unread("true: no answer")
    assert run(["sh", "-c", "echo denied >&2"], "dash") == Unread("sh: denied")


def test_one_that_cannot_be_run_says_why() -> None:
    assert run(["/etc/passwd"], "none") == Unread("/etc/passwd: Permission denied")


@pytest.mark.parametrize(
    ("stderr", "told"),
    [("", ""), ("\n \n", ""), ("a\nb\n  c  d\n", "b; c d"), ("x" * 300, "x" * 200)],
)
def test_a_complaint_is_its_last_two_lines(stderr: str, told: str) -> None:
    assert complaint(stderr) == told
