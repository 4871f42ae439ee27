"""Whatever a release is called, rules and dashboards find what the chart's monitors have scraped."""

import re
from collections.abc import Iterator

import pytest
import yaml

from tests.helm.chart import CHART, NAMESPACE, Object, parsed, run

#: In the rules and dashboards every job is asked for by a pattern.
ASKED = re.compile(r'job=~\\*"([^"\\]+)\\*"')

by_name = pytest.mark.parametrize(
    ("release", "arguments"),
    [
        ("hypertally", ()),
        ("books", ()),
        ("books", ("--set", "nameOverride=tally")),
        ("hypertally", ("--set", "fullnameOverride=books")),
    ],
)


@by_name
@pytest.mark.parametrize("monitor", ["serviceMonitor", "podMonitor"])
def test_each_program_is_scraped_under_the_name_that_is_asked_for(
    release: str, arguments: tuple[str, ...], monitor: str
) -> None:
    found = rendered(release, monitor, arguments)

    jobs = {job_of(each) for each in found if each["kind"].casefold() == monitor.casefold()}
    assert jobs == {"hypertally-agent", "hypertally-controller"}
    asked = set(patterns(found))
    assert len(asked) == 2
    assert {pattern: [job for job in sorted(jobs) if re.fullmatch(pattern, job)] for pattern in asked} == {
        ".*hypertally-agent.*": ["hypertally-agent"], ".*hypertally-controller.*": ["hypertally-controller"]
    }  # fmt: skip


def rendered(release: str, monitor: str, arguments: tuple[str, ...]) -> list[Object]:
    switches = [part for each in (monitor, "rules", "dashboards") for part in ("--set", f"metrics.{each}.enabled=true")]
    done = run("Helm 4", "template", release, CHART, "--namespace", NAMESPACE, *switches, *arguments)
    assert done.returncode == 0, done.stderr
    return list(parsed(done.stdout))


def job_of(monitor: Object) -> str:
    """As Prometheus relabels: the last replacement of the label counts."""
    spec = monitor["spec"]
    (endpoint,) = spec.get("endpoints") or spec["podMetricsEndpoints"]
    said: list[str] = [each["replacement"] for each in endpoint["relabelings"] if each["targetLabel"] == "job"]
    return said[-1]


def patterns(found: list[Object]) -> Iterator[str]:
    for each in found:
        if each["kind"] == "PrometheusRule":
            yield from ASKED.findall(yaml.safe_dump(each["spec"], width=10_000))
        if each["kind"] == "ConfigMap":
            for text in each["data"].values():
                yield from ASKED.findall(text)
