"""The structs of hypertally.api and the schemas of crds/ are the same shapes."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import msgspec
import pytest

from hypertally.api.base import Wire, is_wire, types_by_key
from hypertally.api.compute_node import ComputeNode
from hypertally.api.instance import Instance, MoveType
from hypertally.api.inventory import PciPool, PciType
from hypertally.api.migration import Migration
from tests.support.schemas import schema

TYPES = {int: "integer", str: "string", bool: "boolean", dict: "object"}

UNDECLARED = [("Migration.spec", MoveType.OBSERVED)]
"""Nobody declares the move that nobody declared."""

Pair = tuple[str, type[Wire], Mapping[str, Any]]


def pairs(type_: type[Wire], part: Mapping[str, Any], path: str) -> Iterator[Pair]:
    """Each struct beside the object schema at its place."""
    yield path, type_, part
    for key, inner in types_by_key(type_).items():
        found = part.get("properties", {}).get(key, {})
        if is_wire(inner) and key != "metadata":
            yield from pairs(inner, found.get("items", found), f"{path}.{key}")


KINDS = (("computenodes", ComputeNode), ("instances", Instance), ("migrations", Migration))
EACH = pytest.mark.parametrize(
    ("path", "type_", "part"),
    [pytest.param(*pair, id=pair[0]) for plural, kind in KINDS for pair in pairs(kind, schema(plural), kind.__name__)],
)


@EACH
def test_they_have_the_same_fields(path: str, type_: type[Wire], part: Mapping[str, Any]) -> None:
    assert types_by_key(type_).keys() == part["properties"].keys() - {"apiVersion", "kind"}, path


@EACH
def test_the_fields_have_the_same_types(path: str, type_: type[Wire], part: Mapping[str, Any]) -> None:
    for key, core in types_by_key(type_).items():
        found = part["properties"][key]
        expected = "object" if is_wire(core) else "string" if issubclass(core, Enum) else TYPES.get(core)
        assert found.get("items", found)["type"] == expected, f"{path}.{key}"


@EACH
def test_enumerations_have_the_same_values(path: str, type_: type[Wire], part: Mapping[str, Any]) -> None:
    for key, core in types_by_key(type_).items():
        if issubclass(core, Enum):
            # Nobody writes a type that only a newer version knows.
            values = [
                member.value for member in core if (path, member) not in UNDECLARED and member is not PciType.UNKNOWN
            ]
            assert part["properties"][key]["enum"] == values, f"{path}.{key}"


@EACH
def test_what_a_type_needs_the_server_demands_and_what_the_server_demands_is_always_written(
    path: str, type_: type[Wire], part: Mapping[str, Any]
) -> None:
    fields = msgspec.structs.fields(type_)
    needed = {field.encode_name for field in fields if field.required}
    written = {field.encode_name for field in fields} if not type_.__struct_config__.omit_defaults else needed
    demanded = set(part.get("required", ())) | {"metadata"} & needed
    assert needed <= demanded <= written, path


@EACH
def test_entries_of_lists_have_the_same_keys(path: str, type_: type[Wire], part: Mapping[str, Any]) -> None:
    for key, core in types_by_key(type_).items():
        found = part["properties"][key]
        if issubclass(core, Wire) and found.get("x-kubernetes-list-type") == "map":
            assert list(core.map_keys) == found["x-kubernetes-list-map-keys"], f"{path}.{key}"


def test_pools_of_devices_have_a_key_that_the_schema_cannot_say() -> None:
    """It takes required scalars only; but a newer version's fields of a pool have to find it again."""
    part = schema("computenodes")["properties"]["status"]["properties"]["report"]["properties"]["pciPools"]
    assert part["x-kubernetes-list-type"] == "atomic"
    assert set(PciPool.map_keys) == part["items"]["properties"].keys() - {"devices"}
