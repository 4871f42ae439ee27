"""One order for what a host may list in any."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

T = TypeVar("T")

_NUMBER = re.compile(r"[0-9]+")


def by_key(entries: Iterable[T], key: Callable[[T], Any]) -> list[T]:
    """Sorted by `key`, each of which comes once; of several entries with one key, always the same one stays, in
    whatever order they come and their own lists are."""
    found: dict[Any, list[T]] = {}
    for entry in entries:
        found.setdefault(key(entry), []).append(entry)
    return [_one(found[each]) for each in sorted(found)]


def _one(entries: list[T]) -> T:
    return entries[0] if len(entries) == 1 else max(entries, key=_unordered)


def _unordered(value: object) -> str:
    """The same for values that differ only in the order of their lists."""
    if isinstance(value, Struct):
        return repr([_unordered(getattr(value, name)) for name in value.__struct_fields__])
    if isinstance(value, Mapping):
        return repr(sorted((repr(key), _unordered(entry)) for key, entry in value.items()))
    return repr(sorted(map(_unordered, value))) if isinstance(value, tuple) else repr(value)


def by_numbers(text: str) -> tuple[tuple[int, ...], str]:
    """Key that puts `2,12` before `10,20`."""
    return tuple(int(number) for number in _NUMBER.findall(text)), text
