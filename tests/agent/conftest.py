"""The agent as its users run it: a process, with the rights that it gets in production and no others."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devcluster import Cluster
from devcluster.users import AGENT
from devcluster.waiting import wait_until
from tests.conftest import running_cluster
from tests.support.api_server import Kind, leases
from tests.support.samples import fresh_name

Object = dict[str, Any]
PROGRAM = Path(sys.executable).with_name("hypertally-agent")
NAMESPACE = "hypertally-system"
DEADLINE = 60.0
"""Seconds that anything here may take: generous, since tests run beside each other on few cores, and an agent whose
tries have failed for a while pauses for half a minute."""

STOP_SECONDS = 15.0
"""The promise is 5 s on a machine that has a CPU for it; a loaded one gets more."""

STILL = "--instances-path=/proc"
"""Of an agent that must have nothing new to say: other programs write on the machine's disk, and a hundredth of it is
news. A file system without a size stands still."""
NOBODY_ELSES = ("--file-backed-memory-mib=4096", STILL)
"""The same where libvirt measures the machine's memory, of which a twentieth is news: that of files is told by the
guests alone."""

_CRD_GROUP = "compute.hypertally.dev"
_RIGHTS = [
    {"apiGroups": [_CRD_GROUP], "resources": ["computenodes"], "verbs": ["create", "patch", "list"]},
    {"apiGroups": [_CRD_GROUP], "resources": ["computenodes/status"], "verbs": ["create", "patch"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "patch"]},
]
"""No get, no update, no delete: what the design grants."""


def grant_rights(cluster: Cluster) -> None:
    rbac, named = "rbac.authorization.k8s.io", {"metadata": {"name": "hypertally-agent"}}
    cluster.apply_objects(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", **named, "rules": _RIGHTS},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            **named,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "hypertally-agent"},
            "subjects": [{"kind": "User", "apiGroup": rbac, "name": AGENT.name}],
        },
    )


@dataclass
class Watched:
    """What the API server holds of one node."""

    cluster: Cluster
    name: str

    def __post_init__(self) -> None:
        self._nodes = Kind(self.cluster, "computenodes", namespaced=False)
        self._leases = leases(self.cluster)

    def node(self, name: str = "") -> Object:
        return self._nodes.get(name or self.name)

    def exists(self, name: str = "") -> bool:
        return self._nodes.has(name or self.name)

    def report(self, name: str = "") -> Object:
        found: Object = self.node(name).get("status", {}).get("report", {})
        return found

    def condition(self, type_: str) -> Object:
        conditions = self.node().get("status", {}).get("conditions", []) if self.exists() else []
        return next((c for c in conditions if c["type"] == type_), {})

    def guests(self) -> dict[str, str]:
        """Name -> state."""
        return {guest["name"]: guest["state"] for guest in self.report().get("guests", [])}

    def lease(self) -> Object:
        return self._leases.get(self.name)

    def audits(self) -> dict[str, Object]:
        annotations = self.lease()["metadata"].get("annotations", {})
        found: dict[str, Object] = json.loads(annotations.get(f"{_CRD_GROUP}/audits", "{}"))
        return found

    def patch_status(self, status: Object) -> None:
        """As a person with kubectl would edit it."""
        arguments = ("patch", "computenode", self.name, "--subresource=status", "--type=merge")
        self.cluster.kubectl(*arguments, "-p", json.dumps({"status": status}))

    def wait_report(self, name: str = "") -> None:
        """An audit that is over does not say so: its report may still wait for the API server, the Lease or a rank."""
        wait_until(
            lambda: self.exists(name) and bool(self.report(name)),
            seconds=DEADLINE,
            what=f"a report of {name or self.name}",
        )

    def wait(self, what: str, condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
        wait_until(condition, seconds=seconds, what=f"{self.name}: {what}")


class AgentProcess:
    """One run of the program, its log read as JSON."""

    def __init__(
        self, arguments: list[str], log: Path, environ: dict[str, str], command: Sequence[str] | None = None
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            clean = {key: value for key, value in os.environ.items() if not key.startswith(("HYPERTALLY", "KUBE"))}
            self._child = subprocess.Popen(
                [*(command or [str(PROGRAM)]), *arguments], stderr=output, env=clean | environ
            )

    def lines(self) -> list[Object]:
        """A line that is no JSON, such as one of a stack trace, fails the test."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def messages(self) -> list[str]:
        return [line["message"] for line in self.lines()]

    def wait_said(self, pattern: str, seconds: float = DEADLINE) -> None:
        wait_until(
            lambda: any(re.search(pattern, message) for message in self.messages()),
            seconds=seconds,
            what=f"the agent to say {pattern!r}",
        )

    @property
    def port(self) -> int:
        wait_until(lambda: any("port" in line for line in self.lines()), seconds=DEADLINE, what="the health server")
        return int(next(line["port"] for line in self.lines() if "port" in line))

    def probe(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all series of that name with these labels."""
        _, text = self.probe("/metrics")
        series = re.findall(rf"^hypertally_agent_{name}(?:\{{(.*)\}})? (\S+)$", text, re.MULTILINE)
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(float(value) for found, value in series if all(label in found for label in wanted))

    def wait_audits(self, more: int, **labels: str) -> None:
        """Until so many further audits are over. An agent that was just started may have had its first by now."""
        self.wait_audits_in_all(int(self.metric("audits_total", **labels)) + more, **labels)

    def wait_audits_in_all(self, number: int, **labels: str) -> None:
        """Until so many audits are over since its start."""
        wait_until(
            lambda: self.metric("audits_total", **labels) >= number, seconds=DEADLINE, what=f"{number} audits in all"
        )

    def wait_heard(self, more: int, **labels: str) -> None:
        """Until the API server took so many further reports, or was found to have them already."""
        told = "status_writes_total"

        def heard() -> float:
            return self.metric(told, result="written", **labels) + self.metric(told, result="unchanged", **labels)

        number = heard() + more
        wait_until(lambda: heard() >= number, seconds=DEADLINE, what=f"{number:.0f} reports in all")

    def _other_thread(self) -> int:
        """The kernel's number of one that is not the main thread: it prefers the one that is named (kill(2))."""
        return max(int(task.name) for task in Path(f"/proc/{self._child.pid}/task").iterdir())

    def is_running(self) -> bool:
        return self._child.poll() is None

    def resident_mib(self) -> float:
        pages = int(Path(f"/proc/{self._child.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2

    def cpu_seconds(self) -> float:
        """In user mode and in the kernel."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        self._child.kill()
        self._child.wait(10)

    def terminate(self, within: float, *, by_another_thread: bool = False) -> int:
        """The exit code; subprocess.TimeoutExpired if it takes longer."""
        os.kill(self._other_thread() if by_another_thread else self._child.pid, signal.SIGTERM)
        return self._child.wait(within)


StartAgent = Callable[..., AgentProcess]


@pytest.fixture
def start_agent(tmp_path: Path) -> Iterator[StartAgent]:
    """`start_agent(watched, *arguments)`; whatever still runs at the end is killed."""
    running: list[AgentProcess] = []

    def start(watched: Watched, *arguments: str, user: str = "agent") -> AgentProcess:
        usual = [f"--node-name={watched.name}", "--interval=1", "--lease-interval=1", "--listen=127.0.0.1:0"]
        usual += ["--log-format=json", f"--instances-path={tmp_path}", "--host-ip=192.0.2.7"]
        environ = {"HYPERTALLY_KUBECONFIG": str(watched.cluster.kubeconfig_for(user))}
        agent = AgentProcess([*usual, *arguments], tmp_path / f"agent-{len(running)}.log", environ)
        running.append(agent)
        return agent

    yield start
    for agent in running:
        agent.kill()


@pytest.fixture(scope="session")
def granted(cluster: Cluster) -> Cluster:
    grant_rights(cluster)
    return cluster


@pytest.fixture
def node_name(request: pytest.FixtureRequest) -> str:
    """That no other test uses."""
    return re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:60].strip("-")


@pytest.fixture
def watched(granted: Cluster, node_name: str) -> Watched:
    return Watched(granted, node_name)


@pytest.fixture(scope="module")
def breakable() -> Iterator[Cluster]:
    """For the tests of one file: they kill its API server and start it again, they delete its kinds and apply them."""
    with running_cluster("breakable") as running:
        grant_rights(running)
        yield running


@pytest.fixture
def own_watched(breakable: Cluster) -> Iterator[Watched]:
    """On an API server that may be killed."""
    yield Watched(breakable, fresh_name("n"))
    if not breakable.apiserver.is_running():
        breakable.apiserver.start()
