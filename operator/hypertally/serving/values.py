"""Parsers of options' values. Each raises UsageError with the value and what is allowed."""

import math
import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from .health import Address
from .options import UsageError

E = TypeVar("E", bound=StrEnum)

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_MOST_NAME = 253


def choice(kind: type[E]) -> Callable[[str], E]:
    def choose(text: str) -> E:
        try:
            return kind(text)
        except ValueError:
            raise UsageError(f"{text!r} is unknown; allowed are {', '.join(kind)}") from None

    return choose


def yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise UsageError(f"{text!r} is unknown; allowed are true and false")
    return text == "true"


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{text!r} is no number of seconds")
    return value


def seconds_between(low: float, high: float) -> Callable[[str], float]:
    def check(text: str) -> float:
        value = seconds(text)
        if not low <= value <= high:
            raise UsageError(f"{text!r} is out of bounds; allowed are {low:g} to {high:g} s")
        return value

    return check


def whole_number(low: int, high: int, unit: str = "") -> Callable[[str], int]:
    def check(text: str) -> int:
        # Bounded before it is read: Python refuses to read numbers of thousands of digits.
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(high)) and low <= int(text) <= high):
            what = f"a whole number of {unit}" if unit else "a whole number"
            raise UsageError(f"{text!r} is not allowed; allowed is {what} from {low} to {high}")
        return int(text)

    return check


def address(text: str) -> Address | None:
    """None for an empty text: nowhere."""
    return Address.parse(text) if text else None


def name(text: str) -> str:
    """Of an object: a DNS subdomain."""
    if len(text) > _MOST_NAME or not all(_LABEL.fullmatch(part) for part in text.split(".")):
        raise UsageError(
            f"{text!r} is no name; allowed are 1 to {_MOST_NAME} lower-case letters, digits, and '-' and '.' inside"
        )
    return text


def namespace(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise UsageError(
            f"{text!r} is no name of a namespace; allowed are 1 to 63 lower-case letters, digits and '-' inside"
        )
    return text
