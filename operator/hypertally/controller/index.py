"""Who names whom: a relation that is looked up from its right side."""

from collections.abc import Iterable


class Index:
    """Each key has a set of values; `of` finds the keys of a value."""

    def __init__(self) -> None:
        self._values: dict[str, frozenset[str]] = {}
        self._keys: dict[str, set[str]] = {}

    def set(self, key: str, values: Iterable[str]) -> None:
        new, old = frozenset(values), self._values.get(key, frozenset())
        for value in old - new:
            self._keys[value].discard(key)
            if not self._keys[value]:
                del self._keys[value]
        for value in new - old:
            self._keys.setdefault(value, set()).add(key)
        if new:
            self._values[key] = new
        else:
            self._values.pop(key, None)

    def values(self) -> list[str]:
        """Every value that some key has."""
        return list(self._keys)

    def of(self, value: str) -> frozenset[str]:
        return frozenset(self._keys.get(value, ()))
