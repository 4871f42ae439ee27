"""The rules of a ComputeNode that the API server itself enforces, each shown refusing."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support import samples
from tests.support.api_server import Answer, Kind


@dataclass(frozen=True)
class Part:
    """One of the two structs that are replaced as a whole, with a change that is valid in it."""

    name: str
    make: Callable[..., samples.Object]
    change: samples.Object


EACH = pytest.mark.parametrize(
    "part",
    [Part("report", samples.report, {"guestsOmitted": 9}), Part("ledger", samples.ledger, {"instances": 9})],
    ids=lambda part: part.name,
)


@pytest.mark.parametrize(
    ("field", "other", "remedy"),
    [
        ("hypervisorHostname", "hv2.example.org", "delete this ComputeNode if the host was renamed on purpose"),
        ("hostUUID", samples.uuid(9), "delete this ComputeNode if the machine was replaced"),
        ("nodeName", "node-2", "delete this ComputeNode if another node serves the host"),
    ],
)
def test_the_identity_of_a_host_is_frozen(compute_nodes: Kind, node: str, field: str, other: str, remedy: str) -> None:
    refusal = compute_nodes.merge(node, {"spec": {field: other}}).refusal
    assert f"spec.{field}" in refusal
    assert "never changes" in refusal
    assert remedy in refusal
    assert compute_nodes.get(node)["spec"] == samples.compute_node(node)["spec"]


@pytest.mark.parametrize("field", ["hypervisorHostname", "hostUUID", "nodeName"])
def test_the_identity_of_a_host_cannot_be_removed_to_be_set_anew(compute_nodes: Kind, node: str, field: str) -> None:
    assert f"spec.{field}: Required value" in compute_nodes.merge(node, {"spec": {field: None}}).refusal


def test_the_operators_part_of_the_spec_may_change_and_go(compute_nodes: Kind, node: str) -> None:
    changed = compute_nodes.merge(node, {"spec": {"reserved": {"memoryMiB": 4096}, "allocationRatios": None}}).object
    assert changed["spec"]["reserved"]["memoryMiB"] == 4096
    assert "allocationRatios" not in changed["spec"]


@EACH
@pytest.mark.parametrize("first", [1, 4711])
def test_the_first_may_carry_any_number_so_that_a_restored_object_goes_on_counting(
    compute_nodes: Kind, node: str, part: Part, first: int
) -> None:
    answer = compute_nodes.merge_status(node, {"status": {part.name: part.make(first)}})
    assert answer.object["status"][part.name] == part.make(first)


@EACH
def test_it_is_replaced_by_its_successor(compute_nodes: Kind, node: str, part: Part) -> None:
    compute_nodes.merge_status(node, {"status": {part.name: part.make(5)}})
    answer = compute_nodes.merge_status(node, {"status": {part.name: part.make(6, **part.change)}})
    assert answer.object["status"][part.name] == part.make(6, **part.change)


@EACH
@pytest.mark.parametrize("step", [-1, 0, 2])
def test_it_is_replaced_by_nothing_but_its_successor(compute_nodes: Kind, node: str, part: Part, step: int) -> None:
    compute_nodes.merge_status(node, {"status": {part.name: part.make(5)}})
    refusal = compute_nodes.merge_status(node, {"status": {part.name: part.make(5 + step, **part.change)}}).refusal
    assert f"status.{part.name}: " in refusal
    assert "replaced only by its successor: generation must be the present one + 1" in refusal
    assert "read it again" in refusal


@EACH
def test_it_may_be_written_again_unchanged(compute_nodes: Kind, node: str, part: Part) -> None:
    before = compute_nodes.merge_status(node, {"status": {part.name: part.make(5)}}).object
    again = compute_nodes.merge_status(node, {"status": {part.name: part.make(5)}}).object
    assert again["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


OTHER = {"report": "ledger", "ledger": "report"}
MAKE: dict[str, Callable[..., samples.Object]] = {"report": samples.report, "ledger": samples.ledger}


def both(compute_nodes: Kind, node: str, part: Part) -> samples.Object:
    """Both parts are there, in their fifth generation; the other one's successor."""
    first = {"report": samples.report(5), "ledger": samples.ledger(5)}
    compute_nodes.merge_status(node, {"status": first}).check()
    return {OTHER[part.name]: MAKE[OTHER[part.name]](6)}


@EACH
def test_the_other_part_is_left_alone_by_its_successor(compute_nodes: Kind, node: str, part: Part) -> None:
    both(compute_nodes, node, part)
    compute_nodes.merge_status(node, {"status": {part.name: part.make(6, **part.change)}}).check()
    assert compute_nodes.get(node)["status"][OTHER[part.name]] == MAKE[OTHER[part.name]](5)


@EACH
def test_both_parts_may_be_replaced_by_their_successors_at_once(compute_nodes: Kind, node: str, part: Part) -> None:
    other = both(compute_nodes, node, part)
    compute_nodes.merge_status(node, {"status": {part.name: part.make(6, **part.change), **other}}).check()


