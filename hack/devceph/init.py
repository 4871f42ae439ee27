"""First process of a private Ceph: runs its daemons, reaps what is orphaned, ends with its parent.

Run as process 1 of a PID namespace: `python -m devceph.init DIRECTORY`. It obeys lines on stdin, answers each with
one line on stdout, and ends at the end of stdin, with every process of the namespace: no daemon and no file survives a
parent that was killed with SIGKILL.

`start NAME PROGRAM ARGUMENT…` and `kill NAME`, separated by blanks, of which no path here has one.
"""

import os
import signal
import sys
from functools import partial
from pathlib import Path

from devhost.init import leave_nothing, serve


class Daemons:
    """By name, at most one process of each."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pids: dict[str, int] = {}

    def start(self, name: str, command: list[str]) -> str:
        log = str(self._directory / "log" / f"{name}.out")
        self._pids[name] = os.posix_spawnp(
            command[0],
            command,
            {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        return "ok"

    def kill(self, name: str) -> str:
        if name not in self._pids:
            return f"error {name} is not running"
        os.kill(self._pids[name], signal.SIGKILL)
        return "ok"

    def alive(self) -> str:
        return "ok" if self._pids else "error no daemon is running"

    def reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._pids.clear()
                return
            if not pid:
                return
            self._pids = {name: each for name, each in self._pids.items() if each != pid}


def answer(daemons: Daemons, line: str) -> str:
    """`ok`, or `error` and why."""
    daemons.reap()
    match line.split():
        case ["start", name, *command]:
            return daemons.start(name, command)
        case ["kill", name]:
            return daemons.kill(name)
    return daemons.alive()


def main() -> None:
    directory = Path(sys.argv[1])
    daemons = Daemons(directory)
    serve(daemons.reap, partial(answer, daemons))
    leave_nothing(directory)


if __name__ == "__main__":
    main()
