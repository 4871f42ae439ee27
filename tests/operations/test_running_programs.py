"""What running programs export and log: alerts and dashboards get answers, and a machine can read every line.

One file, since its tests share hosts and programs that take some time to start.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import gen_metrics_reference
from devcluster import wait_until
from devprometheus import AGENT_JOB, ALERTS, CONTROLLER_JOB, Panel, Stage, find, read_dashboard
from tests.operations.conftest import NODE, SECONDS

Line = dict[str, Any]

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


def test_prometheus_evaluates_every_alert_on_what_the_programs_export(stage: Stage) -> None:
    def evaluated() -> bool:
        return all(rule["health"] == "ok" for rule in stage.prometheus.rules())

    wait_until(evaluated, seconds=SECONDS, what="every rule to be evaluated")

    names = {rule["alert"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]}
    assert {rule["name"] for rule in stage.prometheus.rules()} == names
    assert [rule["name"] for rule in stage.prometheus.rules() if rule["state"] == "firing"] == []


by_program = pytest.mark.parametrize("program", ["controller", NODE])


def lines(stage: Stage, program: str) -> list[Line]:
    """A line that is no JSON, such as one of a stack trace, fails the test."""
    return [json.loads(line) for line in (stage.cluster.directory / f"{program}.log").read_text().splitlines()]


@by_program
def test_every_line_is_one_object_with_the_same_first_keys(stage: Stage, program: str) -> None:
    found = lines(stage, program)

    assert found
    for line in found:
        assert list(line)[:4] == ["time", "level", "logger", "message"]
        assert line["time"].endswith("Z")
        assert line["level"] in ("debug", "info", "warning", "error", "critical")


@by_program
def test_an_object_is_named_by_kind_namespace_and_name(stage: Stage, program: str) -> None:
    for line in lines(stage, program):
        if "object" in line:
            assert {"kind", "name"} <= line["object"].keys() <= {"kind", "namespace", "name"}


def test_the_agent_names_the_host_that_it_publishes(stage: Stage) -> None:
    published = [line for line in lines(stage, NODE) if line["message"].startswith("status is published")]

    assert {line["object"]["name"] for line in published} == {NODE}
