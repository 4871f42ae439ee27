"""A dashboard as a picture: its panels where Grafana puts them, with what Prometheus answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import nan
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator
from PIL import Image

from devprometheus import Dashboard, Panel, Series

from .record import Record, Window
from .units import Scale, scale_for

_COLUMNS = 24
_WIDTH_INCHES, _ROW_INCHES, _DPI = 13.5, 0.26, 100
_HEAD_INCHES = 0.42
_GAP = 0.05
"""Inches between two panels."""
_COLOURS = ("#3d8b37", "#c99700", "#3274d9", "#e0662c", "#b5171e", "#6f3fa8", "#17808a", "#8a6d3b", "#d4559f", "#555")
_NAMED = {"green": "#3d8b37", "orange": "#d9730d", "red": "#c4162a", "blue": "#3274d9"}
_INK, _FAINT, _EDGE, _PAPER = "#24292e", "#6e7781", "#d8dce1", "#f4f5f7"
_LONGEST_LEGEND = 34
_PALETTE = 64
_MOST_MINUTES = 60


def draw(dashboard: Dashboard, record: Record, path: Path) -> None:
    rows = max(panel.y + panel.height for panel in dashboard.panels)
    figure = Figure(figsize=(_WIDTH_INCHES, rows * _ROW_INCHES + _HEAD_INCHES), dpi=_DPI, facecolor=_PAPER)
    figure.text(0.008, 1 - 0.16 / figure.get_figheight(), dashboard.title, va="top", size=13, weight="bold", color=_INK)
    for panel in dashboard.panels:
        _draw_panel(figure, panel, record)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """Of few colours: a picture in a repository is small."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    buffer.seek(0)
    with Image.open(buffer) as image:
        image.convert("RGB").quantize(_PALETTE).save(path, optimize=True)


@dataclass(frozen=True)
class _Box:
    """Inches from the upper left corner of the figure."""

    figure: Figure
    left: float
    top: float
    width: float
    height: float

    def inner(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """What margins of so many inches leave, as matplotlib wants it."""
        whole_width, whole_height = self.figure.get_size_inches()
        return (
            (self.left + left) / whole_width,
            1 - (self.top + self.height - bottom) / whole_height,
            (self.width - left - right) / whole_width,
            (self.height - top - bottom) / whole_height,
        )

    def at(self, left: float, top: float) -> tuple[float, float]:
        whole_width, whole_height = self.figure.get_size_inches()
        return (self.left + left) / whole_width, 1 - (self.top + top) / whole_height


def _box(figure: Figure, panel: Panel) -> _Box:
    column = (_WIDTH_INCHES - 0.1) / _COLUMNS
    return _Box(
        figure,
        0.05 + panel.x * column + _GAP / 2,
        _HEAD_INCHES + panel.y * _ROW_INCHES + _GAP / 2,
        panel.width * column - _GAP,
        panel.height * _ROW_INCHES - _GAP,
    )


def _draw_panel(figure: Figure, panel: Panel, record: Record) -> None:
    box = _box(figure, panel)
    x, y, width, height = box.inner(0, 0, 0, 0)
    frame = FancyBboxPatch(
        (x, y), width, height, boxstyle="square,pad=0", transform=figure.transFigure,
        facecolor="white", edgecolor=_EDGE, linewidth=0.8, zorder=-1,
    )  # fmt: skip
    figure.add_artist(frame)
    figure.text(*box.at(0.09, 0.07), panel.title, va="top", size=8.5, weight="bold", color=_INK)
    named = [
        (target.name(series.labels), series) for target in panel.targets for series in record.answers[target.expression]
    ]
    if not named:
        figure.text(*box.at(box.width / 2, box.height / 2 + 0.05), "No data", ha="center", size=9, color=_FAINT)
    elif panel.kind == "stat":
        _draw_stat(box, panel, named[0][1], record.window)
    else:
        _draw_series(box, panel, named, record.window)


def _draw_stat(box: _Box, panel: Panel, series: Series, window: Window) -> None:
    colour = _NAMED[[name for least, name in panel.thresholds if series.last >= least][-1]]
    text = scale_for(panel.unit, abs(series.last)).written(series.last, panel.decimals)
    box.figure.text(*box.at(box.width / 2, 0.55), text, ha="center", va="center", size=19, weight="bold", color=colour)
    axes = box.figure.add_axes(box.inner(0.05, 0.72, 0.05, 0.03))
    axes.axis("off")
    times, values = _with_gaps(series, window.step, 1.0)
    axes.fill_between(times, values, color=colour, alpha=0.15, linewidth=0)
    axes.plot(times, values, color=colour, linewidth=0.9)
    axes.set_xlim(window.start, window.end)
    axes.set_ylim(0, max(*(value for _, value in series.points), 1e-12) * 1.1)


def _draw_series(box: _Box, panel: Panel, named: Sequence[tuple[str, Series]], window: Window) -> None:
    axes = box.figure.add_axes(box.inner(0.68, 0.32, 0.12, 0.5))
    named = sorted(named, key=lambda each: each[0])
    values = [value for _, series in named for _, value in series.points]
    scale = scale_for(panel.unit, max(map(abs, values)))
    _dress(axes, panel, scale, window)
    (_stack if panel.stacked else _lines)(axes, panel, named, scale, window)
    low = min(0.0, *values) / scale.factor
    least = 1.0 if panel.decimals == 0 else 1e-9  # a line at zero is at the bottom
    axes.set_ylim(bottom=low * 1.08, top=max(axes.get_ylim()[1] * 1.04, low + least))
    axes.legend(
        loc="upper left", bbox_to_anchor=(-0.14, -0.13), ncols=_columns(panel, named), fontsize=6.5, frameon=False,
        handlelength=1.2, columnspacing=1.0, labelspacing=0.25, borderaxespad=0, labelcolor=_INK,
    )  # fmt: skip


def _columns(panel: Panel, named: Sequence[tuple[str, Series]]) -> int:
    """As many as there is room for."""
    longest = max(len(_shortened(name)) for name, _ in named)
    return max(1, min(len(named), int(panel.width * 9 / (longest + 4))))


def _dress(axes: Axes, panel: Panel, scale: Scale, window: Window) -> None:
    axes.set_xlim(window.start, window.end)
    axes.xaxis.set_major_locator(FixedLocator([window.start + 60 * n for n in range(_MOST_MINUTES)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda time, _: f"{(time - window.start) / 60:.0f} min"))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=panel.decimals == 0))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}{scale.suffix}"))
    axes.tick_params(labelsize=6.5, colors=_FAINT, length=0)
    axes.grid(color="#e9ecef", linewidth=0.7)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _lines(axes: Axes, panel: Panel, named: Sequence[tuple[str, Series]], scale: Scale, window: Window) -> None:
    for number, (name, series) in enumerate(named):
        times, values = _with_gaps(series, window.step, scale.factor)
        axes.plot(times, values, color=_colour(panel, name, number), linewidth=1.1, label=_shortened(name))


def _stack(axes: Axes, panel: Panel, named: Sequence[tuple[str, Series]], scale: Scale, window: Window) -> None:
    """Where a series has no value, it adds nothing."""
    times = [window.start + n * window.step for n in range(int((window.end - window.start) / window.step) + 1)]
    rows = [[_by_time(series).get(round(time, 1), 0.0) / scale.factor for time in times] for _, series in named]
    colours = [_colour(panel, name, number) for number, (name, _) in enumerate(named)]
    axes.stackplot(times, rows, labels=[_shortened(name) for name, _ in named], colors=colours, alpha=0.55, linewidth=0)


def _with_gaps(series: Series, step: float, factor: float) -> tuple[list[float], list[float]]:
    """Times and values, with no line where nothing was known."""
    times: list[float] = []
    values: list[float] = []
    for time, value in series.points:
        if times and time - times[-1] > 2 * step:
            times.append(time - step)
            values.append(nan)
        times.append(time)
        values.append(value / factor)
    return times, values


def _by_time(series: Series) -> dict[float, float]:
    return {round(time, 1): value for time, value in series.points}


def _colour(panel: Panel, name: str, number: int) -> str:
    return _NAMED[panel.colours[name]] if name in panel.colours else _COLOURS[number % len(_COLOURS)]


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_LEGEND else f"{name[: _LONGEST_LEGEND - 1]}…"
