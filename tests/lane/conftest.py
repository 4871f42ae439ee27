"""The lane: a cluster of two nodes on which a person installs, uses, upgrades and removes Hypertally, step by step.

Run by `make e2e`, in a world of its own; a step relies on those before it, so the first failure ends the run.
"""

import json
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from devcluster import ClusterError, Console
from devhelm import find_helm
from devnodes import Lab, MissingPart
from devnodes.prepare import TIMES
from tests.lane.person import Person

#: Where `python -m devnodes.prepare` has put the images.
IMAGES = "LANE_IMAGES"

PERSON = pytest.StashKey[Person]()


@pytest.fixture(scope="session")
def images() -> Path:
    if IMAGES not in os.environ:
        raise MissingPart(f"${IMAGES} names no folder with the images: run the lane by make e2e")
    return Path(os.environ[IMAGES])


@pytest.fixture(scope="session")
def lab(images: Path) -> Iterator[Lab]:
    """Two nodes that are Ready, with the images of this tree."""
    with Lab.start(sorted(images.glob("*.tar")), Console()) as running:
        yield running


@pytest.fixture(scope="session")
def person(request: pytest.FixtureRequest, lab: Lab) -> Person:
    known = Person(lab, find_helm(may_download=False))
    request.config.stash[PERSON] = known
    return known


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a step failed, what the programs said last: nothing of it is left afterwards."""
    report = yield
    if report.when == "call" and report.failed and PERSON in item.config.stash:
        with suppress(ClusterError):
            report.sections += [(f"logs of {name}", text) for name, text in item.config.stash[PERSON].logs().items()]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What each step took."""
    steps = [*_prepared(), *_tested(terminalreporter)]
    terminalreporter.section("steps of the lane")
    for name, seconds in steps:
        terminalreporter.write_line(f"{seconds:7.1f} s  {name}")
    terminalreporter.write_line(f"{sum(seconds for _, seconds in steps):7.1f} s  in all")


def _prepared() -> Iterator[tuple[str, float]]:
    times = Path(os.environ.get(IMAGES, ""), TIMES)
    if times.is_file():
        yield from json.loads(times.read_text()).items()


def _tested(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, float]]:
    reports = [report for kind in ("passed", "failed", "error") for report in reporter.stats.get(kind, [])]
    # Of the first step, what brings the two nodes up is told apart.
    for report in sorted(reports, key=lambda each: each.start):
        name = report.nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
        yield name + ("" if report.passed else f": {report.outcome}"), report.duration
