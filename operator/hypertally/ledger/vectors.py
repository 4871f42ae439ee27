"""Arithmetic on `Amounts`: key by key, integers, signed, and never clamped but by `clamped`."""

from collections.abc import Callable, Iterable, Iterator

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import SUM_MAX, within

ZERO = Amounts()
KEYS: tuple[str, ...] = Amounts.__struct_fields__
WIRE_KEYS: dict[str, str] = dict(zip(KEYS, Amounts.__struct_encode_fields__, strict=True))


def combine(function: Callable[..., int], *amounts: Amounts) -> Amounts:
    """`function` of the values of each key."""
    return Amounts(**{key: function(*(getattr(a, key) for a in amounts)) for key in KEYS})


def add(a: Amounts, b: Amounts) -> Amounts:
    return combine(lambda x, y: x + y, a, b)


def subtract(a: Amounts, b: Amounts) -> Amounts:
    return combine(lambda x, y: x - y, a, b)


def most(a: Amounts, b: Amounts) -> Amounts:
    """The greater value of each key."""
    return combine(max, a, b)


def total(amounts: Iterable[Amounts]) -> Amounts:
    result = ZERO
    for each in amounts:
        result = add(result, each)
    return result


def greatest(amounts: Iterable[Amounts]) -> Amounts:
    result = ZERO
    for each in amounts:
        result = most(result, each)
    return result


def clamped(amounts: Amounts) -> Amounts:
    """As far as the API can say it: one amount beyond and the API server would refuse the ledger as a whole."""
    return combine(lambda value: within(value, SUM_MAX, -SUM_MAX), amounts)


def covers(a: Amounts, b: Amounts) -> bool:
    """`a` is at least `b` in every key."""
    return all(x >= y for x, y in pairs(a, b))


def pairs(a: Amounts, b: Amounts) -> Iterator[tuple[int, int]]:
    return ((getattr(a, key), getattr(b, key)) for key in KEYS)
