"""The schemas of crds/ as data, and objects made from them."""

from collections.abc import Callable, Mapping
from typing import Any

from gen_api_reference import FORMS, ORDER, Field, load_crd, schema_of, walk
from tests.support.samples import NOW

KINDS = ORDER
"""Plural names."""

_LONG_HOST_PART = "a" * 61 + "."

_LONGEST: dict[str, Callable[[int], str]] = {
    "DNS name": lambda size: (_LONG_HOST_PART * 9)[: size - 1] + "z",
    "DNS label": lambda size: "z" * size,
    "lower-case UUID": lambda size: "ffffffff-ffff-ffff-ffff-ffffffffffff"[:size],
    "version": lambda size: "1.1." + "9" * (size - 4),
    "IP address": lambda size: "f" * size,
    "printable ASCII without spaces": lambda size: "<" * size,
    "Lease holder": lambda size: "h" * size,
    "condition reason": lambda size: "R" * size,
    "condition type": lambda size: "z" * size,
}
"""By form, the text that takes most bytes as JSON; Go writes `<` as six."""


def schema(plural: str) -> dict[str, Any]:
    return schema_of(load_crd(plural))


def fields(plural: str) -> list[Field]:
    """Every field that is the project's own."""
    return [field for field in walk(schema(plural)) if field.path not in ("apiVersion", "kind", "metadata")]


def field(plural: str, path: str) -> Field:
    return next(field for field in fields(plural) if field.path == path)


def largest(part: Mapping[str, Any], number: int = 0) -> Any:
    """The value that takes most bytes as JSON of all that `part` of a schema admits; `number` tells entries apart."""
    match part["type"]:
        case "object":
            return {name: largest(inner, number) for name, inner in part["properties"].items()}
        case "array":
            return [largest(part["items"], index) for index in range(part["maxItems"])]
        case "integer":
            return max(part["minimum"], part["maximum"], key=lambda value: len(str(value)))
        case "boolean":
            return False
    return _longest_text(part, number)


def _longest_text(part: Mapping[str, Any], number: int) -> str:
    if "enum" in part:
        return str(max(part["enum"], key=len))
    if part.get("format") == "date-time":
        return NOW.replace("Z", "." + "9" * (part["maxLength"] - len(NOW) - 1) + "Z")
    form, size = FORMS.get(part.get("pattern", ""), ""), part["maxLength"]
    text = _LONGEST[form](size) if form else "<" * size
    mark = f"{number:03}"
    return text[: -len(mark)] + mark if form in ("lower-case UUID", "condition type") else text
