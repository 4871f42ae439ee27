"""A CRD that is older than a program: told by name before anything is written, by what a real API server publishes."""

import copy
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from devcluster import Cluster
from devcluster.waiting import wait_until
from hypertally.api.base import Wire
from hypertally.api.compute_node import ComputeNode
from hypertally.api.instance import Instance
from hypertally.api.migration import Migration
from hypertally.kube.access import find_access
from hypertally.kube.client import KubeClient
from hypertally.kube.errors import KubeError, SchemaOutdated
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, MIGRATION, Kind
from hypertally.kube.schema import require_fields
from tests.conftest import CRDS
from tests.support import shipped

TYPES: Mapping[Kind, type[Wire]] = {COMPUTE_NODE: ComputeNode, INSTANCE: Instance, MIGRATION: Migration}
REMEDY = ": install those of its version (helm upgrade with crds.install=true, or kubectl apply --server-side -f crds/)"
LACKS = f"the CRD computenodes.compute.hypertally.dev is older than this program, it lacks status.report.cpu{REMEDY}"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def published(cluster: Cluster) -> Document:
    client = KubeClient(find_access(str(cluster.kubeconfig), ""), "test")

    def is_whole() -> bool:
        """It is put together a moment after the CRDs were applied."""
        try:
            require_fields(client.schema(), TYPES)
        except KubeError:
            return False
        return True

    wait_until(is_whole, seconds=30, what="the schema to be published")
    return client.schema()


def schema_of(document: Document, kind: str) -> Document:
    found: Document = document["components"]["schemas"][f"dev.hypertally.compute.v1alpha1.{kind}"]
    return found


def said(document: Document) -> str:
    with pytest.raises(SchemaOutdated) as caught:
        require_fields(document, TYPES)
    return str(caught.value)


def test_the_crds_of_this_version_have_everything(published: Document) -> None:
    require_fields(published, TYPES)


def test_what_is_missing_is_named_with_the_remedy(published: Document) -> None:
    older = copy.deepcopy(published)
    del schema_of(older, "ComputeNode")["properties"]["status"]["properties"]["report"]["properties"]["cpu"]

    assert said(older) == LACKS


def test_what_is_missing_in_the_entries_of_a_list_is_named_too(published: Document) -> None:
    older = copy.deepcopy(published)
    ledger = schema_of(older, "ComputeNode")["properties"]["status"]["properties"]["ledger"]
    del ledger["properties"]["claims"]["items"]["properties"]["role"]

    assert "it lacks status.ledger.claims.role: " in said(older)


def test_of_many_that_are_missing_the_first_are_named(published: Document) -> None:
    older = copy.deepcopy(published)
    report = schema_of(older, "ComputeNode")["properties"]["status"]["properties"]["report"]["properties"]
    expected = len(report) - 5
    report.clear()

    assert "it lacks status.report.hypervisor, " in said(older)
    assert f" and {expected} more: " in said(older)


def test_a_kind_that_is_not_published_is_named(published: Document) -> None:
    without = copy.deepcopy(published)
    del without["components"]["schemas"]["dev.hypertally.compute.v1alpha1.Migration"]

    assert said(without).startswith("the API server publishes no schema of the CRD migrations.compute.hypertally.dev")


def test_a_newer_crd_is_no_trouble(published: Document) -> None:
    newer = copy.deepcopy(published)
    schema_of(newer, "Instance")["properties"]["spec"]["properties"]["flavour"] = {"type": "string"}

    require_fields(newer, TYPES)


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster whose ComputeNodes have no `status.report.cpu` yet."""
    folder = tmp_path_factory.mktemp("crds")
    for path in CRDS.glob("*.yaml"):
        crd = yaml.safe_load(path.read_text())
        if path.stem == "computenodes":
            schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            del schema["properties"]["status"]["properties"]["report"]["properties"]["cpu"]
        (folder / path.name).write_text(yaml.safe_dump(crd))
    with Cluster.start("behind", may_build=False) as running:
        running.apply(folder)
        yield running


def program(name: str, *arguments: str) -> list[str]:
    return [*shipped.command(f"hypertally.{name}"), *arguments]


def test_a_controller_ends_with_one_line_and_writes_nothing(behind: Cluster) -> None:
    command = program("controller", "--listen", "", "--kubeconfig", str(behind.kubeconfig))

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == f"hypertally-controller: {LACKS}"


def test_an_agent_is_not_ready_and_reports_once_the_crds_are_there(behind: Cluster, tmp_path: Path) -> None:
    behind.apply_objects(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hypertally-system"}},
    )
    log = tmp_path / "log"
    command = program(
        "agent.main", "--node-name=n1", "--connection=test:///default", "--listen=127.0.0.1:0", "--log-format=json",
        "--kubeconfig", str(behind.kubeconfig),
    )  # fmt: skip
    with log.open("wb") as file, subprocess.Popen(command, stderr=file) as process:
        try:
            wait_until(lambda: LACKS in answer(log, "/readyz")[1], seconds=60, what="a complaint")
            wait_until(lambda: "n1 cannot be published" in log.read_text(), seconds=60, what="a report to be refused")
            assert told(behind) == ""
            behind.apply(CRDS)
            wait_until(lambda: "vcpus" in told(behind), seconds=60, what="a report")
            wait_until(lambda: answer(log, "/readyz") == (200, "ok\n"), seconds=60, what="it to be ready")
        finally:
            process.terminate()
            process.wait(20)
    assert process.returncode == 0


def told(cluster: Cluster) -> str:
    return cluster.kubectl("get", "computenodes", "-o", "jsonpath={.items[*].status.report.capacity}")


def answer(log: Path, path: str) -> tuple[int, str]:
    """What is said at the port that the log tells; 0 before there is one."""
    lines = (yaml.safe_load(line) for line in log.read_text().splitlines() if line.startswith("{"))
    port = next((line["port"] for line in lines if "port" in line), None)
    if port is None:
        return 0, ""
    found = urllib3.request("GET", f"http://127.0.0.1:{port}{path}", timeout=30.0, retries=False)
    return found.status, found.data.decode()
