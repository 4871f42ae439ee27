"""A world of its own for a command: no network but its own, and nothing of it is left when the command has ended.

`python -m devnodes COMMAND…` runs the command in new network, mount and PID namespaces. All that it starts there
ends with it: the kernel ends every process of a PID namespace with the first one, and takes away a network namespace
with its last process, bridges and all. It ends when we do, however we end, and a cleaner that outlives us removes its
folder and its control groups.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devhost.programs import require_root
from devnodes.errors import MissingPart

#: Tells what runs inside where its folder is, and what its control groups are called.
FOLDER = "DEVNODES_FOLDER"
GROUP = "DEVNODES_GROUP"

#: Seconds that we wait for the cleaner in the end: it removes the files of unpacked images, on a disk that may be busy.
_REMOVAL_SECONDS = 300.0


def main(command: Sequence[str]) -> int:
    """The command's exit status."""
    require_root()
    name = f"hypertally-{secrets.token_hex(4)}"
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    # What its programs take for temporary files goes with the rest.
    (folder / "tmp").mkdir()
    told = {FOLDER: str(folder), GROUP: name, "TMPDIR": str(folder / "tmp")}
    with _cleaner(folder, name):
        return _run(command, os.environ | told)


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


@contextmanager
def _cleaner(folder: Path, name: str) -> Iterator[None]:
    program = [sys.executable, "-P", "-m", "devnodes.cleaner", str(folder), name]
    with subprocess.Popen(program, stdin=subprocess.PIPE, start_new_session=True) as cleaner:
        try:
            yield
        finally:
            # communicate closes its input: the sign that all is over.
            cleaner.communicate(timeout=_REMOVAL_SECONDS)
