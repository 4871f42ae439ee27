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
from tests.helm.chart import CHART, DEADLINE, NAMESPACE, VALUES, Object, objects, program
from tests.helm.installed import HOST, RELEASE, Installed

#: Seconds: each command of Helm takes some on a busy machine.
pytestmark = pytest.mark.timeout(600)

REFUSED = "schema version 2 of computenodes.compute.hypertally.dev is not replaced by 1"

#: Kinds whose definitions are the Prometheus operator's.
FOREIGN = ("PodMonitor", "PrometheusRule", "ServiceMonitor")


@pytest.fixture
def old_helm(bare: Cluster, tmp_path: Path) -> Iterator[Installed]:
    made = Installed(bare, tmp_path, "Helm 3")
    yield made
    made.remove()


@pytest.fixture(scope="class")
def installed(bare: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The chart, and one host that is stored."""
    made = Installed(bare, tmp_path_factory.mktemp("helm"))
    made.helm("install", *RELEASE, CHART, "--create-namespace")
    made.put_host()
    yield made
    made.remove()


@pytest.fixture(scope="class")
def upgraded(installed: Installed, newer: Path) -> Installed:
    """To the next version, whose definitions have one more field, which the host uses."""
    installed.helm("upgrade", *RELEASE, newer)
    installed.mount_host()
    return installed


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A later version, whose definitions have one more field."""
    chart = tmp_path_factory.mktemp("newer") / "hypertally"
    shutil.copytree(CHART, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**about, "version": "99.0.0"}))
    path = chart / "files" / "crds" / "computenodes.yaml"
    crd = yaml.safe_load(path.read_text())
    crd["metadata"]["annotations"]["compute.hypertally.dev/schema-version"] = "2"
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["rack"] = {"type": "string", "maxLength": 63}
    path.write_text(yaml.safe_dump(crd))
    return chart


class TestLife:
    """One release, in this order; what a test refuses changes nothing, so that the next one finds it as it was."""

    def test_the_notes_tell_the_next_command(self, installed: Installed) -> None:
        notes = installed.helm("get", "notes", *RELEASE)

        assert f"kubectl --namespace {NAMESPACE} rollout status daemonset/hypertally-agent" in notes
        assert "kubectl get computenodes" in notes

    def test_a_second_release_is_refused_since_the_kinds_are_the_first_ones(self, installed: Installed) -> None:
        done = installed.try_("install", "other", CHART, "--namespace", "other", "--create-namespace")

        assert done.returncode != 0
        assert "compute.hypertally.dev" in done.stderr
        assert 'must equal "other": current value is "hypertally"' in done.stderr

    @pytest.mark.parametrize(
        ("values", "met"),
        [
            (("crds.install=false",), 'ClusterRole "hypertally-agent"'),
            (("crds.install=false", "rbac.create=false"), 'ValidatingAdmissionPolicy "hypertally-s'),
            (("crds.install=false", "policies.enabled=false"), 'ClusterRole "hypertally-agent"'),
        ],
        ids=["kinds from elsewhere", "rights from elsewhere", "no policies"],
    )
    def test_a_second_release_is_refused_also_where_it_brings_no_kinds(
        self, installed: Installed, values: Sequence[str], met: str
    ) -> None:
        settings = [part for value in values for part in ("--set", value)]
        done = installed.try_("install", "other", CHART, "--namespace", "other", "--create-namespace", *settings)

        assert done.returncode != 0
        assert met in done.stderr
        assert 'must equal "other": current value is "hypertally"' in done.stderr
        assert installed.named("other") == []

    def test_an_upgrade_adds_fields_and_keeps_what_is_stored(self, upgraded: Installed) -> None:
        assert upgraded.schema_version() == "2"
        assert upgraded.rack() == "r1"

    def test_an_older_chart_is_refused_before_anything_is_changed(self, upgraded: Installed) -> None:
        done = upgraded.try_("upgrade", *RELEASE, CHART)

        assert done.returncode != 0
        assert (
            "crds.install: computenodes.compute.hypertally.dev is of schema version 2 in the cluster and 1 in chart "
        ) in done.stderr
        assert "Install a newer chart, or this one with crds.install=false" in done.stderr
        assert upgraded.schema_version() == "2"

    def test_a_rollback_that_would_lose_fields_is_refused_by_policy(self, upgraded: Installed) -> None:
        # A policy takes some seconds to be in force.
        wait_until(lambda: REFUSED in upgraded.would_replace(), seconds=60, what="the policy to be in force")

        done = upgraded.try_("rollback", "hypertally", "1", "--namespace", NAMESPACE)

        assert done.returncode != 0
        assert REFUSED in done.stderr
        assert (upgraded.schema_version(), upgraded.rack()) == ("2", "r1")

    def test_an_older_chart_that_leaves_the_kinds_as_they_are_is_taken(self, upgraded: Installed) -> None:
        upgraded.helm("upgrade", *RELEASE, CHART, "--set", "crds.install=false")

        assert (upgraded.schema_version(), upgraded.rack()) == ("2", "r1")

    def test_an_uninstall_removes_everything_but_the_kinds_and_what_is_stored(self, upgraded: Installed) -> None:
        assert upgraded.named("hypertally")

        upgraded.helm("uninstall", *RELEASE, "--no-hooks")

        assert upgraded.named("hypertally") == []
        assert len(upgraded.names("crd")) == 3
        assert upgraded.rack() == "r1"

    def test_whoever_accepts_the_loss_can_go_back(self, upgraded: Installed) -> None:
        upgraded.helm("install", *RELEASE, CHART, "--set", "crds.allowOlderSchema=true")

        assert upgraded.schema_version() == "1"
        assert upgraded.names("computenodes") == {f"computenode.compute.hypertally.dev/{HOST}"}


