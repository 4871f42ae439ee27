"""The shipped dashboards: where each panel is, and what it asks Prometheus."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DASHBOARDS = Path(__file__).resolve().parents[2] / "helm" / "hypertally" / "files" / "dashboards"


@dataclass(frozen=True)
class Target:
    """One query of a panel, and how its series are called: `{{label}}` stands for a label's value."""

    expression: str
    legend: str

    def name(self, labels: Mapping[str, str]) -> str:
        return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), self.legend)


@dataclass(frozen=True)
class Panel:
    """`x`, `width` of 24 columns; `y`, `height` in rows."""

    title: str
    kind: str
    x: int
    y: int
    width: int
    height: int
    unit: str
    stacked: bool
    decimals: int | None
    thresholds: tuple[tuple[float, str], ...]
    """From which value on which colour; ascending."""
    colours: Mapping[str, str]
    """Of series that have one of their own, by name."""
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Dashboard:
    title: str
    panels: tuple[Panel, ...]


def read_dashboard(name: str, variables: Mapping[str, str]) -> Dashboard:
    """`variables`: what Grafana would put in place of `$name`."""
    body = json.loads((DASHBOARDS / f"{name}.json").read_text())
    return Dashboard(body["title"], tuple(_panel(panel, variables) for panel in body["panels"]))


def _panel(panel: dict[str, Any], variables: Mapping[str, str]) -> Panel:
    place, defaults = panel["gridPos"], panel["fieldConfig"]["defaults"]
    return Panel(
        title=panel["title"],
        kind=panel["type"],
        x=place["x"],
        y=place["y"],
        width=place["w"],
        height=place["h"],
        unit=defaults["unit"],
        stacked=defaults.get("custom", {}).get("stacking", {}).get("mode") == "normal",
        decimals=defaults.get("decimals"),
        thresholds=tuple(_thresholds(defaults)),
        colours=dict(_colours(panel["fieldConfig"]["overrides"])),
        targets=tuple(Target(_filled(each["expr"], variables), each["legendFormat"]) for each in panel["targets"]),
    )


def _thresholds(defaults: Mapping[str, Any]) -> Iterator[tuple[float, str]]:
    for step in defaults.get("thresholds", {}).get("steps", ()):
        yield (float("-inf") if step["value"] is None else float(step["value"])), step["color"]


def _colours(overrides: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for override in overrides:
        yield override["matcher"]["options"], override["properties"][0]["value"]["fixedColor"]


def _filled(expression: str, variables: Mapping[str, str]) -> str:
    """KeyError for a variable that nobody gave a value."""
    return re.sub(r"\$(\w+)", lambda found: variables[found[1]], expression)
