"""The chart's next version comes while guests run, and Prometheus watches what comes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devprometheus import AGENT_JOB, ALERTS, CONTROLLER_JOB, Prometheus, Series
from tests.lane.conftest import FOLLOWING
from tests.lane.person import RELEASE, VALUES, Person, eventually
from tests.lane.test_1_install import hosts_are_ready
from tests.lane.test_2_guests import ALPHA, BETA, GAMMA, allocated, instance_is_ready, sizes

pytestmark = pytest.mark.timeout(300)

#: Of the programs, as the chart's defaults have them.
AGENT_PORT, CONTROLLER_PORT = 9178, 8082


def test_helm_upgrades_to_the_next_version_while_guests_run(person: Person, following: Path) -> None:
    before = {name: person.node(name)["metadata"]["uid"] for name in ("n1", "n2")}
    old = programs(person)

    person.helm("upgrade", RELEASE, following, "--values", VALUES, "--wait", "--timeout", "3m")

    assert FOLLOWING in person.helm("list")
    eventually(lambda: hosts_are_ready(person))
    # Every program is another one, from another image.
    assert not {uid for uid, _ in old} & {uid for uid, _ in programs(person)}
    assert {image.rpartition(":")[2] for _, image in programs(person)} == {FOLLOWING}
    assert {name: person.node(name)["metadata"]["uid"] for name in ("n1", "n2")} == before
    eventually(lambda: instance_is_ready(person, ALPHA, "n2"))
    assert allocated(person, "n1") == sizes(BETA)
    assert allocated(person, "n2") == sizes(ALPHA, GAMMA)


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


def programs(person: Person) -> set[tuple[str, str]]:
    """Pods by their uid, with the image."""
    pods = [*person.pods("agent"), *person.pods("controller")]
    return {(pod["metadata"]["uid"], pod["spec"]["containers"][0]["image"]) for pod in pods}


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
