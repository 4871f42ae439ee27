"""A world of its own for a command: no network but its own, and nothing of it is left when the command has ended.

`python -m devnodes COMMAND…` runs the command in new network, mount and PID namespaces. All that it starts there
ends with it: the kernel ends every process of a PID namespace with the first one, and takes away a network namespace
with its last process, bridges and all. The command is no child of nobody: it ends when we do.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from devhost.programs import require_root
from devnodes import cgroups
from devnodes.errors import MissingPart

#: Tells what runs inside where its folder is, and what its control groups are called.
FOLDER = "DEVNODES_FOLDER"
GROUP = "DEVNODES_GROUP"

#: Seconds for the kernel to take the last processes out of their control groups.
_REMOVAL_SECONDS = 20.0


def main(command: Sequence[str]) -> int:
    """The command's exit status."""
    require_root()
    name = f"hypertally-{secrets.token_hex(4)}"
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        return _run(command, {**os.environ, FOLDER: str(folder), GROUP: name})
    finally:
        _leave_nothing(folder, name)


def inside() -> tuple[Path, str]:
    """The world's folder and the name of its control groups; MissingPart outside of one."""
    if FOLDER not in os.environ or GROUP not in os.environ:
        raise MissingPart("nodes need a network of their own: run this by python -m devnodes COMMAND, as make e2e does")
    return Path(os.environ[FOLDER]), os.environ[GROUP]


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    namespaces = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation=private")
    first = (sys.executable, "-P", "-m", "devnodes.first", *command)
    # setpriv: also a parent that is killed takes its world along.
    guarded = ["setpriv", "--pdeathsig", "KILL", "--", "unshare", *namespaces, "--", *first]
    with subprocess.Popen(guarded, env=environment) as process:
        # unshare ignores both signals; the command itself gets those of the terminal.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.kill())
        return process.wait()


def _leave_nothing(folder: Path, name: str) -> None:
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while not cgroups.remove(name) and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)
