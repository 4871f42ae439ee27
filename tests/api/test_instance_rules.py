"""The rules of an Instance that the API server itself enforces, each shown refusing."""

from typing import Any

import pytest

from tests.support import samples
from tests.support.api_server import Kind

ONCE = (
    "spec.computeNodeName is set once: it may be changed or removed only after status.refusedComputeNodeName names it"
)


def test_the_uuid_is_frozen(instances: Kind, instance: str) -> None:
    refusal = instances.merge(instance, {"spec": {"uuid": samples.uuid(2)}}).refusal
    assert "spec.uuid: " in refusal
    assert "never changes: delete the Instance and create another" in refusal


def test_the_wanted_size_may_change_because_a_difference_is_shown_and_not_obeyed(
    instances: Kind, instance: str
) -> None:
    cells = [{"vcpus": 4, "memoryMiB": 2048}]
    changed = instances.merge(instance, {"spec": {"resources": {"vcpus": 4}, "placement": {"cells": cells}}}).object
    assert changed["spec"]["resources"] == samples.sizes(vcpus=4)


@pytest.mark.parametrize(
    ("placement", "words"),
    [
        ({"cells": [{"vcpus": 1, "memoryMiB": 2048}]}, "the vcpus of placement.cells add up to resources.vcpus"),
        (
            {"cells": [{"vcpus": 2, "memoryMiB": 2047}]},
            "the memoryMiB of placement.cells add up to resources.memoryMiB",
        ),
        ({"cpuPolicy": "Shared"}, "threadPolicy is for dedicated CPUs: set cpuPolicy to Dedicated, or leave it out"),
        ({"pageSize": "Large"}, "pageSizeKiB names the size of pageSize Explicit: required for that value"),
        ({"pageSizeKiB": None}, "pageSizeKiB names the size of pageSize Explicit: required for that value"),
        (
            {"pciRequests": [{"name": n, "count": 11} for n in "abc"]},
            "a guest may ask for 32 PCI devices in all",
        ),
        ({"pciRequests": [{"name": "net"}, {"name": "net"}]}, "Duplicate value"),
        ({"pciRequests": [{"name": "net", "tags": {"a b": "c"}}]}, "the key of a tag is 1 to 64 letters"),
    ],
)
def test_a_placement_that_nobody_can_mean_is_refused(instances: Kind, placement: dict[str, Any], words: str) -> None:
    body = samples.instance(samples.fresh_name("api-placement"))
    asked = {**body["spec"]["placement"], **placement}
    body["spec"]["placement"] = {key: value for key, value in asked.items() if value is not None}
    assert words in instances.create(body).refusal


def test_the_name_of_an_instance_is_no_longer_than_a_claim_can_repeat(instances: Kind) -> None:
    assert "at most 63 characters" in instances.create(samples.instance("x" * 64)).refusal


def test_an_unbound_instance_can_be_bound(instances: Kind) -> None:
    body = samples.instance(samples.fresh_name("api-unbound"))
    del body["spec"]["computeNodeName"]
    name = instances.create(body).object["metadata"]["name"]
    assert instances.merge(name, {"spec": {"computeNodeName": "node-1"}}).object["spec"]["computeNodeName"] == "node-1"
    instances.delete(name)


@pytest.mark.parametrize("other", ["node-2", None])
@pytest.mark.parametrize("refused", [None, "node-2"])
def test_a_binding_stands_unless_it_was_refused(
    instances: Kind, instance: str, other: str | None, refused: str | None
) -> None:
    if refused:
        instances.merge_status(instance, {"status": {"refusedComputeNodeName": refused}})
    refusal = instances.merge(instance, {"spec": {"computeNodeName": other}}).refusal
    assert ONCE in refusal
    assert "to move an Instance, create a Migration" in refusal
    assert instances.get(instance)["spec"]["computeNodeName"] == "node-1"


@pytest.mark.parametrize("other", ["node-2", None])
def test_a_refused_binding_may_be_changed_or_removed(instances: Kind, instance: str, other: str | None) -> None:
    instances.merge_status(instance, {"status": {"refusedComputeNodeName": "node-1"}})
    changed = instances.merge(instance, {"spec": {"computeNodeName": other}}).object
    assert changed["spec"].get("computeNodeName") == other


def test_the_new_binding_stands_again(instances: Kind, instance: str) -> None:
    instances.merge_status(instance, {"status": {"refusedComputeNodeName": "node-1"}})
    instances.merge(instance, {"spec": {"computeNodeName": "node-2"}})
    assert ONCE in instances.merge(instance, {"spec": {"computeNodeName": "node-3"}}).refusal


def test_whoever_binds_cannot_write_the_refusal_with_it(instances: Kind, instance: str) -> None:
    patch = {"spec": {"computeNodeName": "node-2"}, "status": {"refusedComputeNodeName": "node-1"}}
    assert ONCE in instances.merge(instance, patch).refusal
