"""One program of the control plane as a child that never outlives its parent."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devcluster.errors import ClusterError, PortTakenError, ProcessError

#: Lines of a log that an error shows.
TAIL_LINES = 15

#: Seconds between two looks whether a starting program is ready.
INTERVAL = 0.05

#: A control plane that lives for minutes and holds little looks for garbage all the time, a third of what it does. It
#: may rather take more memory.
GARBAGE = {"GOGC": "400"}

#: What the programs say when the port is not free.
PORT_TAKEN = "address already in use"

#: What is seen in a log -> what helps.
HINTS = (
    (PORT_TAKEN, "another program took the port in between: try again"),
    ("unknown flag", "this version does not know one of the given arguments"),
    ("no space left on device", "free some disk space, or set TMPDIR to a larger file system"),
    ("exec format error", "the program was built for another kind of machine"),
    ("too many open files", "raise the limit of open files (ulimit -n)"),
)

#: With the parent's pid first: once the death signal is set, a parent that died before that shows as another $PPID,
#: and the program is not started at all.
_GUARD = 'test "$PPID" = "$0" && exec "$@"'


class Launcher:
    """Starts children from one thread that lives as long as this object.

    The kernel sends the death signal (prctl(2), PR_SET_PDEATHSIG) when the *thread* that started the child ends, so a
    cluster started in a short-lived thread would die under its user.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="devcluster-launcher")

    def start(self, argv: Sequence[str | Path], log: Path) -> "subprocess.Popen[bytes]":
        """Start it, with standard output and error appended to that log."""
        return self._thread.submit(self._start, argv, log).result()

    def close(self) -> None:
        """End the thread, and with it every child that still runs."""
        self._thread.shutdown()

    @staticmethod
    def _start(argv: Sequence[str | Path], log: Path) -> "subprocess.Popen[bytes]":
        guarded = ["setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", _GUARD, str(os.getpid()), *argv]
        with log.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal reaches the owner, which then stops its children in order.
            return subprocess.Popen(
                guarded,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=log.parent,
                env=GARBAGE | os.environ,
                start_new_session=True,
            )


class Process:
    """A program that can be started, killed and started again, always with the same arguments and data."""

    def __init__(
        self, name: str, argv: Sequence[str | Path], *, launcher: Launcher, log: Path, ready: Callable[[], bool]
    ) -> None:
        self.name = name
        self.log = log
        self._argv = argv
        self._launcher = launcher
        self._ready = ready
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        """The process id; ClusterError while it does not run."""
        if self._child is None or not self.is_running():
            raise ClusterError(f"{self.name} does not run")
        return self._child.pid

    def is_running(self) -> bool:
        """Whether the program runs now."""
        return self._child is not None and self._child.poll() is None

    def start(self, *, seconds: float = 30.0) -> None:
        """Start it and return when it is ready; ProcessError with the end of its log when it does not get there."""
        if self.is_running():
            raise ClusterError(f"{self.name} already runs")
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._child = self._launcher.start(self._argv, self.log)
        deadline = time.monotonic() + seconds
        while not self._ready():
            if not self.is_running():
                raise self.error("ended before it was ready")
            if time.monotonic() > deadline:
                self.kill()
                raise self.error(f"was not ready within {seconds:g} s")
            time.sleep(INTERVAL)

    def kill(self) -> None:
        """End it at once, as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL, seconds=10.0)

    def stop(self, *, seconds: float = 10.0) -> None:
        """Ask it to end (SIGTERM), and end it when it has not done so in time."""
        try:
            self._end(signal.SIGTERM, seconds=seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def restart(self, *, seconds: float = 30.0) -> None:
        """End it if it still runs, start it again on the same ports and data, and return when it is ready."""
        self.kill()
        self.start(seconds=seconds)

    def tail(self) -> str:
        """The last lines that it logged since its last start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def _end(self, number: signal.Signals, *, seconds: float) -> None:
        if self._child is not None and self.is_running():
            self._child.send_signal(number)
            self._child.wait(timeout=seconds)

    def error(self, what: str) -> ProcessError:
        """That this happened to the program, with the end of its log and, where the log has a known cause, a hint."""
        tail = self.tail()
        hint = next((hint for seen, hint in HINTS if seen in tail.lower()), None)
        kind = PortTakenError if PORT_TAKEN in tail.lower() else ProcessError
        return kind(self.name, what, log=self.log, tail=tail, hint=hint)
