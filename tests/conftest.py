"""What every test may ask for: a real API server that serves the project's kinds."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from devcluster import Cluster
from tests.support.emptied import empty
from tests.support.worlds import ByWorld, rank

# How fast examples are made says something about the machine that day, nothing about the code.
settings.register_profile("hypertally", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("hypertally")

# A Go program with several threads wakes them for little, a tenth of what API servers do here: tests beside each other
# have no CPU to spare for that.
os.environ.setdefault("GOMAXPROCS", "1")

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
CRDS, DEPLOY = ROOT / "crds", ROOT / "deploy"


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Each process of a run compiles a share of the tests, and finds the others' shares compiled.

    Rewriting what tests assert is half of what collecting costs, and processes that begin together would all do it.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if count == 1 or sys.dont_write_bytecode:
        return
    worker = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    places = (session.config.invocation_params.dir / argument for argument in session.config.args)
    files = sorted(file for place in places for file in place.rglob("test_*.py") if file.parent.name != "lane")
    for file in files[worker::count]:
        with suppress(Exception):  # the collection itself says what is wrong
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, and those of a second fill the gaps at the end."""
    items.sort(key=lambda item: rank(item.path.relative_to(TESTS).as_posix()))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByWorld:
    """Files that share an API server run in one process."""
    return ByWorld(config, log)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """One cluster for the whole session, with an audit log: use names of your own in it, and do not kill it."""
    with running_cluster("tests") as running:
        yield running
        if request.session.testsfailed:
            print(f"\nthe logs of the API server are in {running.directory}", file=sys.stderr)  # noqa: T201
            running.stop(keep_logs=True)


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A cluster for one test, to be killed, restarted or filled."""
    with running_cluster("own") as running:
        yield running


@pytest.fixture(scope="session")
def shared_by_turns() -> Iterator[Cluster]:
    with running_cluster("alone") as running:
        running.apply(DEPLOY)
        yield running


@pytest.fixture
def lone_cluster(shared_by_turns: Cluster, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster with the rights and policies and nothing else, to be restarted; the next test gets it emptied.

    It costs a tenth of `own_cluster`. Programs must have ended before the test does, and the kinds must be there.
    """
    yield shared_by_turns
    if not shared_by_turns.apiserver.is_running():
        shared_by_turns.apiserver.start()
    if request.session.testsfailed:  # perhaps between deleting the kinds and bringing them back
        shared_by_turns.apply(CRDS)
    empty(shared_by_turns)


@contextmanager
def running_cluster(name: str) -> Iterator[Cluster]:
    """A cluster with the kinds, which ends with the block."""
    # A test never builds the programs, which takes minutes: where they are missing, the error says how to get them.
    with Cluster.start(name, audit=True, may_build=False) as running:
        running.apply(CRDS)
        yield running
