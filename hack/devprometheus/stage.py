"""The real programs on real hosts, watched by a real Prometheus with the shipped alerts."""

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import urllib3

from devcluster import CONTROLLER, Cluster
from devcluster.ports import free_ports
from devcluster.process import Launcher, Process
from devhost.host import Host

from .server import Prometheus

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "helm" / "hypertally" / "files" / "alerts.yaml"
CONTROLLER_JOB, AGENT_JOB = "hypertally-controller", "hypertally-agent"
START_SECONDS = 60.0
_ANSWER_SECONDS = 2.0


class Stage:
    """A context manager. `hosts`: by the name of their Kubernetes node; each gets an agent of its own."""

    def __init__(self, cluster: Cluster, hosts: Mapping[str, Host], *, audit_seconds: float = 5) -> None:
        self.cluster, self.hosts = cluster, hosts
        cluster.apply(ROOT / "crds", ROOT / "deploy")
        self._launcher, self._stack = Launcher(), ExitStack()
        controller_port, *agent_ports = free_ports(1 + len(hosts))
        self.controller = self._program(
            "controller", "hypertally.controller", cluster.kubeconfig_for(CONTROLLER.key), controller_port, "/readyz",
            "--agent-grace", "15",
        )  # fmt: skip
        self.agents = {
            node: self._program(
                node, "hypertally.agent.main", cluster.kubeconfig_on(node), port, "/healthz",
                "--node-name", node, "--connection", host.uri, "--interval", f"{audit_seconds:g}",
            )
            for (node, host), port in zip(hosts.items(), agent_ports, strict=True)
        }  # fmt: skip
        self.addresses = {
            CONTROLLER_JOB: [f"127.0.0.1:{controller_port}"],
            AGENT_JOB: [f"127.0.0.1:{port}" for port in agent_ports],
        }
        self.prometheus = Prometheus(self.addresses, rules=ALERTS)

    def __enter__(self) -> Self:
        self._stack.callback(self._launcher.close)
        try:
            for program in (self.controller, *self.agents.values()):
                program.start(seconds=START_SECONDS)
                self._stack.callback(program.stop)
            self._stack.enter_context(self.prometheus)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def scrape(self, job: str) -> str:
        """What the first of them serves at /metrics."""
        answer = urllib3.request("GET", f"http://{self.addresses[job][0]}/metrics", timeout=_ANSWER_SECONDS)
        return answer.data.decode()

    def _program(self, name: str, module: str, kubeconfig: Path, port: int, probe: str, *flags: str) -> Process:
        command = [sys.executable, "-m", module, "--kubeconfig", str(kubeconfig), "--listen", f"127.0.0.1:{port}"]
        log = self.cluster.directory / f"{name}.log"
        return Process(name, [*command, *flags], launcher=self._launcher, log=log, ready=_answers(port, probe))


def _answers(port: int, path: str) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            url = f"http://127.0.0.1:{port}{path}"
            return urllib3.request("GET", url, timeout=_ANSWER_SECONDS, retries=False).status == 200  # noqa: PLR2004
        except urllib3.exceptions.HTTPError:
            return False

    return ask