def test_the_oldest_helm_installs_upgrades_and_keeps_what_is_stored(old_helm: Installed, newer: Path) -> None:
    old_helm.helm("install", *RELEASE, CHART, "--create-namespace")
    old_helm.put_host()
    assert "rollout status daemonset/hypertally-agent" in old_helm.helm("get", "notes", *RELEASE)

    old_helm.helm("upgrade", *RELEASE, newer)
    assert old_helm.try_("upgrade", *RELEASE, CHART).returncode != 0
    old_helm.helm("uninstall", *RELEASE, "--no-hooks")

    assert old_helm.schema_version() == "2"
    assert old_helm.names("computenodes") == {f"computenode.compute.hypertally.dev/{HOST}"}


def test_helm_without_rights_says_which_are_missing(bare: Cluster, tmp_path: Path) -> None:
    command: list[str | Path] = [program("Helm 4"), "install", *RELEASE, CHART]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "KUBECONFIG": str(bare.kubeconfig_for("nobody"))}

    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, env=environment)

    assert done.returncode != 0
    assert 'User "nobody" cannot' in done.stderr


def every_document() -> Sequence[Object]:
    found = {json.dumps(each, sort_keys=True): each for values in VALUES for each in objects(values)}
    return [each for each in found.values() if each["kind"] not in FOREIGN]


@pytest.fixture
def accounts(bare: Cluster) -> Iterator[None]:
    """Of a Pod the server asks whether its account is there."""
    for name in (NAMESPACE, "monitoring"):
        bare.apply_objects({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    bare.apply_objects(*(each for each in every_document() if each["kind"] == "ServiceAccount"))
    yield
    bare.kubectl("delete", "serviceaccounts", "--all", "--namespace", NAMESPACE)


@pytest.mark.usefixtures("accounts")
def test_the_api_server_takes_every_document_as_it_is(bare: Cluster, tmp_path: Path) -> None:
    everything = tmp_path / "everything.yaml"
    everything.write_text(yaml.dump_all(every_document(), Dumper=yaml.CSafeDumper))

    said = bare.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", everything)

    assert len(said.splitlines()) == len(every_document())
