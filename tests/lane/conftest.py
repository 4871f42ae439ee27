"""The lane: a cluster of two nodes on which a person installs, uses, upgrades and removes Hypertally, step by step.

Run by `make e2e`, in a world of its own; a step relies on those before it, so the first failure ends the run.
"""

import json
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from devcluster import ClusterError, Console
from devhelm import find_helm
from devnodes import Lab, MissingPart, previous
from devnodes.prepare import TIMES
from tests.lane.inventory import everything
from tests.lane.person import Person

#: Where `python -m devnodes.prepare` has put the images.
IMAGES = "LANE_IMAGES"

#: Seconds from which on the table tells of what is between the steps.
_A_WHILE = 0.5

PERSON = pytest.StashKey[Person]()


@pytest.fixture(scope="session")
def images() -> Path:
    if IMAGES not in os.environ:
        raise MissingPart(f"${IMAGES} names no folder with the images: run the lane by make e2e")
    return Path(os.environ[IMAGES])


@pytest.fixture(scope="session")
def lab(images: Path) -> Iterator[Lab]:
    """Two nodes that are Ready, with the images of this tree and of the release before it."""
    with Lab.start(sorted(images.rglob("*.tar")), Console()) as running:
        yield running


@pytest.fixture(scope="session")
def person(request: pytest.FixtureRequest, lab: Lab) -> Person:
    known = Person(lab, find_helm(may_download=False), everything(lab))
    request.config.stash[PERSON] = known
    return known


@pytest.fixture(scope="session")
def chart_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart of the release before this one."""
    return previous.chart(previous.unpack(tmp_path_factory.mktemp("before")))


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
    steps, (prepared, before) = [*_tested(terminalreporter)], _prepared()
    terminalreporter.section("steps of the lane")
    for name, seconds in (*prepared.items(), *steps):
        terminalreporter.write_line(f"{seconds:7.1f} s  {name}")
    terminalreporter.write_line(f"{before + sum(seconds for _, seconds in steps):7.1f} s  in all")


def _prepared() -> tuple[dict[str, float], float]:
    """What came before, of which some went on at the same time, and how long it was together."""
    times = Path(os.environ.get(IMAGES, ""), TIMES)
    told: dict[str, Any] = json.loads(times.read_text()) if times.is_file() else {"steps": {}, "seconds": 0.0}
    return told["steps"], told["seconds"]


def _tested(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, float]]:
    """With what a step needed first, and what was taken down after the last, where that took a while."""
    reports = [report for kind in ("", "passed", "failed", "error") for report in reporter.stats.get(kind, [])]
    for report in sorted((each for each in reports if _counts(each)), key=lambda each: each.start):
        what = {"setup": "what comes before: ", "teardown": "what comes after: "}.get(report.when, "")
        yield what + _name(report.nodeid) + ("" if report.passed else f": {report.outcome}"), report.duration


def _counts(report: object) -> bool:
    return isinstance(report, pytest.TestReport) and (report.when == "call" or report.duration >= _A_WHILE)


def _name(nodeid: str) -> str:
    """A step's sentence; of a command of the README the command itself."""
    name, _, parameter = nodeid.rpartition("::")[2].removesuffix("]").partition("[")
    sentence = name.removeprefix("test_").replace("_", " ")
    if " " in parameter:
        return f"$ {parameter}"
    return f"{sentence}: {parameter}" if parameter else sentence
