"""How a struct of this package looks on the wire."""

import re
from typing import Any

import msgspec

_INITIALISMS = {"mib": "MiB", "uuid": "UUID", "uid": "UID", "ip": "IP"}


def wire_name(python_name: str) -> str:
    """`memory_mib` is `memoryMiB`, `host_uuid` is `hostUUID`, a leading `uuid` stays as it is."""
    first, *rest = python_name.split("_")
    return first + "".join(_INITIALISMS.get(word, re.sub("^.", lambda m: m[0].upper(), word)) for word in rest)


class Wire(msgspec.Struct, frozen=True, omit_defaults=True, rename=wire_name, kw_only=True):
    """Base of all kinds: immutable, unknown fields tolerated on reading, fields at their default left out."""


def to_wire(value: Wire) -> dict[str, Any]:
    """Plain JSON-able form, keys as the API server sees them."""
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return plain
