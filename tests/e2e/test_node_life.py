"""Both programs, with the rights of production: hosts that their agent lets go, and hosts that are gone."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from devcluster import CONTROLLER, Cluster, wait_until
from tests.e2e.conftest import Program
from tests.support.fleet import Fleet, find_condition

NODE, SECOND = "n1", "n1--second"
SECOND_HOST = Path(__file__).resolve().parents[1] / "agent" / "second-host.xml"
SECONDS = 60.0


@dataclass
class Site:
    """One Kubernetes node with two libvirt hosts, and the controller."""

    cluster: Cluster
    agent: Program

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.cluster)

    def names(self) -> set[str]:
        listed = json.loads(self.cluster.kubectl("get", "computenodes", "-o", "json"))["items"]
        return {each["metadata"]["name"] for each in listed}

    def is_ready(self, name: str) -> bool:
        return name in self.names() and find_condition(self.fleet.nodes.get(name), "Ready").get("status") == "True"

    def vanished(self, name: str) -> str:
        return str(find_condition(self.fleet.nodes.get(name), "Vanished").get("reason", ""))


@pytest.fixture
def site(lone_cluster: Cluster, tmp_path: Path) -> Iterator[Site]:
    common = ["--listen", "", "--log-format", "text"]
    pace = ["--agent-grace", "5", "--collect-interval", "1", "--keep-vanished", "1"]
    controller = Program(
        "hypertally.controller",
        ["--kubeconfig", str(lone_cluster.kubeconfig_for(CONTROLLER.key)), *common, *pace],
        tmp_path / "controller.log",
    )
    agent = Program(
        "hypertally.agent.main",
        ["--kubeconfig", str(lone_cluster.kubeconfig_on(NODE)), *common, "--node-name", NODE,
         "--instances-path", str(tmp_path), "--interval", "1", "--lease-interval", "1", "--compare-interval", "1",
         "--connection", "test:///default"],
        tmp_path / "agent.log",
    )  # fmt: skip
    both = replace(agent, arguments=[*agent.arguments, "--connection", f"second=test://{SECOND_HOST}"])
    with ExitStack() as ending:
        for program in (controller, both):
            program.start()
            ending.callback(program.stop)
        ending.callback(agent.stop)
        found = Site(lone_cluster, agent)
        wait_until(lambda: all(map(found.is_ready, (NODE, SECOND))), seconds=SECONDS, what="both hosts")
        both.stop()
        yield found
    for program in (controller, agent):
        assert "Traceback" not in program.log.read_text(), program.log.read_text()


def test_a_host_that_is_let_go_goes_and_one_that_dies_with_its_node_goes_when_nothing_stands_for_it(site: Site) -> None:
    site.agent.start()
    wait_until(lambda: site.names() == {NODE}, seconds=SECONDS, what=f"{SECOND} to go")
    wait_until(lambda: site.is_ready(NODE), seconds=SECONDS, what=f"{NODE} to stay")

    site.agent.end(signal.SIGKILL)
    site.cluster.kubectl("delete", "node", NODE)
    # libvirt's test driver has a guest of its own, for which there is no Instance.
    wait_until(lambda: site.vanished(NODE) == "OrphansListed", seconds=SECONDS, what="its orphan to keep it")
    report = site.fleet.nodes.get(NODE)["status"]["report"]
    gone = {"guests": [], "generation": report["generation"] + 1}
    site.fleet.nodes.merge_status(NODE, {"status": {"report": gone}}).check()
    wait_until(lambda: site.names() == set(), seconds=SECONDS, what=f"{NODE} to go")