@EACH
@pytest.mark.parametrize("step", [-1, 0, 2])
def test_beside_the_other_part_it_is_replaced_by_nothing_but_its_successor(
    compute_nodes: Kind, node: str, part: Part, step: int
) -> None:
    both(compute_nodes, node, part)
    refusal = compute_nodes.merge_status(node, {"status": {part.name: part.make(5 + step, **part.change)}}).refusal
    assert f"status.{part.name}: " in refusal
    assert "replaced only by its successor" in refusal


@EACH
@pytest.mark.parametrize("step", [-1, 2])
def test_the_successor_of_the_other_part_lets_it_count_no_other_way(
    compute_nodes: Kind, node: str, part: Part, step: int
) -> None:
    other = both(compute_nodes, node, part)
    refusal = compute_nodes.merge_status(node, {"status": {part.name: part.make(5 + step), **other}}).refusal
    assert f"status.{part.name}: " in refusal


def remove(part: str) -> dict[str, Callable[[Kind, str], Answer]]:
    """Every way to lose a part of status."""
    path = f"/status/{part}"
    return {
        "merge patch of null": lambda kind, name: kind.merge_status(name, {"status": {part: None}}),
        "merge patch of a null status": lambda kind, name: kind.merge_status(name, {"status": None}),
        "JSON patch that removes": lambda kind, name: kind.patch_status(name, {"op": "remove", "path": path}),
        "JSON patch that removes status": lambda kind, name: kind.patch_status(
            name, {"op": "remove", "path": "/status"}
        ),
        "JSON patch to an empty status": lambda kind, name: kind.patch_status(
            name, {"op": "replace", "path": "/status", "value": {}}
        ),
        "JSON patch to null": lambda kind, name: kind.patch_status(
            name, {"op": "replace", "path": path, "value": None}
        ),
        "PUT without status": lambda kind, name: kind.replace_status(_without(kind.get(name), "status")),
        "PUT without it": lambda kind, name: kind.replace_status(_without_part(kind.get(name), part)),
    }


WAYS = tuple(remove(""))


def _without(body: samples.Object, key: str) -> samples.Object:
    return {k: v for k, v in body.items() if k != key}


def _without_part(body: samples.Object, part: str) -> samples.Object:
    return {**body, "status": _without(body["status"], part)}


@EACH
@pytest.mark.parametrize("way", WAYS)
def test_it_cannot_be_removed(compute_nodes: Kind, node: str, part: Part, way: str) -> None:
    compute_nodes.merge_status(node, {"status": {part.name: part.make(5), "conditions": [samples.condition("Ready")]}})
    refusal = remove(part.name)[way](compute_nodes, node).refusal
    assert f"status.{part.name}: " in refusal
    assert "may be replaced but not removed" in refusal
    assert compute_nodes.get(node)["status"][part.name] == part.make(5)


@EACH
def test_a_writer_that_stops_applying_it_cannot_remove_it_either(compute_nodes: Kind, node: str, part: Part) -> None:
    whole = {**_without(samples.compute_node(node), "spec"), "status": {part.name: part.make(5)}}
    compute_nodes.apply_status(whole, "first-writer").check()
    stopped = {**whole, "status": {"conditions": [samples.condition("Ready")]}}
    assert "may be replaced but not removed" in compute_nodes.apply_status(stopped, "first-writer").refusal


def test_a_status_without_report_and_ledger_may_go(compute_nodes: Kind, node: str) -> None:
    compute_nodes.merge_status(node, {"status": {"conditions": [samples.condition("Ready")]}})
    assert "status" not in compute_nodes.merge_status(node, {"status": None}).object


def test_writing_spec_never_touches_status(compute_nodes: Kind, node: str) -> None:
    compute_nodes.merge_status(node, {"status": {"report": samples.report()}})
    compute_nodes.replace(_without(compute_nodes.get(node), "status")).check()
    assert compute_nodes.get(node)["status"]["report"] == samples.report()


@pytest.mark.parametrize(
    ("status", "field"),
    [
        (
            {"report": samples.report(guests=[samples.guest(1), samples.guest(1, name="twin")])},
            "status.report.guests[1]",
        ),
        ({"ledger": samples.ledger(claims=[samples.claim(1), samples.claim(1)])}, "status.ledger.claims[1]"),
        ({"conditions": [samples.condition("Ready"), samples.condition("Ready", "False")]}, "status.conditions[1]"),
    ],
)
def test_a_key_comes_once_in_a_list(compute_nodes: Kind, node: str, status: samples.Object, field: str) -> None:
    answer = compute_nodes.replace_status({**compute_nodes.get(node), "status": status})
    assert f"{field}: Duplicate value" in answer.refusal


def test_one_guest_may_hold_claims_in_several_roles(compute_nodes: Kind, node: str) -> None:
    claims = [samples.claim(1, "Running"), samples.claim(1, "Incoming")]
    answer = compute_nodes.merge_status(node, {"status": {"ledger": samples.ledger(claims=claims)}})
    assert answer.object["status"]["ledger"]["claims"] == claims
