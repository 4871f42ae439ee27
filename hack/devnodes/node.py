"""A private node: its own libvirtd with guests, its own containerd, kubelet and kube-proxy."""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from devhost.errors import HostError
from devhost.process import Supervisor
from devhost.programs import search_path
from devhost.settings import QEMU_CONF
from devnodes import settings
from devnodes.errors import NodesError
from devnodes.guest import BALLAST, BALLAST_MIB, FIRMWARE, SERIAL, Guest, firmware
from devnodes.images import PAUSE
from devnodes.network import ALL_PODS, Address
from devnodes.node_init import DAEMONS, HOSTS, PRIVATE_FOLDERS
from devnodes.programs import NodePrograms

LIBVIRTD, CONTAINERD, KUBELET, PROXY = "libvirtd", "containerd", "kubelet", "kube-proxy"

#: Seconds for a daemon to answer; one or two on an idle machine.
START_DEADLINE = 60.0


class Node:
    """Ends with this process, however that ends. Its files are the caller's to remove."""

    def __init__(self, address: Address, directory: Path, group: str, programs: NodePrograms) -> None:
        self.name = address.name
        self.address = address
        self.directory = directory
        self.host_uuid = str(uuid.uuid4())
        self._programs = programs
        self._prepare()
        self._supervisor = Supervisor(
            directory, "devnodes.node_init", [str(directory), self.name, f"{group}/{self.name}"],
            "--mount", "--uts", "--ipc", "--net",
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Of a process in the node's network namespace."""
        return self._supervisor.pid

    @property
    def uri(self) -> str:
        """Reachable from outside the node's namespaces."""
        return f"qemu:///system?socket={self.directory}/run-libvirt/libvirt-sock"

    def wait_for_namespaces(self) -> None:
        self._ask("ready")

    def configure(self, kubelet_kubeconfig: Path, proxy_kubeconfig: Path, addresses: list[Address]) -> Self:
        """What its daemons are told; once the addresses of all nodes are known."""
        (self.directory / HOSTS).write_text(settings.hosts(addresses))
        self._write("kubelet.json", settings.kubelet_conf())
        self._write("proxy.json", settings.proxy_conf(self.name, str(proxy_kubeconfig), ALL_PODS))
        self._write(DAEMONS, json.dumps(self._commands(kubelet_kubeconfig)))
        return self

    # Its daemons

    def start(self, *daemons: str) -> None:
        for daemon in daemons:
            self._ask(f"start {daemon}")

    def end(self, daemon: str) -> None:
        """SIGTERM, and waits; what the daemon started goes on."""
        self._ask(f"terminate {daemon}")

    def start_libvirtd(self) -> None:
        self.start(LIBVIRTD)
        self._wait(lambda: self.virsh("version"), LIBVIRTD)

    def start_containerd(self, *archives: Path) -> None:
        self.start(CONTAINERD)
        self._wait(lambda: self.ctr("version"), CONTAINERD)
        for archive in archives:
            self.import_image(archive)

    def power_off(self) -> None:
        """Ends every process of the node at once, for good."""
        self._supervisor.abandon()

    def _wait(self, look: Callable[[], object], daemon: str) -> None:
        deadline = time.monotonic() + START_DEADLINE
        while True:
            try:
                look()
            except NodesError as error:
                if time.monotonic() > deadline:
                    raise NodesError(
                        f"{daemon} of {self.name} does not answer ({error}); {self.tail(daemon)}"
                    ) from error
                self._ask(f"alive {daemon}")
                time.sleep(0.1)
            else:
                return

    def _ask(self, command: str) -> None:
        try:
            self._supervisor.ask(command)
        except HostError as error:
            raise NodesError(f"{self.name}: {command}: {error}; {self.tail(command.rsplit(maxsplit=1)[-1])}") from error

    def tail(self, daemon: str) -> str:
        log = self.directory / f"{daemon}.log"
        lines = log.read_text(errors="replace").splitlines()[-10:] if log.exists() else []
        return f"the last lines of {log}:\n" + "\n".join(lines)

    # What is asked of it

    def virsh(self, *arguments: str, timeout: float = 60.0) -> str:
        return self._run(["virsh", "--quiet", "--connect", self.uri, *arguments], timeout)

    def ctr(self, *arguments: str, timeout: float = 120.0) -> str:
        socket = self.directory / "run-containerd" / "containerd.sock"
        program = str(self._programs.path("ctr"))
        return self._run([program, "--address", str(socket), "--namespace", "k8s.io", *arguments], timeout)

    def run_inside(self, *command: str) -> str:
        """With the node's mounts, network and processes: mount and umount read /proc/self, which the node's own has."""
        processes = f"--pid=/proc/{self.pid}/ns/pid_for_children"
        return self._run(["nsenter", f"--target={self.pid}", "--mount", "--net", processes, "--", *command], 30.0)

    def import_image(self, archive: Path) -> None:
        self.ctr("images", "import", str(archive))

    def start_guest(self, guest: Guest) -> None:
        document = self.directory / f"{guest.uuid}.xml"
        document.write_text(guest.xml())
        self.virsh("define", str(document))
        self.virsh("start", guest.uuid)

    def said(self, guest: Guest) -> str:
        """What the guest has written to its serial line on this node."""
        path = self._private(SERIAL) / guest.serial_name
        return path.read_text(errors="replace") if path.exists() else ""

    def migrate(self, guest: Guest, target: "Node", bandwidth_mib: int = 0) -> "subprocess.Popen[str]":
        """A live migration that has begun; its guest is defined there and forgotten here in the end."""
        how = ["--live", "--p2p", "--persistent", "--undefinesource"]
        if bandwidth_mib:
            how += ["--bandwidth", str(bandwidth_mib)]
        return subprocess.Popen(
            ["virsh", "--connect", self.uri, "migrate", *how, guest.uuid, f"qemu+tcp://{target.name}/system"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def _run(self, command: Sequence[str], timeout: float) -> str:
        environment = {"PATH": search_path(), "LC_ALL": "C"}
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
                env=environment,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise NodesError(f"{self.name}: {' '.join(command)}: no answer within {timeout:.0f} s") from None
        if done.returncode:
            raise NodesError(f"{self.name}: {' '.join(command)}: {' '.join(done.stderr.split())[-600:]}")
        return done.stdout.strip()

    # Its files

    def _prepare(self) -> None:
        for folder in PRIVATE_FOLDERS:
            (self.directory / folder).mkdir(parents=True)
        (self.directory / HOSTS).touch()
        conf = settings.LIBVIRTD_CONF.format(address=self.address.host, host_uuid=self.host_uuid)
        self._write("etc-libvirt/libvirtd.conf", conf)
        self._write("etc-libvirt/qemu.conf", QEMU_CONF)
        for folder in ("images", "qemu", "serial"):
            (self.directory / "lib-libvirt" / folder).mkdir()
        self._private(FIRMWARE).write_bytes(firmware())
        self._private(BALLAST).write_bytes(os.urandom(BALLAST_MIB * 1024 * 1024))
        self._write("cni-conf/10-pods.conflist", settings.cni_conf(self.address.pods))
        toml = settings.CONTAINERD_TOML.format(pause=PAUSE, runc="/usr/sbin/runc")
        self._write("containerd.toml", toml)

    def _private(self, place: str) -> Path:
        """Where something below /var/lib/libvirt is for us."""
        return self.directory / "lib-libvirt" / Path(place).relative_to("/var/lib/libvirt")

    def _write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text)

    def _program(self, name: str) -> str:
        return str(self._programs.path(name))

    def _commands(self, kubeconfig: Path) -> dict[str, list[str]]:
        here = str(self.directory)
        return {
            LIBVIRTD: ["libvirtd", "--listen", "--pid-file", "/run/libvirt/libvirtd.pid"],
            CONTAINERD: [self._program(CONTAINERD), "--config", f"{here}/containerd.toml"],
            KUBELET: [
                self._program(KUBELET), f"--config={here}/kubelet.json", f"--kubeconfig={kubeconfig}",
                f"--hostname-override={self.name}", f"--node-ip={self.address.host}", "--root-dir=/var/lib/kubelet",
                "--cert-dir=/var/lib/kubelet/pki",
            ],
            PROXY: [self._program(PROXY), f"--config={here}/proxy.json"],
        }  # fmt: skip
