"""A private, real Ceph: a monitor, a manager and one OSD that keeps its objects in memory."""

import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from devhost.errors import HostError
from devhost.process import Supervisor

from .errors import CephError, CephTimeout
from .programs import require_programs, require_root
from .settings import CEPH_CONF

_START_SECONDS = 60.0
_SIZE = 2 * 1024**3
_PAUSE_SECONDS = 0.1


class Ceph:
    """One private cluster. It ends with this process, however that ends."""

    def __init__(self, directory: Path, fsid: str) -> None:
        self.directory = directory
        self.fsid = fsid
        self.v2_port, self.v1_port = _free_ports(2)
        self._supervisor = Supervisor(directory, "devceph.init", [str(directory)])

    @classmethod
    def start(cls) -> Self:
        """A cluster of 2 GiB that answers and has no pool."""
        require_root()
        require_programs()
        ceph = cls(Path(tempfile.mkdtemp(prefix="devceph-")), str(uuid.uuid4()))
        try:
            ceph._bring_up(time.monotonic() + _START_SECONDS)
        except BaseException:
            ceph.stop()
            raise
        return ceph

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def conf(self) -> Path:
        """The configuration file, which names the monitor; nobody needs a key."""
        return self.directory / "ceph.conf"

    def stop(self) -> None:
        """Ends the daemons and removes every file. Safe to call twice."""
        self._supervisor.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self, daemon: str) -> None:
        """SIGKILL for `mon`, `mgr` or `osd`."""
        self._ask(f"kill {daemon}")

    def make_pool(self, name: str, copies: int = 1) -> None:
        """A replicated pool for images; returns when its size is known."""
        self.ceph("osd", "pool", "create", name, "8", "8", "replicated")
        if copies > 1:
            self.ceph("osd", "pool", "set", name, "size", str(copies))
        self.ceph("osd", "pool", "application", "enable", name, "rbd")
        self._wait(f"the size of pool {name}", lambda: self._has_room(name), time.monotonic() + _START_SECONDS)

    def ceph(self, *arguments: str, timeout: float = 20.0) -> str:
        return self.run("ceph", *arguments, timeout=timeout)

    def run(self, program: str, *arguments: str, timeout: float = 20.0) -> str:
        """What one of Ceph's programs prints; raises CephError with what it said of its failure."""
        command = [program, "--conf", str(self.conf), *arguments]
        what = " ".join([program, *arguments[:3]])
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=timeout, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise CephTimeout(f"{what}: no answer within {timeout:.0f} s; the logs are in {self.directory}") from None
        if done.returncode:
            raise CephError(f"{what}: {' '.join(done.stderr.split())[-500:] or f'exit status {done.returncode}'}")
        return done.stdout.strip()

    def _bring_up(self, deadline: float) -> None:
        """Each daemon as soon as what it needs answers: a monitor, then an OSD's number, then the rest at once."""
        for folder in ("run", "log", "mon", "osd", "mgr"):
            (self.directory / folder).mkdir()
        self.conf.write_text(
            CEPH_CONF.format(
                fsid=self.fsid, directory=self.directory, v2_port=self.v2_port, v1_port=self.v1_port, size=_SIZE
            )
        )
        self._make_monitor()
        self._run_daemon("mon", "ceph-mon", "-i", "a")
        self._run_daemon("mgr", "ceph-mgr", "-i", "x")
        osd = str(uuid.uuid4())
        number = self.ceph("osd", "new", osd, timeout=_START_SECONDS)
        self.run("ceph-osd", "-i", number, "--mkfs", "--osd-uuid", osd)
        self._run_daemon("osd", "ceph-osd", "-i", number)
        self._wait("an OSD that is up", lambda: '"num_up_osds":1' in self.ceph("osd", "stat", "-f", "json"), deadline)

    def _make_monitor(self) -> None:
        monmap = str(self.directory / "monmap")
        addresses = f"[v2:127.0.0.1:{self.v2_port},v1:127.0.0.1:{self.v1_port}]"
        self.run("monmaptool", "--create", "--fsid", self.fsid, "--addv", "a", addresses, monmap)
        self.run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap)

    def _run_daemon(self, name: str, *command: str) -> None:
        program, *arguments = command
        self._ask(" ".join(["start", name, program, "--conf", str(self.conf), "-f", *arguments]))

    def _ask(self, command: str) -> None:
        try:
            self._supervisor.ask(command)
        except HostError as error:
            raise CephError(f"private Ceph: {error}") from error

    def _has_room(self, pool: str) -> bool:
        found = self.ceph("df", "--format", "json")
        return f'"name":"{pool}"' in found and '"max_avail":0' not in found

    def _wait(self, what: str, condition: Callable[[], bool], deadline: float) -> None:
        while not condition():
            if time.monotonic() > deadline:
                raise CephTimeout(f"private Ceph: {what} did not come in time; the logs are in {self.directory}")
            time.sleep(_PAUSE_SECONDS)


def _free_ports(count: int) -> Sequence[int]:
    """Free at this moment; all are held until all are found, so that none comes twice."""
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports
