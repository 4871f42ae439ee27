"""What Prometheus answered during a run: kept, so that pictures can be drawn anew without another run."""

from collections.abc import Iterable
from math import isfinite
from pathlib import Path

import msgspec

from devprometheus import Dashboard, Prometheus, Series


class Window(msgspec.Struct, frozen=True):
    """The time that is shown, in Unix seconds."""

    start: float
    end: float
    step: float


class Record(msgspec.Struct, frozen=True):
    """`answers`: by expression."""

    window: Window
    answers: dict[str, list[Series]]

    @classmethod
    def take(cls, dashboards: Iterable[Dashboard], prometheus: Prometheus, window: Window) -> "Record":
        """Raises PrometheusError for a query that Prometheus does not take."""
        asked = {target.expression for board in dashboards for panel in board.panels for target in panel.targets}
        times = window.start, window.end, window.step
        return cls(window, {each: _known(prometheus.query_range(each, *times)) for each in asked})

    def save(self, path: Path) -> None:
        path.write_bytes(msgspec.json.encode(self))

    @classmethod
    def load(cls, path: Path) -> "Record":
        return msgspec.json.decode(path.read_bytes(), type=cls)


def _known(answer: Iterable[Series]) -> list[Series]:
    """A quantile of nothing is no number."""
    found = (Series(one.labels, [point for point in one.points if isfinite(point[1])]) for one in answer)
    return [one for one in found if one.points]
