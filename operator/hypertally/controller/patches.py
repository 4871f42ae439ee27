"""JSON patches that are compare-and-swap over the object and over everything that was decided on."""

from collections.abc import Sequence
from typing import Any

from hypertally.api.base import to_wire
from hypertally.api.compute_node import ComputeNode, Ledger, Report
from hypertally.api.conditions import Condition
from hypertally.api.meta import ObjectMeta

Operation = dict[str, Any]


def ledger_patch(
    node: ComputeNode, ledger: dict[str, Any], conditions: Sequence[Condition], *, held_is_whole: bool = False
) -> list[Operation]:
    """Fails if anything of the node is not as it was read. The generations are in the version; they are tested all the
    same, for a history in which a version comes twice (a restored backup). With `held_is_whole` it fails also if the
    server's ledger has a key that `node` has not."""
    held = node.status.ledger
    return [
        *_same_object(node.metadata),
        _test("/metadata/generation", node.metadata.generation),
        _same_generation("/status/report", node.status.report),
        _test("/status/ledger", to_wire(held)) if held and held_is_whole else _same_generation("/status/ledger", held),
        _add("/status/ledger", ledger),
        *condition_operations(node.status.conditions, conditions),
    ]


def conditions_patch(node: ComputeNode, conditions: Sequence[Condition]) -> list[Operation]:
    return [*_same_object(node.metadata), *condition_operations(node.status.conditions, conditions)]


def status_patch(metadata: ObjectMeta, status: dict[str, Any], *, is_first: bool = False) -> list[Operation]:
    """Of a kind whose whole status has one writer. With `is_first` it fails if there is any status yet."""
    nothing = [_test("/status", None)] if is_first else []
    same = [*_same_object(metadata), _test("/metadata/generation", metadata.generation)]
    return [*same, *nothing, _add("/status", status)]


def condition_operations(before: Sequence[Condition], after: Sequence[Condition]) -> list[Operation]:
    """Replaces by position, tested by type: the list is shared with another writer."""
    places = {condition.type: place for place, condition in enumerate(before)}
    operations: list[Operation] = []
    for condition in after:
        place = places.get(condition.type)
        if place is None:
            operations.append(_add("/status/conditions/-", to_wire(condition)))
        elif before[place] != condition:
            operations.append(_test(f"/status/conditions/{place}/type", condition.type))
            operations.append(_add(f"/status/conditions/{place}", to_wire(condition)) | {"op": "replace"})
    return operations if before else _from_nothing(operations)


def _from_nothing(operations: list[Operation]) -> list[Operation]:
    every = [operation["value"] for operation in operations]
    return [_test("/status/conditions", None), _add("/status/conditions", every)] if every else []


def _same_generation(path: str, part: Report | Ledger | None) -> Operation:
    return _test(path, None) if part is None else _test(f"{path}/generation", part.generation)


def _same_object(metadata: ObjectMeta) -> list[Operation]:
    return [_test("/metadata/uid", metadata.uid), _test("/metadata/resourceVersion", metadata.resource_version)]


def _test(path: str, value: object) -> Operation:
    return {"op": "test", "path": path, "value": value}


def _add(path: str, value: object) -> Operation:
    return {"op": "add", "path": path, "value": value}
