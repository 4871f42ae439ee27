"""Tables as kubectl prints them: plain, aligned, without blanks in a number, so that awk can read them too."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

UNKNOWN = "<unknown>"
NONE = "<none>"

_GAP = "   "
_UNITS = ("Mi", "Gi", "Ti", "Pi")
_STEP = 1024
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400

Row = Sequence[str]


def table(head: Row, rows: Iterable[Row]) -> str:
    """Columns as wide as their widest cell. A column of which no row says anything is left out."""
    found = list(rows)
    told = [n for n in range(len(head)) if any(row[n] not in ("", NONE) for row in found)]
    every = [[row[n] for n in told] for row in (head, *found)]
    return aligned(every)


def aligned(rows: Sequence[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_GAP.join(map(str.ljust, row, widths)).rstrip() for row in rows)


def size(mib: int | None) -> str:
    return UNKNOWN if mib is None else _in_unit(mib, _unit(mib)) + _UNITS[_unit(mib)]


def part(mib: int | None, whole: int | None) -> str:
    """`8.0/10.0Gi`: both in the unit of the greater."""
    if mib is None or whole is None:
        return UNKNOWN
    unit = max(_unit(mib), _unit(whole))
    return f"{_in_unit(mib, unit)}/{_in_unit(whole, unit)}{_UNITS[unit]}"


def age(since: str, now: datetime) -> str:
    """As kubectl writes it: in one unit, or two where one would be coarse."""
    try:
        passed = int((now - datetime.fromisoformat(since)).total_seconds())
    except (TypeError, ValueError):
        return UNKNOWN
    return _duration(max(0, passed))


def utc_now() -> datetime:
    return datetime.now(UTC)


def _duration(seconds: int) -> str:
    for below, large, large_name, small, small_name in (
        (2 * _MINUTE, 0, "", 1, "s"),
        (10 * _MINUTE, _MINUTE, "m", 1, "s"),
        (3 * _HOUR, 0, "", _MINUTE, "m"),
        (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
        (2 * _DAY, 0, "", _HOUR, "h"),
        (8 * _DAY, _DAY, "d", _HOUR, "h"),
        (2 * _YEAR, 0, "", _DAY, "d"),
    ):
        if seconds < below:
            whole, rest = divmod(seconds, large) if large else (0, seconds)
            fine = rest // small
            return (f"{whole}{large_name}" if whole else "") + (f"{fine}{small_name}" if fine or not whole else "")
    return f"{seconds // _YEAR}y"


def _unit(mib: int) -> int:
    unit, value = 0, abs(mib)
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value // _STEP, unit + 1
    return unit


def _in_unit(mib: int, unit: int) -> str:
    return str(mib) if unit == 0 else f"{mib / _STEP**unit:.1f}"
