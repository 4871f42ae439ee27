"""The cluster that a run takes place in: one of its own with the real controller, or the one that is named."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devcluster import CONTROLLER, Cluster
from hypertally.api.names import LEASE_NAMESPACE
from hypertally.kube.access import Access, find_access

from .api import NAMESPACES_PATH, NODES_PATH, Api, ApiError
from .stage import make_namespace

ROOT = Path(__file__).resolve().parents[2]

AGENT_GRACE = 8
"""Seconds: the kit renews each second, and one check waits for a host to be silent for so long."""


@contextmanager
def own_cluster(log: Path) -> Iterator[Access]:
    with Cluster.start("conformance") as cluster:
        cluster.apply(ROOT / "crds", ROOT / "deploy")
        with controller(cluster.kubeconfig_for(CONTROLLER.key), log):
            yield find_access(str(cluster.kubeconfig))


@contextmanager
def controller(kubeconfig: Path, log: Path) -> Iterator[None]:
    """The real one, until the block ends."""
    command = [
        sys.executable, "-m", "hypertally.controller", "--kubeconfig", str(kubeconfig), "--listen", "",
        "--agent-grace", str(AGENT_GRACE),
    ]  # fmt: skip
    with log.open("ab") as file, subprocess.Popen(command, stderr=file) as process:
        try:
            yield
        finally:
            process.terminate()


def prepare(api: Api) -> None:
    """ApiError where a run would do harm: a scheduler under test would bind the kit's Instances to real hosts."""
    found = [each["metadata"]["name"] for each in api.items(NODES_PATH)]
    if found:
        shown = ", ".join([*sorted(found)[:3], *(["…"] if len(found) > 3 else [])])  # noqa: PLR2004
        raise ApiError(f"this cluster has ComputeNodes ({shown}): use one without any")
    if api.get(f"{NAMESPACES_PATH}/{LEASE_NAMESPACE}") is None:
        raise ApiError(f"namespace {LEASE_NAMESPACE} is not there: kubectl apply -f deploy/")
    make_namespace(api)
