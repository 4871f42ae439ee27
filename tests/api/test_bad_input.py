"""What a user may get wrong: refused by the API server in words that name the field and what is allowed."""

from typing import Any

import pytest

from tests.support import samples
from tests.support.api_server import Kind
from tests.support.samples import Object

WHOLE = "of type int"
SIZES = ["vcpus", "memoryMiB", "rootDiskMiB", "ephemeralDiskMiB", "swapMiB"]
TOO_LARGE = [2**40 + 1, 2**53, 2**63 - 1, 2**63, 2**64, 10**30]
NO_NUMBER = [1.5, "4", "4Gi", True, [4]]
NO_UUID = [
    "6F2A7F0E-5D0E-4B53-9D2E-0F6C6F9F3B11", "{6f2a7f0e-5d0e-4b53-9d2e-0f6c6f9f3b11}",
    "6f2a7f0e5d0e4b539d2e0f6c6f9f3b11", "urn:uuid:6f2a7f0e-5d0e-4b53-9d2e-0f6c6f9f3b11",
    "6f2a7f0e-5d0e-4b53-9d2e-0f6c6f9f3b1", "6f2a7f0e-5d0e-4b53-9d2e-0f6c6f9f3b1g", "guest-1", " ",
]  # fmt: skip


def refused(kind: Kind, body: Object) -> str:
    return kind.create(body, dry_run=True).refusal


def instance(**spec: Any) -> Object:
    body = samples.instance(samples.fresh_name("bad-input"))
    body["spec"] |= spec
    return body


def compute_node(**spec: Any) -> Object:
    body = samples.compute_node(samples.fresh_name("bad-input"))
    body["spec"] |= spec
    return body


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("value", [*TOO_LARGE, -1, -(2**63)])
def test_a_size_out_of_bounds_is_refused_before_anything_is_added_up(instances: Kind, size: str, value: int) -> None:
    refusal = refused(instances, instance(resources=samples.sizes(**{size: value})))
    assert f"spec.resources.{size}" in refusal
    assert "should be" in refusal or WHOLE in refusal, "beyond 64 bits a number is no integer to the server"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("value", NO_NUMBER, ids=repr)
def test_a_size_that_is_no_whole_number_is_refused(instances: Kind, size: str, value: Any) -> None:
    resources: Object = {**samples.sizes(), size: value}
    refusal = refused(instances, instance(resources=resources))
    assert f"spec.resources.{size}" in refusal
    assert WHOLE in refusal


@pytest.mark.parametrize("size", ["vcpus", "memoryMiB"])
def test_a_guest_of_nothing_is_refused(instances: Kind, size: str) -> None:
    refusal = refused(instances, instance(resources=samples.sizes(**{size: 0})))
    assert f"spec.resources.{size}: Invalid value: 0" in refusal
    assert "should be greater than or equal to 1" in refusal


@pytest.mark.parametrize("uuid", NO_UUID)
def test_a_uuid_in_another_form_than_libvirts_is_refused(instances: Kind, compute_nodes: Kind, uuid: str) -> None:
    assert "spec.uuid: " in refused(instances, instance(uuid=uuid))
    assert "spec.hostUUID: " in refused(compute_nodes, compute_node(hostUUID=uuid))


@pytest.mark.parametrize("name", ["Node-1", "node_1", "-node", "node-", "node..1", "n" * 254, "node/1", ""])
def test_a_node_that_cannot_be_is_refused_where_it_is_named(instances: Kind, migrations: Kind, name: str) -> None:
    assert "spec.computeNodeName" in refused(instances, instance(computeNodeName=name))
    move = samples.migration(samples.fresh_name("bad-input"))
    move["spec"]["targetComputeNodeName"] = name
    assert "spec.targetComputeNodeName" in refused(migrations, move)


@pytest.mark.parametrize("part", ["reserved", "allocationRatios"])
@pytest.mark.parametrize("value", [*TOO_LARGE, *NO_NUMBER, -1], ids=repr)
def test_an_operators_word_that_cannot_be_is_refused(compute_nodes: Kind, part: str, value: Any) -> None:
    assert f"spec.{part}.memoryMiB" in refused(compute_nodes, compute_node(**{part: {"memoryMiB": value}}))


def test_a_ratio_of_nothing_is_refused(compute_nodes: Kind) -> None:
    refusal = refused(compute_nodes, compute_node(allocationRatios={"vcpus": 0}))
    assert "spec.allocationRatios.vcpus: Invalid value: 0" in refusal


def test_a_field_that_does_not_exist_is_named(instances: Kind) -> None:
    """Strict validation, as kubectl asks for by default."""
    answer = instances.create(instance(computeNode="node-1"), dry_run=True)
    assert answer.status == 400
    assert 'unknown field "spec.computeNode"' in answer.message
