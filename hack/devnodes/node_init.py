"""First process of a private node: prepares its mounts, runs its daemons, reaps what is orphaned.

Run as process 1 of a PID namespace: `python -m devnodes.node_init DIRECTORY NAME GROUP`. Obeys lines on stdin, answers
each with one line, and ends at the end of stdin, with every process of the node: as devhost.init does.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from devhost.init import serve
from devnodes import cgroups

#: Folder of the node -> where the node's programs see it. Under /run each node has a file system of its own.
PRIVATE_FOLDERS = {
    "etc-libvirt": "/etc/libvirt",
    "lib-libvirt": "/var/lib/libvirt",
    "cache-libvirt": "/var/cache/libvirt",
    "log-libvirt": "/var/log/libvirt",
    "run-libvirt": "/run/libvirt",
    "kubelet": "/var/lib/kubelet",
    "containerd": "/var/lib/containerd",
    "run-containerd": "/run/containerd",
    "cni-conf": "/etc/cni/net.d",
    "cni": "/var/lib/cni",
    "log-pods": "/var/log/pods",
    "log-containers": "/var/log/containers",
}
HOSTS = "hosts"
COVERS = "covers"
DAEMONS = "daemons.json"
_SIGNALS = {"freeze": signal.SIGSTOP, "thaw": signal.SIGCONT}
_ENDS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM}
_END_SECONDS = 10.0


Answer = Callable[[str], str]


class Daemons:
    """The daemons of this node, by name: of each at most one process at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pids: dict[str, int] = {}

    def start(self, name: str) -> str:
        if name in self._pids:
            return f"error {name} is running already"
        command: list[str] = json.loads((self._directory / DAEMONS).read_text())[name]
        log = str(self._directory / f"{name}.log")
        self._pids[name] = os.posix_spawnp(
            command[0],
            command,
            {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/root"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        return "ok"

    def alive(self, name: str) -> str:
        return "ok" if name in self._pids else f"error {name} is not running"

    def send(self, number: signal.Signals, name: str) -> str:
        if name in self._pids:
            os.kill(self._pids[name], number)
        return self.alive(name)

    def end(self, number: signal.Signals, name: str) -> str:
        """Ends one daemon and waits for it; what it started goes on, as on any host."""
        if name in self._pids:
            os.kill(self._pids[name], number)
            os.kill(self._pids[name], signal.SIGCONT)
        deadline = time.monotonic() + _END_SECONDS
        while name in self._pids and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.01)
        return f"error {name} did not end within {_END_SECONDS:.0f} s" if name in self._pids else "ok"

    def reap(self) -> None:
        """Collects every ended child: daemons, and what became ours."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._pids.clear()
                return
            if not pid:
                return
            self._pids = {name: each for name, each in self._pids.items() if each != pid}


def prepare(directory: Path, name: str) -> None:
    """What the machine has of all this is hidden, so that neither meets the other."""
    socket.sethostname(name)
    _mount("--make-rprivate", "/")
    _mount("-t", "proc", "proc", "/proc")
    _mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
    cgroups.mount_own()
    covered = {Path("/run")}
    # All before the first is mounted, which a cover would hide.
    for place in PRIVATE_FOLDERS.values():
        _make_room(Path(place), directory / COVERS, covered)
    for folder, place in PRIVATE_FOLDERS.items():
        _mount("--bind", str(directory / folder), place)
    _mount("--bind", str(directory / HOSTS), "/etc/hosts")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # The kubelet's own mounts must reach the containers that are told of them.
    _mount("--make-rshared", "/")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)


def _make_room(place: Path, covers: Path, covered: set[Path]) -> None:
    """A folder to mount on, and none on the machine itself: where it lacks one, what is above is covered first."""
    above = next(each for each in (place, *place.parents) if each.exists())
    if above not in (place, *covered):
        upper, work = (covers / part / "-".join(above.parts[1:]) for part in ("upper", "work"))
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        _mount("-t", "overlay", "-o", f"lowerdir={above},upperdir={upper},workdir={work}", "overlay", str(above))
        covered.add(above)
    place.mkdir(parents=True, exist_ok=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, timeout=10, stdin=subprocess.DEVNULL)


def answer(daemons: Daemons, line: str) -> str:
    """`ok`, or `error` and why."""
    daemons.reap()
    command, _, name = line.partition(" ")
    known: dict[str, Answer] = {
        "start": daemons.start,
        "alive": daemons.alive,
        "ready": lambda _: "ok",
        **{word: partial(daemons.send, number) for word, number in _SIGNALS.items()},
        **{word: partial(daemons.end, number) for word, number in _ENDS.items()},
    }
    return known[command](name) if command in known else f"error {command!r} is no command"


def main() -> None:
    directory, name, *group = sys.argv[1:]
    if group:
        cgroups.enter(group[0])
        # Once more: a cgroup namespace has that group for its root which one is in when it begins.
        again = [sys.executable, "-P", "-s", "-m", "devnodes.node_init", directory, name]
        os.execvp("unshare", ["unshare", "--cgroup", *again])  # noqa: S606
    prepare(Path(directory), name)
    daemons = Daemons(Path(directory))
    serve(daemons.reap, partial(answer, daemons))


if __name__ == "__main__":
    main()
