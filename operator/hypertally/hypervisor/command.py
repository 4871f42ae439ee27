"""Programs that are asked because no library can be: each with a deadline, so that no audit waits for one for ever."""

import os
import subprocess
from collections.abc import Sequence

from .facts import Unread

DEADLINE_SECONDS = 10.0
_MOST_CHARACTERS = 200
"""Of a program's complaint."""


def run(
    command: Sequence[str], package: str, *, stdin: str = "", tries: int = 1, deadline: float = DEADLINE_SECONDS
) -> str | Unread:
    """What it prints, or why not. `package` brings the program. A new try follows only a death by a signal."""
    done = _run(command, package, stdin, deadline)
    while isinstance(done, subprocess.CompletedProcess) and done.returncode < 0 and tries > 1:
        tries -= 1
        done = _run(command, package, stdin, deadline)
    if isinstance(done, Unread):
        return done
    if done.returncode:
        return Unread(f"{command[0]}: {complaint(done.stderr) or f'exit status {done.returncode}'}")
    # Ceph's client ends with 0 although a command that it read from its standard input failed.
    return done.stdout if done.stdout.strip() else Unread(f"{command[0]}: {complaint(done.stderr) or 'no answer'}")


def _run(
    command: Sequence[str], package: str, stdin: str, deadline: float
) -> "subprocess.CompletedProcess[str] | Unread":
    try:
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline,
            check=False,
            # Else lvm complains about every file that we have open.
            env={**os.environ, "LC_ALL": "C", "LVM_SUPPRESS_FD_WARNINGS": "1"},
        )
    except subprocess.TimeoutExpired:
        return Unread(f"{command[0]}: no answer within {deadline:g} s")
    except FileNotFoundError:
        return Unread(f"{command[0]} is not here; install the package {package}")
    except OSError as error:
        return Unread(f"{command[0]}: {error.strerror}")


def complaint(stderr: str) -> str:
    """Its last two lines: some programs say last what went wrong, and others that they give up."""
    told = [" ".join(line.split()) for line in stderr.splitlines() if line.strip()]
    return "; ".join(told[-2:])[:_MOST_CHARACTERS]
