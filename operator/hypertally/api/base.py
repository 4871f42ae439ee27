"""How a struct of this package looks on the wire."""

import re
from collections.abc import Mapping
from functools import cache
from types import NoneType
from typing import Any, ClassVar, get_args, get_origin

import msgspec
from msgspec.structs import fields

_INITIALISMS = {
    "mib": "MiB", "kib": "KiB", "id": "ID", "uid": "UID", "uuid": "UUID", "uuids": "UUIDs", "ip": "IP", "cpus": "CPUs",
    "vcpus": "VCPUs",
}  # fmt: skip


def wire_name(python_name: str) -> str:
    """`memory_mib` is `memoryMiB`, `host_uuid` is `hostUUID`, a leading `uuid` stays as it is."""
    first, *rest = python_name.split("_")
    return first + "".join(_INITIALISMS.get(word, re.sub("^.", lambda m: m[0].upper(), word)) for word in rest)


class Wire(msgspec.Struct, frozen=True, omit_defaults=True, rename=wire_name, kw_only=True):
    """Base of all kinds: immutable, unknown fields tolerated on reading, fields at their default left out."""

    map_keys: ClassVar[tuple[str, ...]] = ()
    """Wire names that tell one entry of a list of these from another. They are the schema's x-kubernetes-list-map-keys
    where it can say them: it takes required scalars only."""


def is_wire(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, Wire)


@cache
def types_by_key(type_: type[Wire]) -> Mapping[str, type]:
    """The fields of `type_` by wire name: `T` where a field is `T`, `T | None` or `tuple[T, ...]`; `dict` of any."""
    return {field.encode_name: _core(field.type) for field in fields(type_)}


def _core(annotation: Any) -> type:
    if get_origin(annotation) is dict:
        return dict
    inner = [part for part in get_args(annotation) if part not in (NoneType, Ellipsis)]
    return _core(inner[0]) if inner else annotation


def to_wire(value: Wire) -> dict[str, Any]:
    """What the API server would give back: dicts and lists, so that the two can be compared."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return plain
