"""What every test may ask for: a real API server that serves the project's kinds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devcluster import Cluster

CRDS = Path(__file__).resolve().parent.parent / "crds"


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """One cluster for the whole session, with an audit log: use names of your own in it, and do not kill it."""
    with _cluster("tests") as running:
        yield running
        if request.session.testsfailed:
            request.config.get_terminal_writer().line(f"\nthe logs of the API server are in {running.directory}")
            running.stop(keep_logs=True)


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A cluster for one test, to be killed, restarted or filled."""
    with _cluster("own") as running:
        yield running


@contextmanager
def _cluster(name: str) -> Iterator[Cluster]:
    # A test never builds the programs, which takes minutes: where they are missing, the error says how to get them.
    with Cluster.start(name, audit=True, may_build=False) as running:
        running.apply(CRDS)
        yield running
