"""A cluster of two nodes, each beside its own libvirtd, on one machine."""

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

from devcluster import Cluster, ClusterError, Progress, Silent, User
from devcluster.apiserver import Layout
from devcluster.process import Launcher, Process
from devnodes.errors import NodesError
from devnodes.images import merge, write_pause
from devnodes.network import GATEWAY, Address, make_bridge, plug_in
from devnodes.node import KUBELET, PROXY, Node
from devnodes.programs import NodePrograms, find_node_programs
from devnodes.world import inside

NODES = ("n1", "n2")

_MANAGER = User("controller-manager", "system:kube-controller-manager")
_SCHEDULER = User("scheduler", "system:kube-scheduler")
_PROXY = User("proxy", "system:kube-proxy")

_MANAGER_PORT, _SCHEDULER_PORT = 10257, 10259

#: Seconds until both nodes are ready; ten on an idle machine.
READY_DEADLINE = 120.0


class Lab:
    """Made by `Lab.start`, inside a world of its own (devnodes.world); ends with it."""

    def __init__(self, cluster: Cluster, directory: Path, group: str, programs: NodePrograms) -> None:
        self.cluster = cluster
        self.directory = directory
        addresses = [Address(name, number) for number, name in enumerate(NODES, 1)]
        self.nodes = [Node(address, directory / address.name, group, programs) for address in addresses]
        self._addresses = addresses
        self._launcher = Launcher()
        self._others = [
            self._process("kube-controller-manager", programs, _MANAGER_PORT, self._manager_arguments()),
            self._process("kube-scheduler", programs, _SCHEDULER_PORT, self._scheduler_arguments()),
        ]

    @classmethod
    @contextmanager
    def start(cls, archives: Sequence[Path] = (), progress: Progress | None = None) -> Iterator[Self]:
        """`archives`: images that each node has from the start."""
        directory, group = inside()
        programs = find_node_programs(progress or Silent(), may_build=False)
        make_bridge()
        users = (_MANAGER, _SCHEDULER, _PROXY, *(_kubelet_of(name) for name in NODES))
        place = directory / "cluster"
        place.mkdir()
        # A record of every request: what a test was refused, and who wrote what.
        with Cluster.start(
            "lab", directory=place, extra_users=users, address=GATEWAY, audit=True, may_build=False,
            extra_apiserver_args=["--kubelet-preferred-address-types=InternalIP"],
        ) as cluster:  # fmt: skip
            lab = cls(cluster, directory, group, programs)
            try:
                yield lab._bring_up(archives)
            finally:
                lab._end()

    @property
    def n1(self) -> Node:
        return self.nodes[0]

    @property
    def n2(self) -> Node:
        return self.nodes[1]

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str:
        return self.cluster.kubectl(*arguments, stdin=stdin)

    def get(self, *arguments: str) -> Any:
        """One object, or a list's items."""
        read = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return read["items"] if read["kind"].endswith("List") else read

    def _bring_up(self, archives: Sequence[Path]) -> Self:
        pause, images = self.directory / "pause.tar", self.directory / "images.tar"
        write_pause(pause)
        merge([pause, *archives], images)
        for process in self._others:
            process.start()
        for node in self.nodes:
            node.wait_for_namespaces()
            plug_in(node.address, node.pid, [each for each in self._addresses if each != node.address])
            kubelet, proxy = (self.cluster.kubeconfig_for(key) for key in (_kubelet_of(node.name).key, _PROXY.key))
            node.configure(kubelet, proxy, self._addresses)
        # Side by side: most of it is the unpacking of images.
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(partial(_start_daemons, images=images), self.nodes))
        self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_DEADLINE
        while not all(self._is_ready(node.name) for node in self.nodes):
            if time.monotonic() > deadline:
                tails = "\n".join(node.tail(KUBELET) for node in self.nodes)
                raise NodesError(f"the nodes are not ready after {READY_DEADLINE:.0f} s\n{tails}")
            time.sleep(0.2)

    def _is_ready(self, name: str) -> bool:
        with suppress(ClusterError):
            conditions = self.get("node", name)["status"].get("conditions", [])
            return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        return False

    def _end(self) -> None:
        for node in self.nodes:
            node.power_off()
        for process in self._others:
            process.kill()
        self._launcher.close()

    def _process(self, name: str, programs: NodePrograms, port: int, arguments: Sequence[str]) -> Process:
        command: list[str | Path] = [
            programs.path(name),
            f"--secure-port={port}",
            "--bind-address=127.0.0.1",
            *arguments,
        ]
        log = self.directory / f"{name}.log"
        return Process(name, command, launcher=self._launcher, log=log, ready=_listens(port))

    def _manager_arguments(self) -> list[str]:
        return [
            *_credentials(self.cluster.kubeconfig_for(_MANAGER.key)),
            f"--service-account-private-key-file={Layout(self.cluster.directory).signing_key}",
            f"--root-ca-file={self.cluster.ca_file}",
            "--use-service-account-credentials",
            # A node that is gone is seen so in seconds, not after the usual fifty.
            "--node-monitor-period=1s",
            "--node-monitor-grace-period=10s",
            # It makes this folder, by default on the machine.
            f"--flex-volume-plugin-dir={self.directory / 'volume-plugins'}",
        ]

    def _scheduler_arguments(self) -> list[str]:
        return _credentials(self.cluster.kubeconfig_for(_SCHEDULER.key))


def _start_daemons(node: Node, images: Path) -> None:
    node.start_libvirtd()
    node.start_containerd(images)
    node.start(KUBELET, PROXY)


def _kubelet_of(name: str) -> User:
    return User(f"kubelet-{name}", f"system:node:{name}", ("system:nodes",))


def _credentials(kubeconfig: Path) -> list[str]:
    flags = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    return [*(f"--{flag}={kubeconfig}" for flag in flags), "--leader-elect=false"]


def _listens(port: int) -> Callable[[], bool]:
    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
        return False

    return listens
