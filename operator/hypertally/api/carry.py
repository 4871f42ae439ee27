"""What a newer version wrote survives a write by this one.

`status.report` and `status.ledger` are replaced as a whole, so a key that this version does not know would be lost
with each write after a downgrade, or while versions are mixed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .base import Wire, is_wire, types_by_key


def carry_unknown(old: Mapping[str, Any] | None, new: Mapping[str, Any], type_: type[Wire]) -> dict[str, Any]:
    """`new` and, at every depth, the keys of `old` that `type_` has no field for.

    Both are in wire form. List entries belong together when their `map_keys` are equal, without any by their place; an
    entry, or a known key, that `new` no longer has is gone with all that was in it. Where both have an unknown key,
    `new` wins. Neither argument is changed; values may be shared with them.
    """
    before, known = old or {}, types_by_key(type_)
    result = {key: value for key, value in before.items() if key not in known} | dict(new)
    for key, inner in known.items():
        if is_wire(inner) and key in before and key in new:
            result[key] = _carry_value(before[key], new[key], inner)
    return result


def _carry_value(old: Any, new: Any, type_: type[Wire]) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return carry_unknown(old, new, type_)
    if isinstance(old, Sequence) and isinstance(new, Sequence):
        before = {_identity(entry, type_, place): entry for place, entry in enumerate(old)}
        entries = enumerate(new)
        return [carry_unknown(before.get(_identity(entry, type_, place)), entry, type_) for place, entry in entries]
    return new


def _identity(entry: Mapping[str, Any], type_: type[Wire], place: int) -> tuple[Any, ...]:
    """A guest's cells, which have no key, are told by their place."""
    return tuple(_hashable(entry.get(key)) for key in type_.map_keys) or (place,)


def _hashable(value: Any) -> Any:
    return tuple(sorted(value.items())) if isinstance(value, Mapping) else value
