"""One bridge in the present network namespace, and a cable from it to each node."""

import subprocess
from dataclasses import dataclass

from devnodes.errors import NodesError

BRIDGE = "nodes0"
GATEWAY = "10.77.0.1"
ALL_PODS = "10.78.0.0/16"
_BITS = 24


@dataclass(frozen=True)
class Address:
    """Of one node, by its number from 1 on."""

    name: str
    number: int

    @property
    def host(self) -> str:
        return f"10.77.0.{10 + self.number}"

    @property
    def pods(self) -> str:
        return f"10.78.{self.number}.0/24"

    @property
    def cable(self) -> str:
        """The bridge's end; the node's is called eth0."""
        return f"node{self.number}"


def make_bridge() -> None:
    """Where the control plane listens. Never in the machine's own network: see devnodes.world."""
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "addr", "add", f"{GATEWAY}/{_BITS}", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def plug_in(node: Address, pid: int, others: list[Address]) -> None:
    """`pid` is of a process in the node's network namespace."""
    run("ip", "link", "add", node.cable, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    run("ip", "link", "set", node.cable, "master", BRIDGE, "up")
    run("ip", "route", "replace", node.pods, "via", node.host)
    inside = ("nsenter", f"--net=/proc/{pid}/ns/net", "ip")
    run(*inside, "addr", "add", f"{node.host}/{_BITS}", "dev", "eth0")
    run(*inside, "link", "set", "eth0", "up")
    run(*inside, "route", "add", "default", "via", GATEWAY)
    for other in others:
        run(*inside, "route", "add", other.pods, "via", other.host)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise NodesError(f"{' '.join(command)}: {' '.join(done.stderr.split()) or f'exit status {done.returncode}'}")
