"""The kit sees a binding in every form in which a scheduler may write it."""

import json

import pytest
from aiohttp.test_utils import make_mocked_request

from conformance.proxy import _binding

PATH = "/apis/compute.hypertally.dev/v1alpha1/namespaces/default/instances/web-1"
SPEC = {"spec": {"computeNodeName": "n1"}}


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", json.dumps(SPEC)),
        ("PATCH", json.dumps([{"op": "test", "path": "/metadata/uid", "value": "u"},
                              {"op": "add", "path": "/spec/computeNodeName", "value": "n1"}])),
        ("PATCH", "apiVersion: v1\nspec:\n  computeNodeName: n1\n"),
        ("PUT", json.dumps({"metadata": {"name": "web-1"}, **SPEC})),
    ],
    ids=["merge patch", "JSON patch", "apply", "replace"],
)  # fmt: skip
def test_a_write_of_the_host_is_a_binding(method: str, body: str) -> None:
    assert _binding(make_mocked_request(method, PATH), body.encode()) == ("web-1", "n1")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", PATH, ""),
        ("PATCH", PATH, json.dumps({"metadata": {"labels": {"a": "b"}}})),
        ("PATCH", PATH, json.dumps([{"op": "remove", "path": "/spec/computeNodeName"}])),
        ("PATCH", PATH, json.dumps({"spec": {"computeNodeName": None}})),
        ("PATCH", PATH, "{"),
        ("PATCH", f"{PATH}/status", json.dumps(SPEC)),
        ("PATCH", PATH.replace("instances", "leases"), json.dumps(SPEC)),
    ],
)
def test_nothing_else_is(method: str, path: str, body: str) -> None:
    assert _binding(make_mocked_request(method, path), body.encode()) is None
