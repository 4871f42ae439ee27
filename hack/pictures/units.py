"""Numbers as Grafana writes them."""

from collections.abc import Callable

_STEP = 1024
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_SECONDS = ((1.0, 1, "s"), (1e-3, 1e3, "ms"), (0.0, 1e6, "µs"))
_MINUTES = 120


def written(value: float, unit: str, decimals: int | None = None) -> str:
    """`unit` as dashboards call it; `decimals` as many as it takes unless told."""
    return _UNITS.get(unit, _plain)(value, decimals)


def _plain(value: float, decimals: int | None) -> str:
    return f"{value:.{decimals}f}" if decimals is not None else f"{value:.3g}"


def _bytes(value: float, decimals: int | None) -> str:
    size, rank = abs(value), 0
    while size >= _STEP and rank < len(_BYTES) - 1:
        size, rank = size / _STEP, rank + 1
    sign = "-" if value < 0 else ""
    return f"{sign}{_plain(size, decimals)} {_BYTES[rank]}"


def _seconds(value: float, decimals: int | None) -> str:
    if value >= _MINUTES:
        return f"{value / 60:.1f} min"
    _, factor, unit = next(each for each in _SECONDS if value >= each[0] or each[0] == 0)
    return f"{_plain(value * factor, decimals)} {unit}" if value else "0 s"


_UNITS: dict[str, Callable[[float, int | None], str]] = {
    "bytes": _bytes,
    "Bps": lambda value, decimals: f"{_bytes(value, decimals)}/s",
    "ops": lambda value, decimals: f"{_plain(value, decimals)}/s",
    "percentunit": lambda value, decimals: f"{_plain(value * 100, decimals)} %",
    "s": _seconds,
}
