"""One cluster and one controller for all tests here; each test has hosts and Instances of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import running_cluster
from tests.support.fleet import Fleet, controller

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
GRACE = "--agent-grace=8"
"""Seconds until an agent counts as silent: the tests' hosts renew only when they are told to, so Ready is Unknown."""


@pytest.fixture(scope="package")
def plain_fleet() -> Iterator[Fleet]:
    """An API server with the rights granted, of its own: a controller writes to everything."""
    with running_cluster("controller") as cluster:
        cluster.apply(DEPLOY)
        yield Fleet(cluster)


@pytest.fixture(scope="package")
def fleet(plain_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The API server and one running controller."""
    log = tmp_path_factory.mktemp("controller") / "log"
    with controller(plain_fleet.cluster.kubeconfig_for("controller"), log, GRACE, "--resync-interval=2") as process:
        yield plain_fleet
        assert process.poll() is None, f"the controller ended by itself:\n{log.read_text()}"
    assert "Traceback" not in log.read_text(), log.read_text()
