"""A short run of what `make chaos` does at length."""

from pathlib import Path

import pytest

from .run import SETTLING_SECONDS, run

SEED, FAULTS = 1, 15


@pytest.mark.timeout(300)
def test_fifteen_faults_break_no_promise_and_everything_comes_to_rest(tmp_path: Path) -> None:
    report = run(SEED, FAULTS, tmp_path, print)
    assert len(report.log.faults) == FAULTS
    assert max(report.settled) <= SETTLING_SECONDS
    assert report.checker.books.claims > 0, report.lines()
    assert report.checker.kept.made > 0, report.lines()
    assert report.checker.tally.quiet == 1, report.lines()
