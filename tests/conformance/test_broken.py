"""A scheduler that does one thing wrong fails the promise that this is about."""

import sys
from pathlib import Path

import pytest

from conformance.checks import CHECKS
from tests.conformance.conftest import Kit
from tests.conformance.wrong_scheduler import SINS

pytestmark = pytest.mark.timeout(300)  # one run of the kit may wait for several things

WRONG = Path(__file__).with_name("wrong_scheduler.py")

PATIENCE = "15"
"""Seconds: those that do not what they should are waited for so long; more than a step takes on a loaded machine."""

CASES = [
    ("does_nothing", "binds", "to be bound and claimed"),
    ("looks_at_cpus_only", "amounts", "no room"),
    ("uses_every_host_with_a_ledger", "closed", ", which is not open"),
    ("looks_at_ready_only", "just-closed", "whose spec.schedulable is Disabled, though Ready is not False yet"),
    ("takes_the_unknown_for_plenty", "absent", ", of which nothing is known"),
    ("assumes_nothing", "assumes", "no room"),
    ("gives_up_once_refused", "refused", "to be bound and claimed"),
    ("binds_without_a_version", "changed", "though the Instance had changed since: send its resourceVersion"),
    ("lists_only_once", "expired", "to be listed again after a 410"),
    ("believes_whatever_comes_last", "older", "by an older version of it"),
    ("does_nothing", "races", "every place to be taken"),
]


@pytest.mark.parametrize(("sin", "check", "said"), CASES, ids=[f"{sin}-{check}" for sin, check, _ in CASES])
def test_what_is_wrong_is_found(kit: Kit, sin: str, check: str, said: str) -> None:
    done = kit("--scheduler", f"{sys.executable} {WRONG} {sin}", "--only", check, "--patience", PATIENCE)

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"FAIL  {check}" in done.stdout
    assert said in done.stdout, done.stdout


def test_every_promise_and_every_wrong_scheduler_is_tried() -> None:
    assert {check for _, check, _ in CASES} == set(CHECKS)
    assert {sin for sin, _, _ in CASES} == set(SINS)
