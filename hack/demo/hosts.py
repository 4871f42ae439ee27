"""Which libvirt hosts the demo serves, and what their ComputeNodes are called."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

NODE = "demo"
"""The Kubernetes node that the agent says it runs on."""

TEST_URI = "test:///default"
SYSTEM_URI = "qemu:///system"

_ANSWER_SECONDS = 10.0
_UNUSABLE = (1, 2)
"""Exit codes of `hypertally-agent --once`: the host failed, or cannot be meant. 3 is a host with unknown parts."""


@dataclass(frozen=True)
class DemoHost:
    """One connection of the agent."""

    uri: str
    connection: str = ""

    @property
    def compute_node(self) -> str:
        return f"{NODE}--{self.connection}" if self.connection else NODE

    @property
    def flag(self) -> str:
        return f"{self.connection}={self.uri}" if self.connection else self.uri


def choose(uris: Sequence[str]) -> list[DemoHost]:
    """Those that were asked for; else libvirt's test driver, and the machine's own libvirtd where one answers.

    ValueError, before anything was started, names a host that no agent could serve.
    """
    if not uris:
        uris = [TEST_URI, *([SYSTEM_URI] if not complaint(SYSTEM_URI) else [])]
    elif complaints := [said for uri in uris if (said := complaint(uri))]:
        raise ValueError("; ".join(complaints))
    hosts: list[DemoHost] = []
    for uri in uris:
        given, separator, rest = uri.partition("=")
        if separator and re.fullmatch(r"[a-z0-9-]+", given):
            hosts.append(DemoHost(rest, given))
        else:
            hosts.append(DemoHost(uri, _name(uri, hosts)))
    return hosts


def complaint(uri: str) -> str:
    """Why no agent could serve this host; empty if one could.

    Asked in a process of its own, with a deadline: a libvirtd that hangs must not hold up the demo.
    """
    command = [sys.executable, "-m", "hypertally.agent.main", "--once", "-o", "json", "--connection", uri]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"{uri}: no answer within {_ANSWER_SECONDS:g} s"
    said = done.stderr.strip().splitlines()
    return (
        said[-1].removeprefix("hypertally-agent: ").removeprefix("--connection: ")
        if done.returncode in _UNUSABLE and said
        else ""
    )


def _name(uri: str, earlier: Sequence[DemoHost]) -> str:
    """The first has none; the others are called after their driver."""
    if not any(not host.connection for host in earlier):
        return ""
    driver = re.sub(r"[^a-z0-9]+", "-", uri.partition(":")[0].lower()).strip("-") or "host"
    taken = {host.connection for host in earlier}
    return next(name for name in (driver, *(f"{driver}{n}" for n in range(2, 100))) if name not in taken)
