"""What can be killed, stopped and started again. Each is kept running as a kubelet or systemd would keep it."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Protocol

from devcluster.errors import ClusterError
from devcluster.process import Process
from devhost import Host, HostError

_UP_SECONDS = 180.0
_AGAIN_SECONDS = 0.2


class Part(Protocol):
    """`kill` to `start`, `freeze` to `thaw`."""

    def kill(self) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...


@dataclass
class Kept:
    """A program that is started again when it ends by itself, unless somebody holds it down."""

    process: Process
    ended: int = 0
    _held: bool = False
    _lock: RLock = field(default_factory=RLock)

    def kill(self) -> None:
        with self._lock:
            self._held = True
            self.process.kill()

    def stop(self) -> None:
        with self._lock:
            self._held = True
            self.process.stop(seconds=15.0)

    def start(self) -> None:
        with self._lock:
            if not self.process.is_running():
                _start(self.process)
            self._held = False

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with self._lock, suppress(ClusterError):  # it has just ended by itself
            os.kill(self.process.pid, number)

    def tend(self) -> None:
        with self._lock:
            if not self._held and not self.process.is_running():
                self.ended += 1
                _start(self.process)


def _start(process: Process) -> None:
    """A server that does not come up because another part is away is tried again."""
    deadline = time.monotonic() + _UP_SECONDS
    while True:
        try:
            return process.start(seconds=_UP_SECONDS)
        except ClusterError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_AGAIN_SECONDS)


@contextmanager
def tended(part: Kept) -> Iterator[None]:
    """It is kept running until the block ends."""
    over = Event()

    def tend() -> None:
        while not over.wait(_AGAIN_SECONDS):
            part.tend()

    thread = Thread(target=tend, name="keeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_UP_SECONDS)


@dataclass(frozen=True)
class Daemon:
    """libvirtd of a host; its guests go on without it."""

    host: Host

    def kill(self) -> None:
        self.host.kill()

    def stop(self) -> None:
        self.host.kill()

    def start(self) -> None:
        self.host.restart()

    def freeze(self) -> None:
        self.host.freeze()

    def thaw(self) -> None:
        self.host.thaw()


@dataclass
class SomeGuest:
    """The QEMU of one guest of a host, another one each time; nobody, where none runs."""

    host: Host
    turn: int = 0
    _frozen: int = 0

    def kill(self) -> None:
        self._signal(self._pick(), signal.SIGKILL)

    def stop(self) -> None:
        self.kill()

    def start(self) -> None:
        """Whoever uses the guest starts it again, or does not."""

    def freeze(self) -> None:
        self._frozen = self._pick()
        self._signal(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(self._frozen, signal.SIGCONT)

    def _pick(self) -> int:
        """Its process id as this namespace knows it; 0 for none."""
        try:
            uuids = sorted(self.host.virsh("list", "--uuid", timeout=5.0).split())
        except HostError:
            return 0
        self.turn += 1
        return _qemu_of(uuids[self.turn % len(uuids)], self.host.directory) if uuids else 0

    @staticmethod
    def _signal(pid: int, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            if pid:
                os.kill(pid, number)


def _qemu_of(uuid: str, directory: Path) -> int:
    """A process of this guest, in the namespace of this host: another host may have one of the same UUID (a move)."""
    own = str(directory).encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if b"qemu-system" in command and uuid.encode() in command and own in (entry / "mountinfo").read_bytes():
                return int(entry.name)
    return 0
