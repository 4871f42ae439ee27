"""The chart's life on a real API server: installed, upgraded, refused, removed; nothing that is stored is lost."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from devcluster import Cluster
from devcluster.waiting import wait_until
from tests.helm.chart import CHART, DEADLINE, HELMS, NAMESPACE, VALUES, Object, objects, program
from tests.support import samples

RELEASE = ("hypertally", "--namespace", NAMESPACE)

#: Seconds: each command of Helm takes some on a busy machine.
pytestmark = pytest.mark.timeout(600)

#: Kinds whose definitions are the Prometheus operator's.
FOREIGN = ("PodMonitor", "PrometheusRule", "ServiceMonitor")


class Installed:
    """One cluster, and Helm for it."""

    def __init__(self, cluster: Cluster, home: Path, helm: str = "Helm 4") -> None:
        self.cluster = cluster
        self._home = home
        self._helm = helm

    def try_(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self._home), "KUBECONFIG": str(self.cluster.kubeconfig)}
        command = [program(self._helm), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, env=environment)

    def helm(self, *arguments: str | Path) -> str:
        done = self.try_(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def names(self, kinds: str) -> set[str]:
        return set(self.cluster.kubectl("get", kinds, "--all-namespaces", "-o", "name").split())

    def schema_version(self) -> str:
        crd = json.loads(self.cluster.kubectl("get", "crd", "computenodes.compute.hypertally.dev", "-o", "json"))
        return str(crd["metadata"]["annotations"]["compute.hypertally.dev/schema-version"])


@pytest.fixture(scope="module")
def bare() -> Iterator[Cluster]:
    with Cluster.start("chart", may_build=False) as running:
        yield running


@pytest.fixture(params=HELMS)
def installed(bare: Cluster, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installed]:
    made = Installed(bare, tmp_path, request.param)
    made.helm("install", *RELEASE, CHART, "--create-namespace")
    yield made
    made.try_("uninstall", *RELEASE, "--no-hooks")
    bare.kubectl("delete", "crd", "--all")


def newer_chart(folder: Path) -> Path:
    """A later version, whose definitions have one more field."""
    chart = folder / "hypertally"
    shutil.copytree(CHART, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**about, "version": "0.2.0"}))
    path = chart / "files" / "crds" / "computenodes.yaml"
    crd = yaml.safe_load(path.read_text())
    crd["metadata"]["annotations"]["compute.hypertally.dev/schema-version"] = "2"
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["rack"] = {"type": "string", "maxLength": 63}
    path.write_text(yaml.safe_dump(crd))
    return chart


def test_the_notes_tell_the_next_command(installed: Installed) -> None:
    notes = installed.helm("get", "notes", *RELEASE)

    assert f"kubectl --namespace {NAMESPACE} rollout status daemonset/hypertally-agent" in notes
    assert "kubectl get computenodes" in notes


def test_an_upgrade_adds_fields_and_keeps_what_is_stored(installed: Installed, tmp_path: Path) -> None:
    node = samples.compute_node("kept")
    installed.cluster.apply_objects({**node, "status": {}})

    installed.helm("upgrade", *RELEASE, newer_chart(tmp_path))

    assert installed.schema_version() == "2"
    installed.cluster.kubectl("patch", "computenode", "kept", "--type=merge", "--patch", '{"spec": {"rack": "r1"}}')
    assert rack(installed) == "r1"


def rack(installed: Installed) -> str:
    return installed.cluster.kubectl("get", "computenode", "kept", "-o", "jsonpath={.spec.rack}")


def test_an_older_chart_is_refused_before_anything_is_changed(installed: Installed, tmp_path: Path) -> None:
    installed.helm("upgrade", *RELEASE, newer_chart(tmp_path))

    done = installed.try_("upgrade", *RELEASE, CHART)

    assert done.returncode != 0
    assert (
        "crds.install: computenodes.compute.hypertally.dev is of schema version 2 in the cluster and 1 in chart "
    ) in done.stderr
    assert "Install a newer chart, or this one with crds.install=false" in done.stderr
    assert installed.schema_version() == "2"


def test_an_older_chart_that_leaves_the_kinds_as_they_are_is_taken(installed: Installed, tmp_path: Path) -> None:
    installed.helm("upgrade", *RELEASE, newer_chart(tmp_path))

    installed.helm("upgrade", *RELEASE, CHART, "--set", "crds.install=false")

    assert installed.schema_version() == "2"


def test_whoever_accepts_the_loss_can_go_back(installed: Installed, tmp_path: Path) -> None:
    installed.helm("upgrade", *RELEASE, newer_chart(tmp_path))

    installed.helm("upgrade", *RELEASE, CHART, "--set", "crds.allowOlderSchema=true")

    assert installed.schema_version() == "1"


def test_a_rollback_that_would_lose_fields_is_refused_by_policy(installed: Installed, tmp_path: Path) -> None:
    installed.helm("upgrade", *RELEASE, newer_chart(tmp_path))
    older = CHART.parent.parent / "crds" / "computenodes.yaml"

    def is_guarded() -> bool:
        """A policy takes some seconds to be in force."""
        try:
            installed.cluster.kubectl("replace", "--dry-run=server", "-f", older)
        except Exception as error:  # noqa: BLE001 # whatever kubectl is wrapped in
            return "schema version 2 of computenodes.compute.hypertally.dev is not replaced by 1" in str(error)
        return False

    wait_until(is_guarded, seconds=60, what="the policy to be in force")

    done = installed.try_("rollback", "hypertally", "1", "--namespace", NAMESPACE)

    assert done.returncode != 0
    assert "is not replaced by 1: fields that only the newer one has would be lost" in done.stderr
    assert installed.schema_version() == "2"


def test_an_uninstall_removes_everything_but_the_kinds_and_what_is_stored(installed: Installed) -> None:
    node = samples.compute_node("kept")
    installed.cluster.apply_objects({**node, "status": {}})
    kinds = (
        "daemonsets,deployments,configmaps,services,serviceaccounts,networkpolicies,poddisruptionbudgets,"
        "validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings,roles,rolebindings"
    )
    assert any("hypertally" in name for name in installed.names(kinds))

    installed.helm("uninstall", *RELEASE, "--no-hooks")

    assert [name for name in installed.names(kinds) if "hypertally" in name] == []
    assert len(installed.names("crd")) == 3
    assert installed.names("computenodes") == {"computenode.compute.hypertally.dev/kept"}
    installed.helm("install", *RELEASE, CHART)
    assert installed.names("computenodes") == {"computenode.compute.hypertally.dev/kept"}


def test_a_second_release_is_refused_since_the_kinds_are_the_first_ones(installed: Installed) -> None:
    done = installed.try_("install", "other", CHART, "--namespace", "other", "--create-namespace")

    assert done.returncode != 0
    assert "computenodes.compute.hypertally.dev" in done.stderr
    assert 'must equal "other": current value is "hypertally"' in done.stderr


def test_helm_without_rights_says_which_are_missing(bare: Cluster, tmp_path: Path) -> None:
    command = [program("Helm 4"), "install", *RELEASE, CHART]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "KUBECONFIG": str(bare.kubeconfig_for("nobody"))}

    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, env=environment)

    assert done.returncode != 0
    assert 'User "nobody" cannot' in done.stderr


def every_document() -> Sequence[Object]:
    found = {json.dumps(each, sort_keys=True): each for values in VALUES for each in objects(values)}
    return [each for each in found.values() if each["kind"] not in FOREIGN]


def test_the_api_server_takes_every_document_as_it_is(bare: Cluster, tmp_path: Path) -> None:
    for name in (NAMESPACE, "monitoring"):
        bare.apply_objects({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    everything = tmp_path / "everything.yaml"
    everything.write_text(yaml.dump_all(every_document(), Dumper=yaml.CSafeDumper))

    said = bare.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", everything)

    assert len(said.splitlines()) == len(every_document())
