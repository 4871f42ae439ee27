"""What the chart renders: the same by both Helms and for every Kubernetes, and valid in each."""

import json
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.helm.chart import (
    CHART,
    ENDS,
    HELMS,
    KUBERNETES,
    ROOT,
    SNAPSHOTS,
    VALUES,
    Object,
    find,
    objects,
    parsed,
    plain,
    render_everything,
    rendered,
    run,
    snapshot,
    template,
    value_file,
)

#: Kinds of others, which Kubernetes has no schema of.
FOREIGN = {("monitoring.coreos.com/v1", kind) for kind in ("PodMonitor", "PrometheusRule", "ServiceMonitor")}

#: Seconds: everything is rendered before the first test.
pytestmark = pytest.mark.timeout(600)

by_helm = pytest.mark.parametrize("helm", HELMS)
by_values = pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)


@pytest.fixture(scope="module", autouse=True)
def _everything() -> None:
    render_everything()


@by_values
def test_it_is_the_same_for_every_version_of_kubernetes(values: Path) -> None:
    assert len({rendered("Helm 4", values, version) for version in KUBERNETES}) == 1


@by_values
@pytest.mark.parametrize("version", ENDS)
def test_both_helms_render_the_same(values: Path, version: str) -> None:
    assert rendered("Helm 3", values, version) == rendered("Helm 4", values, version)


@by_values
def test_no_object_is_rendered_twice(values: Path) -> None:
    named = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects(values)]

    assert sorted({name for name in named if named.count(name) > 1}) == []


def distinct() -> list[Object]:
    """Each document once, of whatever values."""
    found = {json.dumps(each, sort_keys=True): each for values in VALUES for each in objects(values)}
    return list(found.values())


def shapes() -> list[Object]:
    """Of documents that have the same fields, the first."""
    found: dict[str, Object] = {}
    for each in distinct():
        found.setdefault(f"{each['apiVersion']} {each['kind']} {shape(each)}", each)
    return list(found.values())


def shape(part: object) -> object:
    if isinstance(part, dict):
        return sorted((key, str(shape(value))) for key, value in part.items())
    return sorted({str(shape(each)) for each in part}) if isinstance(part, list) else type(part).__name__


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_document_is_valid_and_has_no_field_that_kubernetes_does_not_know(version: str) -> None:
    for document in distinct() if version in ENDS else shapes():
        if (document["apiVersion"], document["kind"]) not in FOREIGN:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                pytest.fail(f"{document['kind']} {document['metadata']['name']}: {error}")


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    daemon_set = json.loads(json.dumps(find(value_file("default"), "DaemonSet", "hypertally-agent")))
    daemon_set["spec"]["template"]["spec"]["hostnetwork"] = True

    with pytest.raises(kubernetes_validate.ValidationError, match="hostnetwork"):
        kubernetes_validate.validate(daemon_set, KUBERNETES[-1], strict=True)


@by_values
def test_it_is_what_was_reviewed(values: Path) -> None:
    reviewed = SNAPSHOTS / values.name

    assert reviewed.exists(), "look at it after: python -m tests.helm.renew"
    assert snapshot(values) == reviewed.read_text(), "review the difference, then: python -m tests.helm.renew"


def test_nothing_was_reviewed_that_is_not_rendered_any_more() -> None:
    assert {path.name for path in SNAPSHOTS.iterdir()} == {path.name for path in VALUES}


@by_helm
def test_a_kubernetes_that_is_too_old_is_refused_by_name(helm: str) -> None:
    done = template(helm, "--kube-version", "1.30")

    assert done.returncode != 0
    assert ">=1.31.0-0" in done.stderr
    assert "1.30" in done.stderr


@by_helm
def test_lint_finds_nothing(helm: str) -> None:
    done = run(helm, "lint", "--strict", CHART)

    assert done.returncode == 0, done.stdout + done.stderr


@by_helm
def test_a_package_holds_the_definitions_and_renders_as_the_folder_does(helm: str, tmp_path: Path) -> None:
    packed = run(helm, "package", CHART, "--destination", tmp_path)
    assert packed.returncode == 0, packed.stderr
    (package,) = tmp_path.glob("hypertally-*.tgz")

    done = template(helm, "--kube-version", KUBERNETES[0], chart=package)

    assert parsed(plain(done.stdout)) == parsed(rendered(helm, value_file("default"), KUBERNETES[0]))


class TestFilesThatArePutInAsTheyAre:
    def test_the_definitions_are_those_of_crds_and_are_kept_at_an_uninstall(self) -> None:
        for path in (ROOT / "crds").glob("*.yaml"):
            written = yaml.safe_load(path.read_text())
            made = find(value_file("default"), "CustomResourceDefinition", written["metadata"]["name"])
            assert made["spec"] == written["spec"]
            annotations = written["metadata"]["annotations"]
            assert made["metadata"]["annotations"] == {**annotations, "helm.sh/resource-policy": "keep"}

    def test_the_alerts_are_those_of_the_file(self) -> None:
        rule = find(value_file("whole-monitoring"), "PrometheusRule", "hypertally")

        assert rule["spec"] == yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())

    def test_the_dashboards_are_those_of_the_files(self) -> None:
        for path in (CHART / "files" / "dashboards").glob("*.json"):
            made = find(value_file("whole-monitoring"), "ConfigMap", f"hypertally-dashboard-{path.stem}")
            assert {name: text.rstrip() for name, text in made["data"].items()} == {
                f"hypertally-{path.name}": path.read_text().rstrip()
            }

    def test_the_configuration_of_kube_state_metrics_is_the_file(self) -> None:
        made = find(value_file("whole-monitoring"), "ConfigMap", "hypertally-kube-state-metrics")

        assert yaml.safe_load(made["data"]["config.yaml"]) == yaml.safe_load(
            (CHART / "files" / "kube-state-metrics.yaml").read_text()
        )


def test_continuous_integration_lints_the_chart() -> None:
    said = subprocess.run(["make", "-n", "-C", ROOT, "lint"], capture_output=True, text=True, check=True).stdout

    assert "lint --strict helm/hypertally" in said
