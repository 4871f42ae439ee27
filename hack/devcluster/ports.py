"""Loopback ports for servers that must be told their port before they start."""

import random
import socket
from pathlib import Path

from devcluster.errors import ClusterError

HOST = "127.0.0.1"

LOWEST = 10_000

ATTEMPTS = 200


def free_ports(count: int) -> list[int]:
    """That many different ports on which nobody listens now.

    They lie below the range from which the kernel gives ports to outgoing connections, so no client takes one between
    this look and the server's start, or while a server is restarted. Another server still can: whoever uses the ports
    tries again with others when the bind fails.
    """
    highest = _lowest_ephemeral_port() - 1
    ports: list[int] = []
    for _ in range(ATTEMPTS):
        port = random.randint(LOWEST, highest)  # noqa: S311 - chosen to differ, not to be secret
        if port not in ports and _is_free(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise ClusterError(f"found no {count} free ports on {HOST} between {LOWEST} and {highest}")


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
    return True


def _lowest_ephemeral_port() -> int:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return max(lowest, LOWEST + ATTEMPTS)
