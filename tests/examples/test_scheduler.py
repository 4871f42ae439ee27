"""The example scheduler on a real API server with the real controller: what it decides, and two of them at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from hypertally.api.names import API_VERSION
from tests.conformance.wrong_scheduler import EXAMPLE, load
from tests.conftest import running_cluster
from tests.support.fleet import Fleet, controller
from tests.support.history import Recorder
from tests.support.samples import Object, condition

ROOT = Path(__file__).resolve().parents[2]
_LINES_MAX = 150


@contextmanager
def running(fleet: Fleet, log: Path) -> Iterator[None]:
    """With the rights of examples/scheduler/rbac.yaml."""
    environment = {**os.environ, "KUBECONFIG": str(fleet.cluster.kubeconfig_for("nobody"))}
    with log.open("wb") as file, subprocess.Popen([sys.executable, EXAMPLE], env=environment, stderr=file) as process:
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.terminate()
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    log = tmp_path_factory.mktemp("controller") / "log"
    with running_cluster("scheduler") as cluster:
        cluster.apply(ROOT / "deploy", EXAMPLE.with_name("rbac.yaml"))
        cluster.kubectl("create", "clusterrolebinding", "us", "--clusterrole=hypertally-scheduler", "--user=nobody")
        with controller(cluster.kubeconfig_for("controller"), log, "--agent-grace=3600"):
            yield Fleet(cluster)


def test_two_schedulers_that_race_for_the_last_places_book_none_twice(fleet: Fleet, tmp_path: Path) -> None:
    hosts = [fleet.host("raced", vcpus=1) for _ in range(4)]
    for host in hosts:
        fleet.nodes.merge(host.name, {"spec": {"allocationRatios": {"vcpus": 1000}}})
        fleet.until(lambda host=host: host.ready()[0] == "True" and host.free()["vcpus"] == 1, "the host")  # type: ignore[misc]  # mypy#4226
    with Recorder(fleet.cluster, tmp_path / "watch.log") as history, ExitStack() as both:
        for number in range(2):
            both.enter_context(running(fleet, tmp_path / f"scheduler-{number}.log"))
        instances = [fleet.instance("") for _ in range(7)]

        def homes() -> list[str]:
            found = (fleet.instances.get(name).get("status", {}) for name in instances)
            return [home for status in found if (home := status.get("computeNodeName"))]

        fleet.until(lambda: len(homes()) == len(hosts), "every place to be taken")
        assert sorted(homes()) == sorted(host.name for host in hosts)
        states = history.states()
    free = [
        node["status"]["ledger"]["free"]["vcpus"]
        for state in states
        for (plural, _), node in state.objects.items()
        if plural == "computenodes" and "ledger" in node.get("status", {})
    ]
    assert min(free) == 0, "every version of every ledger: filled, and never more"


def test_it_is_short_enough_to_be_read_as_a_recipe() -> None:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line.strip()]

    assert len(lines) <= _LINES_MAX


def _node(**changed: object) -> Object:
    status = {
        "report": {"generation": 5},
        "ledger": {"generation": 9, "observedReportGeneration": 5, "observedGeneration": 2},
        "conditions": [condition("Ready")],
    }
    node: Object = {"metadata": {"name": "n", "uid": "u", "generation": 2}, "spec": {}, "status": status}
    return {**node, **changed}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"status": {}}, "nobody has reported"),
        ({"spec": {"schedulable": "Disabled"}}, "cordoned"),
        ({"spec": {"maintenance": {"mode": "Drain", "reason": "r"}}}, "in maintenance"),
        ({"status": {**_node()["status"], "conditions": []}}, "Ready was never said"),
        ({"status": {**_node()["status"], "conditions": [condition("Ready", "Unknown")]}}, "nobody knows"),
        ({"status": {**_node()["status"], "report": {"generation": 6}}}, "the ledger lags behind the report"),
        ({"metadata": {"name": "n", "uid": "u", "generation": 3}}, "the ledger lags behind the spec"),
        ({"metadata": {"name": "n", "uid": "u", "generation": 2, "deletionTimestamp": "now"}}, "it goes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_host_is_closed_unless_everything_says_that_it_is_open(changed: Object, why: str) -> None:
    module = load()

    assert module.is_open(_node())
    assert not module.is_open(_node(**changed)), why


@pytest.mark.parametrize("part", ["report", "ledger"])
def test_a_version_with_a_lesser_generation_is_not_believed(part: str) -> None:
    module, new = load(), _node()
    old = _node(status={**new["status"], part: {**new["status"][part], "generation": 4}})

    assert module.newer(new, old) is new
    assert module.newer(old, new) is new
    assert module.newer(None, old) is old


def test_dedicated_cpus_are_asked_as_such_and_all_disks_are_one() -> None:
    resources = {"vcpus": 2, "memoryMiB": 64, "rootDiskMiB": 1, "ephemeralDiskMiB": 10, "swapMiB": 100}
    asked = {"apiVersion": API_VERSION, "spec": {"resources": resources, "placement": {"cpuPolicy": "Dedicated"}}}

    assert load().asks(asked) == {"pcpus": 2, "memoryMiB": 64, "diskMiB": 111}
    assert load().asks({"spec": {"resources": {"vcpus": 1, "memoryMiB": 64}}})["vcpus"] == 1


def test_what_it_bound_is_assumed_until_both_watches_have_told_of_it() -> None:
    module = load()
    scheduler = module.Scheduler(None)
    instance: Object = {"metadata": {"uid": "i"}, "spec": {"computeNodeName": "elsewhere"}}
    node = _node()

    def is_assumed() -> bool:
        scheduler.known = {module.NODES: {"u": node}, module.INSTANCES: {"i": instance}}
        scheduler.assumed = {"i": ("n", {}, float("inf"))}
        scheduler.forget()
        return "i" in scheduler.assumed

    assert is_assumed()
    node["status"]["ledger"]["claims"] = [{"instanceUID": "i"}]
    assert is_assumed(), "it would be bound once more, in a version that is gone"
    instance["spec"]["computeNodeName"] = "n"
    assert not is_assumed()
