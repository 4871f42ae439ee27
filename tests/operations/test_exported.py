"""Alerts and dashboards ask for what running programs export, and get answers."""

import re
import subprocess
from collections.abc import Iterator

import pytest
import yaml

import gen_metrics_reference
from devcluster import wait_until
from devprometheus import AGENT_JOB, ALERTS, CONTROLLER_JOB, Panel, Stage, find, read_dashboard
from tests.operations.conftest import NODE, SECONDS

DASHBOARDS = ("fleet", "host")
VARIABLES = {"compute_node": NODE, "__rate_interval": "15s"}

#: Panels that show nothing while all is well, or without guests that have it.
MAY_BE_EMPTY = {
    "Interfaces",  # the guests here have none
    "Hosts that seem gone",  # its second query: guards that keep one
}

#: Of Prometheus itself, and of every label set.
OF_PROMETHEUS = {"up", "job", "instance", "le"}

WORDS_OF_PROMQL = {
    "abs", "and", "by", "group_left", "histogram_quantile", "increase", "max", "max_over_time", "min", "on", "or",
    "quantile", "rate", "sum", "time", "topk", "unless", "vector",
}  # fmt: skip


def panels() -> list[Panel]:
    return [panel for name in DASHBOARDS for panel in read_dashboard(name, VARIABLES).panels]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"])
    yield from (target.expression for panel in panels() for target in panel.targets)


by_expression = pytest.mark.parametrize("expression", sorted(set(expressions())))
by_panel = pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel.title)


@pytest.fixture(scope="module")
def exported(stage: Stage) -> dict[str, set[str]]:
    """By the name of each metric that a running program has, its labels; families without a sample by their HELP."""
    found: dict[str, set[str]] = {}
    for job in (AGENT_JOB, CONTROLLER_JOB):
        for line in stage.scrape(job).splitlines():
            name = re.match(r"(?:# HELP )?(\w+)", line)
            if name and not line.startswith("# TYPE"):
                found.setdefault(name[1], set()).update(re.findall(r'(\w+)="', line.partition("} ")[0]))
    return found


@by_expression
def test_every_metric_and_label_of_a_query_is_exported(expression: str, exported: dict[str, set[str]]) -> None:
    bare = re.sub(r'"[^"]*"', '""', expression)
    words = set(re.findall(r"[a-z_]\w*", re.sub(r"\[[^\]]*\]", "", bare))) - WORDS_OF_PROMQL - OF_PROMETHEUS
    metrics = {word for word in words if word.startswith(("hypertally_", "process_"))}
    labels = set().union(*(exported.get(name, set()) for name in metrics)) | documented_labels(metrics)

    assert metrics or "up{" in expression
    assert metrics <= exported.keys()
    assert words - metrics <= labels


def documented_labels(metrics: set[str]) -> set[str]:
    """Of families that have no sample at the moment, such as refusals while nothing is refused."""
    rows = gen_metrics_reference.text().splitlines()
    bare = {re.sub(r"_(bucket|count|sum)$", "", name) for name in metrics}
    return {label for row in rows for name in bare if row.startswith(f"| `{name}` ") for label in cells(row)}


def cells(row: str) -> list[str]:
    return re.findall(r"`(\w+)`", row.split("|")[3])


@by_panel
def test_every_query_of_a_panel_is_answered_with_data(panel: Panel, stage: Stage) -> None:
    for target in panel.targets:
        if panel.title in MAY_BE_EMPTY:
            stage.prometheus.query(target.expression)
            continue
        wait_until(
            lambda target=target: bool(stage.prometheus.query(target.expression)),  # type: ignore[misc]  # mypy#4226
            seconds=SECONDS,
            what=f"an answer to {target.expression}",
        )


@by_panel
def test_every_series_of_a_panel_has_a_name_of_its_own(panel: Panel, stage: Stage) -> None:
    names = [
        target.name(series.labels) for target in panel.targets for series in stage.prometheus.query(target.expression)
    ]

    assert len(set(names)) == len(names)
    assert all(names) or panel.kind == "stat"


@pytest.mark.parametrize("job", [AGENT_JOB, CONTROLLER_JOB])
def test_what_is_exported_follows_the_conventions(stage: Stage, job: str) -> None:
    done = subprocess.run(
        [find("promtool"), "check", "metrics"], input=stage.scrape(job), capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("job", [AGENT_JOB, CONTROLLER_JOB])
def test_the_reference_has_every_family_that_a_running_program_exports(stage: Stage, job: str) -> None:
    section = gen_metrics_reference.text().partition(f"## {job}\n")[2].partition("\n## ")[0]
    families = set(re.findall(r"^# HELP (\w+)", stage.scrape(job), re.MULTILINE))

    assert {name for name in families if f"`{name}`" not in section and not name.endswith("_created")} == set()
