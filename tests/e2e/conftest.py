"""The whole of Hypertally on real parts: API server, private libvirtd, both programs as their users start them."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devcluster import CONTROLLER, Cluster
from devhost import Host
from tests.support import shipped
from tests.support.api_server import Kind
from tests.support.fleet import ENDING_SECONDS, Fleet
from tests.support.samples import Object

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NODE = "hypervisor-1"
QEMU_NODE, TEST_NODE = NODE, f"{NODE}--test"


@dataclass
class Program:
    """One of the two programs, that can be killed and started again."""

    module: str
    arguments: list[str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [*shipped.command(self.module, "-X", "faulthandler"), *self.arguments]
            self.process = subprocess.Popen(command, stderr=log)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # faulthandler says where each of its threads is
            self.process.wait(10)
            raise AssertionError(f"{self.module} does not end:\n{self.log.read_text()[-5000:]}") from None

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.end()

    def resident_mib(self) -> float:
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass
class Stack:
    """Everything, running."""

    cluster: Cluster
    host: Host
    agent: Program
    controller: Program
    fleet: Fleet = field(init=False)

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.cluster)

    @property
    def nodes(self) -> Kind:
        return self.fleet.nodes

    def node(self, name: str = QEMU_NODE) -> Object:
        return self.nodes.get(name)

    def ledger(self, name: str = QEMU_NODE) -> Object:
        found: Object = self.node(name).get("status", {}).get("ledger", {})
        return found

    def guests(self, name: str = QEMU_NODE) -> dict[str, Object]:
        report = self.node(name).get("status", {}).get("report", {})
        return {guest["name"]: guest for guest in report.get("guests", [])}

    def is_settled(self, name: str = QEMU_NODE) -> bool:
        status = self.node(name).get("status", {})
        seen = status.get("ledger", {}).get("observedReportGeneration")
        return seen is not None and seen == status["report"]["generation"]


@pytest.fixture
def amounts_of(own_host: Host) -> Sequence[str]:
    """Options of the agent that say where memory and disk are looked for: a test that sets it parametrizes it."""
    return ("--instances-path", str(own_host.images))


@pytest.fixture
def stack(lone_cluster: Cluster, own_host: Host, amounts_of: Sequence[str], tmp_path: Path) -> Iterator[Stack]:
    common = ["--listen", "", "--log-format", "text"]
    controller = Program(
        "hypertally.controller",
        ["--kubeconfig", str(lone_cluster.kubeconfig_for(CONTROLLER.key)), *common],
        tmp_path / "controller.log",
    )
    connections = ["--connection", own_host.uri, "--connection", "test=test:///default", "--node-name", NODE]
    agent = Program(
        "hypertally.agent.main",
        ["--kubeconfig", str(lone_cluster.kubeconfig_on(NODE)), *common, *connections, *amounts_of,
         "--lease-interval", "2"],
        tmp_path / "agent.log",
    )  # fmt: skip
    with ExitStack() as ending:
        for program in (controller, agent):
            program.start()
            ending.callback(program.stop)
        yield Stack(lone_cluster, own_host, agent, controller)
    for program in (controller, agent):
        assert "Traceback" not in program.log.read_text(), program.log.read_text()
