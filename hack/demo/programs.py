"""The controller and the agent as children of the demo."""

import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path

from devcluster import CONTROLLER, Cluster
from devcluster.ports import free_ports
from devcluster.process import Launcher, Process

from .hosts import NODE, DemoHost

_ANSWER_SECONDS = 2.0
START_SECONDS = 30.0


class Programs:
    """Both run with the rights of their service accounts, and end with the demo however it ends."""

    def __init__(self, cluster: Cluster, hosts: Sequence[DemoHost]) -> None:
        self._launcher = Launcher()
        controller_port, agent_port = free_ports(2)
        self.controller = self._program(
            "controller", ["hypertally.controller", *_common(cluster.kubeconfig_for(CONTROLLER.key), controller_port)],
            cluster.directory, _answers(controller_port, "/readyz"),
        )  # fmt: skip
        connections = [part for host in hosts for part in ("--connection", host.flag)]
        # Audits come often, so that what virsh does shows at once even where an event is missed.
        common = _common(cluster.kubeconfig_on(NODE), agent_port)
        agent = ["hypertally.agent.main", *common, *connections, "--node-name", NODE]
        self.agent = self._program(
            "agent", [*agent, "--interval", "10"], cluster.directory, _answers(agent_port, "/healthz")
        )

    def start(self) -> None:
        for program in (self.controller, self.agent):
            program.start(seconds=START_SECONDS)

    def stop(self) -> None:
        for program in (self.agent, self.controller):
            program.stop()
        self._launcher.close()

    def _program(self, name: str, arguments: Sequence[str], directory: Path, ready: Callable[[], bool]) -> Process:
        command = [sys.executable, "-m", *arguments]
        return Process(name, command, launcher=self._launcher, log=directory / f"{name}.log", ready=ready)


def _common(kubeconfig: Path, port: int) -> list[str]:
    return ["--kubeconfig", str(kubeconfig), "--listen", f"127.0.0.1:{port}", "--log-format", "text"]


def _answers(port: int, path: str) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_ANSWER_SECONDS) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except (urllib.error.URLError, OSError):
            return False

    return ask
