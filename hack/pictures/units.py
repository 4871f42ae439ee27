"""Numbers as Grafana writes them."""

from dataclasses import dataclass

_BINARY = tuple((1024.0**rank, f" {prefix}B") for rank, prefix in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi")))
_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "bytes": _BINARY,
    "Bps": tuple((factor, f"{text}/s") for factor, text in _BINARY),
    "ops": ((1.0, "/s"),),
    "percentunit": ((0.01, " %"),),
    "s": ((1e-6, " µs"), (1e-3, " ms"), (1.0, " s"), (60.0, " min")),
}


@dataclass(frozen=True)
class Scale:
    """`value / factor` is what is written, with `suffix` after it."""

    factor: float = 1.0
    suffix: str = ""

    def written(self, value: float, decimals: int | None = None) -> str:
        """With three digits unless told how many decimals."""
        shown = value / self.factor
        return f"{shown:.3g}{self.suffix}" if decimals is None else f"{shown:.{decimals}f}{self.suffix}"


def scale_for(unit: str, largest: float) -> Scale:
    """`unit` as dashboards call it. The largest value fills at least one of what is counted in."""
    known = _SCALES.get(unit, ((1.0, ""),))
    fits = [each for each in known if each[0] <= largest] or known[:1]
    return Scale(*fits[-1])
