"""What our types produce the real API server accepts, strictly, and gives back as it was."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypertally.api.base import Wire, to_wire
from hypertally.api.compute_node import ComputeNode
from hypertally.api.decode import decode
from hypertally.api.instance import Instance
from hypertally.api.migration import Migration
from hypertally.api.names import API_VERSION
from tests.support import kind_strategies, samples
from tests.support.api_server import Kind

EACH = pytest.mark.parametrize(
    ("type_", "plural", "specs", "statuses"),
    [
        (ComputeNode, "computenodes", kind_strategies.compute_node_specs, kind_strategies.compute_node_statuses),
        (Instance, "instances", kind_strategies.instance_specs, kind_strategies.instance_statuses),
        (Migration, "migrations", kind_strategies.migration_specs, kind_strategies.migration_statuses),
    ],
    ids=["ComputeNode", "Instance", "Migration"],
)


@EACH
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_a_type_produces_is_accepted_and_comes_back_equal(
    kinds: dict[str, Kind],
    type_: type[Any],
    plural: str,
    specs: st.SearchStrategy[Wire],
    statuses: st.SearchStrategy[Wire],
    data: st.DataObject,
) -> None:
    kind, spec, status = kinds[plural], data.draw(specs), data.draw(statuses)
    name = samples.fresh_name("api-round-trip")
    body = {"apiVersion": API_VERSION, "kind": type_.__name__, "metadata": {"name": name}, "spec": to_wire(spec)}
    created = kind.create(body).object
    try:
        written = kind.replace_status({**created, "status": to_wire(status)}).object
        found = decode(kind.get(name), type_)
    finally:
        kind.delete(name)
    assert (found.spec, found.status) == (spec, status)
    assert written["spec"] == to_wire(spec)
    assert written.get("status", {}) == to_wire(status)
    assert found.metadata.uid == created["metadata"]["uid"]
