"""From what the API server holds to the types.

What a newer version may have written is tolerated where this version can still act rightly: unknown fields are passed
over, an unknown guest state or condition status reads as Unknown. Where a wrong guess would account wrongly (a claim's
role, a move's type or phase, an outcome) the object is refused, and must be left as it is.
"""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, TypeVar

import msgspec

from . import compute_node, instance, migration  # noqa: F401  # every kind is known before any is prepared
from .base import Wire, is_wire, types_by_key

W = TypeVar("W", bound=Wire)


class MalformedObject(Exception):
    """An object, or a part of one, that this version cannot read. Its text is one line for a person."""

    def __init__(self, kind: str, name: str, field: str, problem: str, allowed: tuple[str, ...] = ()) -> None:
        self.kind, self.name, self.field, self.problem, self.allowed = kind, name, field, problem, allowed
        choice = f" (allowed: {', '.join(allowed)}; was it written by a newer version?)" if allowed else ""
        super().__init__(f"{kind} {name}: {field or 'the object'}: {problem}{choice}")


def decode(raw: Any, type_: type[W], name: str = "") -> W:
    """`raw` (as JSON gives it) as `type_`; MalformedObject if it cannot be. `name` is for parts that have none."""
    try:
        return msgspec.convert(raw, type_)
    except msgspec.ValidationError as error:
        problem, field = _split(str(error))
        allowed = _choices(type_, field)
        raise MalformedObject(type_.__name__, name or _name_of(raw), field, problem, allowed) from None


def _prepare() -> None:
    """What msgspec knows of a struct is built at its first use, and other threads see it half built: two that decode a
    kind for the first time at once end in a segmentation fault (seen with 0.22). So it is built here, by the import."""
    for kind in _derived_from(Wire):
        msgspec.json.Decoder(kind)


def _derived_from(kind: type[Wire]) -> Iterator[type[Wire]]:
    for derived in kind.__subclasses__():
        yield derived
        yield from _derived_from(derived)


_prepare()


def _split(text: str) -> tuple[str, str]:
    """msgspec says: Expected `int`, got `str` - at `$.spec.resources.vcpus`."""
    problem, _, path = text.partition(" - at `$")
    return problem, path.removesuffix("`").removeprefix(".")


def _name_of(raw: Any) -> str:
    metadata = raw.get("metadata") if isinstance(raw, Mapping) else None
    found = metadata if isinstance(metadata, Mapping) else {}
    return "/".join(str(found[key]) for key in ("namespace", "name") if found.get(key)) or "without a name"


def _choices(type_: Any, path: str) -> tuple[str, ...]:
    """The values that are allowed at `path`, where it leads to an enumeration."""
    for step in re.sub(r"\[[^]]*\]", "", path).split("."):
        type_ = types_by_key(type_).get(step) if is_wire(type_) else None
    return tuple(str(member.value) for member in type_) if isinstance(type_, type) and issubclass(type_, Enum) else ()
