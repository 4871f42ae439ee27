"""A real Prometheus scrapes both programs and evaluates what the chart ships for it."""

from collections.abc import Iterator

import pytest

from devprometheus import AGENT_JOB, ALERTS, CONTROLLER_JOB, Prometheus, Series
from tests.lane.person import Person, eventually

pytestmark = pytest.mark.timeout(300)

#: Of the programs, as the chart's defaults have them.
AGENT_PORT, CONTROLLER_PORT = 9178, 8082


def test_prometheus_scrapes_both_programs(prometheus: Prometheus) -> None:
    eventually(lambda: all_are_up(prometheus))
    connected = {
        each.labels["compute_node"]: each.last for each in prometheus.query("hypertally_agent_libvirt_connected")
    }

    assert connected == {"n1": 1, "n2": 1}


def test_prometheus_evaluates_every_shipped_rule(prometheus: Prometheus) -> None:
    eventually(lambda: every_rule_is_evaluated(prometheus))


def test_prometheus_and_the_api_server_tell_the_same(person: Person, prometheus: Prometheus) -> None:
    def same() -> None:
        told = value(prometheus, "max(hypertally_controller_instances)"), value(prometheus, "count(up == 1)")
        assert told == (len(person.get("instances")), 4)

    eventually(same)


@pytest.fixture(scope="module")
def prometheus(person: Person) -> Iterator[Prometheus]:
    jobs = {
        AGENT_JOB: [f"{pod['status']['podIP']}:{AGENT_PORT}" for pod in person.pods("agent")],
        CONTROLLER_JOB: [f"{pod['status']['podIP']}:{CONTROLLER_PORT}" for pod in person.pods("controller")],
    }
    with Prometheus(jobs, rules=ALERTS) as running:
        yield running


def all_are_up(prometheus: Prometheus) -> None:
    found: list[Series] = prometheus.query("up")
    assert [each.last for each in found] == [1, 1, 1, 1]


def every_rule_is_evaluated(prometheus: Prometheus) -> None:
    rules = prometheus.rules()
    assert rules
    assert {rule["name"]: rule["lastError"] for rule in rules if rule["health"] != "ok" and "lastError" in rule} == {}
    assert all(rule["health"] == "ok" for rule in rules)


def value(prometheus: Prometheus, expression: str) -> float:
    found = prometheus.query(expression)
    assert found, expression
    return found[0].last
