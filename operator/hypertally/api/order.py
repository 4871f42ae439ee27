"""One order for what a host may list in any."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

_NUMBER = re.compile(r"[0-9]+")


def by_key(entries: Iterable[T], key: Callable[[T], Any]) -> list[T]:
    """Sorted by `key`, each of which comes once; of several entries with one key, always the same one stays."""
    found: dict[Any, T] = {key(entry): entry for entry in sorted(entries, key=repr)}
    return [found[each] for each in sorted(found)]


def by_numbers(text: str) -> tuple[tuple[int, ...], str]:
    """Key that puts `2,12` before `10,20`."""
    return tuple(int(number) for number in _NUMBER.findall(text)), text
