"""Reading what the API server holds: tolerant of a newer version, clear where it cannot be."""

from typing import Any

import pytest

from hypertally.api.compute_node import ComputeNode, GuestState, Ledger
from hypertally.api.conditions import Status, is_true
from hypertally.api.decode import MalformedObject, decode
from hypertally.api.instance import Instance
from hypertally.api.inventory import PciType
from hypertally.api.migration import Migration
from tests.support import samples
from tests.support.schemas import largest, schema

ROLES = " (allowed: Running, Incoming, ReservedForRevert, Leaving; was it written by a newer version?)"
MOVES = " (allowed: Live, Cold, Resize, Evacuation, Observed; was it written by a newer version?)"


def node(**status: Any) -> samples.Object:
    return samples.compute_node("node-1") | {"status": status}


def test_an_unknown_guest_state_reads_as_unknown() -> None:
    found = decode(node(report=samples.report(guests=[samples.guest(1, state="Hibernated")])), ComputeNode)
    assert found.status.report is not None
    assert found.status.report.guests[0].state is GuestState.UNKNOWN


def test_an_unknown_type_of_device_is_none_that_anybody_asks_for() -> None:
    found = decode(node(report=samples.report(pciPools=[samples.pci_pool(type="SF")])), ComputeNode)
    assert found.status.report is not None
    assert found.status.report.pci_pools[0].type is PciType.UNKNOWN


def test_an_unknown_power_state_reads_as_unknown() -> None:
    body = samples.instance("guest-1")
    body["status"]["powerState"] = "Hibernated"
    assert decode(body, Instance).status.power_state is GuestState.UNKNOWN


def test_an_unknown_condition_status_is_not_taken_for_true() -> None:
    found = decode(node(conditions=[samples.condition("Ready", "Mostly")]), ComputeNode)
    assert found.status.conditions[0].status is Status.UNKNOWN
    assert not is_true(found.status.conditions, "Ready")


def test_unknown_fields_are_passed_over_at_every_depth() -> None:
    body = node(ledger=samples.ledger(claims=[samples.claim(1, newer=[{"id": 0}])], newer=3), newer={"a": 1})
    assert decode(body, ComputeNode) == decode(node(ledger=samples.ledger()), ComputeNode)


def test_an_object_without_status_reads_as_nothing_known() -> None:
    body = {key: value for key, value in samples.compute_node("node-1").items() if key != "status"}
    found = decode(body, ComputeNode)
    assert (found.status.report, found.status.ledger, found.status.conditions) == (None, None, ())


@pytest.mark.parametrize(
    ("type_", "body", "text"),
    [
        (
            ComputeNode,
            node(ledger=samples.ledger(claims=[samples.claim(1), samples.claim(2, "Borrowed")])),
            "ComputeNode node-1: status.ledger.claims[1].role: Invalid enum value 'Borrowed'" + ROLES,
        ),
        (
            Instance,
            {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"uuid": 7}},
            "Instance shop/web: spec.uuid: Expected `str`, got `int`",
        ),
        (
            Instance,
            {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"uuid": "7"}},
            "Instance shop/web: spec: Object missing required field `resources`",
        ),
        (
            Migration,
            samples.migration("grow") | {"spec": {"instanceName": "a", "type": "Warp", "targetComputeNodeName": "b"}},
            "Migration grow: spec.type: Invalid enum value 'Warp'" + MOVES,
        ),
        (Migration, {}, "Migration without a name: the object: Object missing required field `metadata`"),
        (Migration, "text", "Migration without a name: the object: Expected `object`, got `str`"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(type_: type[Any], body: Any, text: str) -> None:
    with pytest.raises(MalformedObject) as caught:
        decode(body, type_)
    assert str(caught.value) == text


def test_a_part_is_named_by_whoever_reads_it() -> None:
    with pytest.raises(MalformedObject, match=r"^Ledger node-1: claims: Expected `array`, got `int`$") as caught:
        decode(samples.ledger(claims=1), Ledger, "node-1")
    assert (caught.value.kind, caught.value.name, caught.value.field) == ("Ledger", "node-1", "claims")


@pytest.mark.parametrize(
    ("plural", "type_"), [("computenodes", ComputeNode), ("instances", Instance), ("migrations", Migration)]
)
def test_the_largest_object_that_the_schema_admits_can_be_read(plural: str, type_: type[Any]) -> None:
    properties = schema(plural)["properties"]
    body = {
        "metadata": {"name": "largest"},
        "spec": largest(properties["spec"]),
        "status": largest(properties["status"]),
    }
    assert decode(body, type_)
