"""A process tree in namespaces of its own, spoken to through its first process."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from .errors import HostError, HostTimeout
from .programs import search_path

_HACK = str(Path(__file__).resolve().parent.parent)


class Supervisor:
    """Owns process 1 of the namespaces. Its stdin is the lifeline: when we end, however, the whole tree ends.

    That process is the `module`, given `arguments`; `namespaces` are unshare's words for what is private beside PIDs.
    """

    def __init__(self, directory: Path, module: str, arguments: Sequence[str], *namespaces: str) -> None:
        self._log = directory / "init.log"
        self._lock = threading.Lock()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("unshare", *namespaces, "--pid", "--fork", "--kill-child"),
                    *(sys.executable, "-P", "-s", "-m", module, *arguments),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={"PATH": search_path(), "LC_ALL": "C", "PYTHONPATH": _HACK},
                # A Ctrl-C at the terminal is for the caller, who ends the host in his own order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the process that the namespaces can be entered by; of the one for PIDs it is only the parent."""
        return self._process.pid

    def ask(self, command: str, timeout: float = 15.0) -> None:
        """Gives one command and waits for its answer; raises HostError with the reason of a refusal."""
        with self._lock:
            answer = self._exchange(command, timeout)
        if answer != "ok":
            raise HostError(answer.removeprefix("error "))

    def _exchange(self, command: str, timeout: float) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.closed:
            raise HostError("it has ended")
        try:
            os.write(stdin.fileno(), f"{command}\n".encode())
        except BrokenPipeError:
            raise HostError(f"its first process has ended: {self._last_words()}") from None
        return self._read_line(stdout.fileno(), command, time.monotonic() + timeout)

    def _read_line(self, descriptor: int, command: str, deadline: float) -> str:
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise HostTimeout(f"its first process did not answer {command!r} in time")
            chunk = os.read(descriptor, 4096)
            if not chunk:
                raise HostError(f"its first process has ended: {self._last_words()}")
            line += chunk
        return line.decode().rstrip("\n")

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace").strip()[-500:] or "it said nothing"

    def end(self, timeout: float = 10.0) -> None:
        """Ends every process of the tree and removes its files. Safe to call twice."""
        with self._lock:
            self._close_streams()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._kill(timeout)

    def abandon(self, timeout: float = 10.0) -> None:
        """Ends every process of the tree and keeps its files, for whoever wants to know why it failed."""
        with self._lock:
            self._kill(timeout)
            self._close_streams()

    def _kill(self, timeout: float) -> None:
        # unshare ignores SIGTERM; with --kill-child its end is that of the whole namespace.
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout)

    def _close_streams(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
