"""One API server with the real controller for all runs of the kit here; each run leaves it empty."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.cluster import AGENT_GRACE
from devcluster import CONTROLLER, Cluster
from tests.conftest import running_cluster
from tests.support.fleet import controller

ROOT = Path(__file__).resolve().parents[2]

Done = subprocess.CompletedProcess[str]
Kit = Callable[..., Done]


@pytest.fixture(scope="module")
def empty_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    log = tmp_path_factory.mktemp("controller") / "log"
    with running_cluster("conformance") as cluster:
        cluster.apply(ROOT / "deploy")
        with controller(cluster.kubeconfig_for(CONTROLLER.key), log, f"--agent-grace={AGENT_GRACE}"):
            yield cluster


@pytest.fixture
def kit(empty_cluster: Cluster, tmp_path: Path) -> Kit:
    """The kit as a scheduler's author runs it, with these arguments."""

    def run(*arguments: str) -> Done:
        command = [sys.executable, "-m", "conformance", "--kubeconfig", str(empty_cluster.kubeconfig), *arguments]
        path = f"{ROOT / 'hack'}{os.pathsep}{ROOT}"
        return subprocess.run(
            command, capture_output=True, text=True, timeout=280, check=False,
            env={**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", "TMPDIR": str(tmp_path)},
        )  # fmt: skip

    return run
