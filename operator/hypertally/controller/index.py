"""Who names whom: a relation that is looked up from its right side."""

from collections.abc import Iterable

_Keys = tuple[str, ...] | set[str]
_FEW = 4


class Index:
    """Each key has a set of values; `of` finds the keys of a value.

    A few are kept as a tuple: most values have one key, most keys one value, and a set takes 216 bytes.
    """

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, ...]] = {}
        self._keys: dict[str, _Keys] = {}

    def set(self, key: str, values: Iterable[str]) -> None:
        new, old = frozenset(values), frozenset(self._values.get(key, ()))
        for value in old - new:
            if left := _without(self._keys[value], key):
                self._keys[value] = left
            else:
                del self._keys[value]
        for value in new - old:
            self._keys[value] = _with(self._keys.get(value, ()), key)
        if new:
            self._values[key] = tuple(new)
        else:
            self._values.pop(key, None)

    def values(self) -> list[str]:
        """Every value that some key has."""
        return list(self._keys)

    def of(self, value: str) -> frozenset[str]:
        return frozenset(self._keys.get(value, ()))


def _with(keys: _Keys, key: str) -> _Keys:
    if isinstance(keys, tuple):
        return (*keys, key) if len(keys) < _FEW else {*keys, key}
    keys.add(key)
    return keys


def _without(keys: _Keys, key: str) -> _Keys:
    if isinstance(keys, tuple):
        return tuple(one for one in keys if one != key)
    keys.discard(key)
    return keys if len(keys) > _FEW else tuple(keys)
