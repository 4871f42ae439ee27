"""The configuration of kube-state-metrics names what the CRDs have."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import gen_metrics_reference
from gen_api_reference import ORDER, load_crd, schema_of
from tests.operations.conftest import FILES

Object = dict[str, Any]

RESOURCES: list[Object] = yaml.safe_load((FILES / "kube-state-metrics.yaml").read_text())["spec"]["resources"]
METADATA: Object = {"name": {}, "namespace": {}, "creationTimestamp": {}}
"""Every object's, which no CRD has to say."""

by_kind = pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each["groupVersionKind"]["kind"])


def crd_of(resource: Object) -> Object:
    crds = (load_crd(plural) for plural in ORDER)
    return next(crd for crd in crds if crd["spec"]["names"]["kind"] == resource["groupVersionKind"]["kind"])


def schema_for(resource: Object) -> Object:
    schema = schema_of(crd_of(resource))
    return {**schema, "properties": {**schema["properties"], "metadata": {"properties": METADATA}}}


def field(schema: Object, path: list[str]) -> Object:
    """KeyError for a path that the schema does not have."""
    for name in path:
        inner = schema["items"] if schema.get("type") == "array" else schema
        schema = inner["properties"][name]
    return schema


def paths(resource: Object) -> Iterator[tuple[list[str], Object]]:
    """Every path from the object's root, with the metric that asks for it."""
    for path in resource["labelsFromPath"].values():
        yield path, {}
    for metric in resource["metrics"]:
        each = metric["each"]
        asked = each[each["type"].lower()]
        root = asked.get("path", [])
        yield root, metric
        for path in (*asked.get("labelsFromPath", {}).values(), asked.get("valueFrom", [])):
            yield [*root, *path], metric


def test_every_kind_is_there() -> None:
    assert {each["groupVersionKind"]["kind"] for each in RESOURCES} == {
        load_crd(plural)["spec"]["names"]["kind"] for plural in ORDER
    }


@by_kind
def test_group_and_version_are_served(resource: Object) -> None:
    spec = crd_of(resource)["spec"]

    assert resource["groupVersionKind"]["group"] == spec["group"]
    assert resource["groupVersionKind"]["version"] in [each["name"] for each in spec["versions"] if each["served"]]


@by_kind
def test_every_path_is_in_the_schema(resource: Object) -> None:
    schema = schema_for(resource)

    for path, metric in paths(resource):
        assert field(schema, path) is not None, metric


@by_kind
def test_a_value_is_a_number_a_moment_or_a_map_of_numbers(resource: Object) -> None:
    schema = schema_for(resource)

    for metric in resource["metrics"]:
        gauge = metric["each"].get("gauge")
        if gauge is None or gauge["path"][0] == "metadata":
            continue
        found = field(schema, [*gauge["path"], *gauge.get("valueFrom", [])])
        if "labelFromKey" in gauge:
            assert {each["type"] for each in found["properties"].values()} == {"integer"}, metric["name"]
        else:
            assert found["type"] == "integer" or found.get("format") == "date-time", metric["name"]


@by_kind
def test_no_metric_of_an_object_is_called_like_one_of_the_programs(resource: Object) -> None:
    page = gen_metrics_reference.text()

    for metric in resource["metrics"]:
        assert f"`{resource['metricNamePrefix']}_{metric['name']}`" not in page
