"""Programs and CRDs of different versions on one real API server."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from devcluster import Cluster
from gen_api_reference import load_crd, schema_of
from hypertally.api.amounts import Amounts
from hypertally.api.base import to_wire
from hypertally.api.carry import carry_unknown
from hypertally.api.compute_node import ComputeNode, Ledger
from hypertally.api.decode import decode
from tests.support import samples
from tests.support.api_server import Kind
from tests.support.samples import Object

NEWER = "newer.hypertally.dev"

ADDED = {"type": "integer", "minimum": 0, "maximum": 9}


@pytest.fixture(scope="module")
def newer_nodes(cluster: Cluster) -> Iterator[Kind]:
    """ComputeNodes of a version to come, under a group of their own: fields added at every depth of the ledger."""
    crd = copy.deepcopy(load_crd("computenodes"))
    crd["metadata"]["name"] = f"futurenodes.{NEWER}"
    crd["spec"]["group"] = NEWER
    crd["spec"]["names"] = {
        "kind": "FutureNode", "listKind": "FutureNodeList", "plural": "futurenodes", "singular": "futurenode"
    }  # fmt: skip
    ledger = schema_of(crd)["properties"]["status"]["properties"]["ledger"]["properties"]
    claim = ledger["claims"]["items"]["properties"]
    for properties in (ledger, ledger["free"]["properties"], claim, claim["resources"]["properties"]):
        properties["added"] = ADDED
    claim["role"]["enum"].append("Borrowed")
    cluster.apply_objects(crd)
    yield Kind(cluster, "futurenodes", namespaced=False, group=NEWER)
    cluster.kubectl("delete", "crd", crd["metadata"]["name"])


def newer_ledger() -> Object:
    claims = [samples.claim(n, added=n, resources=samples.amounts() | {"added": n}) for n in (1, 2)]
    return samples.ledger(claims=claims, added=5, free=samples.amounts() | {"added": 6})


@pytest.fixture
def stored(newer_nodes: Kind) -> Iterator[Object]:
    """What a newer program has written."""
    body = samples.compute_node(samples.fresh_name("api-newer"))
    body |= {"apiVersion": f"{NEWER}/v1alpha1", "kind": "FutureNode"}
    created = newer_nodes.create(body).object
    yield newer_nodes.replace_status({**created, "status": {"ledger": newer_ledger()}}).object
    newer_nodes.delete(body["metadata"]["name"])


def test_an_older_program_reads_it_and_loses_nothing_by_writing(newer_nodes: Kind, stored: Object) -> None:
    held = decode(stored, ComputeNode).status.ledger
    assert held is not None
    meant = replace(held, generation=2, claims=held.claims[1:], free=Amounts(vcpus=7))
    raw = carry_unknown(stored["status"]["ledger"], to_wire(meant), Ledger)
    written = newer_nodes.replace_status({**stored, "status": {"ledger": raw}}).object["status"]["ledger"]
    assert decode(written, Ledger) == meant
    assert (written["added"], written["free"]["added"]) == (5, 6)
    (claim,) = written["claims"]
    assert (claim["added"], claim["resources"]["added"]) == (2, 2)


def test_without_carrying_they_would_be_lost(newer_nodes: Kind, stored: Object) -> None:
    """So the tests above can fail: the ledger is atomic, nothing is merged."""
    held = decode(stored, ComputeNode).status.ledger
    assert held is not None
    raw = to_wire(replace(held, generation=2))
    written = newer_nodes.replace_status({**stored, "status": {"ledger": raw}}).object["status"]["ledger"]
    assert "added" not in written
    assert "added" not in written["claims"][0]


@pytest.fixture
def without_status(compute_nodes: Kind, node: str) -> Object:
    return compute_nodes.get(node)


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("status.ledger.added", {"added": 1}),
        ("status.ledger.free.added", {"free": samples.amounts() | {"added": 1}}),
        ("status.ledger.claims[0].added", {"claims": [samples.claim(1, added=1)]}),
    ],
)
def test_a_field_that_the_crds_do_not_know_is_refused_by_name_when_asked_strictly(
    compute_nodes: Kind, without_status: Object, path: str, change: dict[str, Any]
) -> None:
    answer = compute_nodes.replace_status({**without_status, "status": {"ledger": samples.ledger(**change)}})
    assert answer.status == 400
    assert f'unknown field "{path}"' in answer.message


def test_a_field_that_the_crds_do_not_know_is_dropped_and_the_rest_kept_when_not(
    compute_nodes: Kind, without_status: Object
) -> None:
    """A program newer than the CRDs still writes what they know."""
    body = {**without_status, "status": {"ledger": newer_ledger()}}
    written = compute_nodes.replace_status(body, validation="Warn").object
    expected = samples.ledger(claims=[samples.claim(1), samples.claim(2)], free=samples.amounts())
    assert written["status"]["ledger"] == expected
