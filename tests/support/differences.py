"""What differs between two objects, told by path: pytest cuts a ComputeNode short before the place that matters."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ABSENT = "(absent)"


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """One line for each path whose value is another one, with both values; nothing where they are equal."""
    return list(_differences(before, after, path))


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(key, ABSENT), after.get(key, ABSENT), f"{path}.{key}".lstrip("."))
    elif _is_list(before) and _is_list(after) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]")
    elif before != after:
        yield f"{path}: {before!r} became {after!r}"


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
