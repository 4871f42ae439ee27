"""First process of a private host: prepares its mounts, runs libvirtd, reaps what is orphaned, ends with its parent.

Run as process 1 of a PID namespace: `python -m devhost.init DIRECTORY NAME`. It must reap: libvirt starts QEMU as a
daemon to probe it, and waits 40 s for each probe that stays a zombie. It obeys lines on stdin (see `answer`), answers
each with one line on stdout, and ends at the end of stdin, with every process of the namespace: no QEMU and no file
survives a parent that was killed with SIGKILL.
"""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

PRIVATE_FOLDERS = {
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
    "run": "/run/libvirt",
}
HUGE_PAGES = "/run/hugepages"
_SIGNALS = {"freeze": signal.SIGSTOP, "thaw": signal.SIGCONT}
_ENDS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM}
_END_SECONDS = 10.0


class Libvirtd:
    """The daemon of this host: at most one process at a time."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "log" / "libvirtd.log"
        self._run = directory / "run"
        self._pid = 0

    def start(self) -> str:
        if self._pid:
            return "error libvirtd is running already"
        self._pid = os.posix_spawnp(
            "libvirtd",
            ["libvirtd", "--pid-file", "/run/libvirt/libvirtd.pid"],
            {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self._log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        return "ok"

    def alive(self) -> str:
        return "ok" if self._pid else "error libvirtd is not running"

    def send(self, number: signal.Signals) -> str:
        if self._pid:
            os.kill(self._pid, number)
        return self.alive()

    def end(self, number: signal.Signals) -> str:
        """Ends the daemon and waits for it; guests go on, as they do on any host."""
        if self._pid:
            os.kill(self._pid, number)
            os.kill(self._pid, signal.SIGCONT)
        deadline = time.monotonic() + _END_SECONDS
        while self._pid and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.01)
        return f"error libvirtd did not end within {_END_SECONDS:.0f} s" if self._pid else "ok"

    def power_off(self) -> str:
        """Ends every process of the host at once, and with them what no reboot leaves: the files under /run."""
        deadline = time.monotonic() + _END_SECONDS
        while not _is_alone() and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.01)
        if not _is_alone():
            return f"error not every process ended within {_END_SECONDS:.0f} s"
        self._pid = 0
        _empty(self._run)
        return "ok"

    def reap(self) -> None:
        """Collects every ended child: the daemon, and the QEMU processes that became ours."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._pid = 0
                return
            if not pid:
                return
            if pid == self._pid:
                self._pid = 0


def _is_alone() -> bool:
    """Whether nothing is left of the namespace but its first process; what is left is killed."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return True
    return False


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def prepare_mounts(directory: Path) -> None:
    """Hides the machine's own libvirt, and with the rest of /run its D-Bus, so that no guest is registered there."""
    _mount("--make-rprivate", "/")
    _mount("-t", "proc", "proc", "/proc")
    _mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
    for name, place in PRIVATE_FOLDERS.items():
        Path(place).mkdir(parents=True, exist_ok=True)
        _mount("--bind", str(directory / name), place)
    if "hugetlbfs" in Path("/proc/filesystems").read_text().split():
        # Where libvirt looks for it: in its own table of mounts.
        Path(HUGE_PAGES).mkdir()
        _mount("-t", "hugetlbfs", "hugetlbfs", HUGE_PAGES)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, timeout=10, stdin=subprocess.DEVNULL)


def serve(reap: Callable[[], None], answer: Callable[[str], str]) -> None:
    """Answers one command a line until stdin ends; a child's end wakes the same poll."""
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    pending = b""
    while True:
        ready, _, _ = select.select([0, woken.fileno()], [], [])
        if woken.fileno() in ready:
            woken.recv(4096)
            reap()
        if 0 in ready:
            chunk = os.read(0, 4096)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                os.write(1, answer(line.decode()).encode() + b"\n")


def answer(libvirtd: Libvirtd, command: str) -> str:
    """`ok`, or `error` and why."""
    libvirtd.reap()
    if command in _SIGNALS:
        return libvirtd.send(_SIGNALS[command])
    if command in _ENDS:
        return libvirtd.end(_ENDS[command])
    others = {"start": libvirtd.start, "power-off": libvirtd.power_off}
    return others.get(command, libvirtd.alive)()


def leave_nothing(directory: Path) -> None:
    """Also after a parent that was killed and could not tidy up itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


def main() -> None:
    directory, name = Path(sys.argv[1]), sys.argv[2]
    socket.sethostname(name)
    prepare_mounts(directory)
    libvirtd = Libvirtd(directory)
    serve(libvirtd.reap, partial(answer, libvirtd))
    leave_nothing(directory)


if __name__ == "__main__":
    main()
