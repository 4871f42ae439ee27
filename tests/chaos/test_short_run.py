"""A short run of what `make chaos` does at length."""

from pathlib import Path

import pytest

from .run import Bounds, run

SEED, FAULTS = 1, 15
SETTLING = Bounds(settling=180.0)
"""Other tests run beside this one; a run on its own is held to a minute."""


@pytest.mark.timeout(600)
def test_fifteen_faults_break_no_promise_and_everything_comes_to_rest(tmp_path: Path) -> None:
    report = run(SEED, FAULTS, tmp_path, print, SETTLING)
    assert len(report.log.faults) == FAULTS
    assert len(report.settled) == 1
    assert report.checker.books.claims > 0, report.lines()
    assert report.checker.kept.made > 0, report.lines()
    assert report.checker.tally.quiet == 1, report.lines()
