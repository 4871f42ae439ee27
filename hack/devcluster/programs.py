"""Finding the programs of the control plane: KUBEBUILDER_ASSETS, then PATH, then our cache, else a build."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devcluster import build
from devcluster.errors import ClusterError, ProgramMissingError
from devcluster.pins import APISERVER, ETCD, KUBECTL, PACKAGES, Pins, read_pins
from devcluster.progress import Progress, Silent

#: The oldest etcd on the path that is taken: it knows --unsafe-no-fsync, and the API server runs on it (Debian 12's).
OLDEST_ETCD = (3, 4)

#: Seconds for a program to say its version.
VERSION_DEADLINE = 10.0


@dataclass(frozen=True)
class Program:
    """One program, and where it was found, for a person who wonders which one runs."""

    name: str
    path: Path
    origin: str


@dataclass(frozen=True)
class Programs:
    """Everything that a cluster runs."""

    etcd: Program
    apiserver: Program
    kubectl: Program

    @property
    def all(self) -> tuple[Program, ...]:
        return (self.etcd, self.apiserver, self.kubectl)


def cache_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Where this project keeps what is dear to make and can be made again."""
    base = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hypertally"


def find_programs(
    *,
    may_build: bool = True,
    progress: Progress | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Programs:
    """All programs, built first where that is needed and allowed.

    ProgramMissingError names what is missing and how to get it; BuildError carries the end of the compiler's output.
    """
    pins = read_pins()
    cache = cache_home(environment)
    built = build.built_folder(cache, pins)
    found = {name: _find(name, pins, built, environment) for name in PACKAGES}
    missing = [name for name, program in found.items() if program is None]
    if missing:
        if not may_build:
            raise ProgramMissingError(_how_to_get(missing, pins, built))
        build.build(cache, pins, progress or Silent())
        found = {name: _find(name, pins, built, environment) for name in PACKAGES}
    return _all(found)


def _all(found: Mapping[str, Program | None]) -> Programs:
    there = {name: program for name, program in found.items() if program is not None}
    return Programs(etcd=there[ETCD], apiserver=there[APISERVER], kubectl=there[KUBECTL])


def _find(name: str, pins: Pins, built: Path, environment: Mapping[str, str]) -> Program | None:
    if assets := environment.get("KUBEBUILDER_ASSETS"):
        if _runnable(Path(assets, name)):
            return Program(name, Path(assets, name), "KUBEBUILDER_ASSETS")
        if not Path(assets).is_dir():
            raise ClusterError(f"KUBEBUILDER_ASSETS={assets} is not a folder: correct it or unset it")
    on_path = shutil.which(name, path=environment.get("PATH"))
    if on_path and _fits(name, Path(on_path), pins):
        return Program(name, Path(on_path), "PATH")
    if _runnable(built / name):
        return Program(name, built / name, "built from source")
    return None


def _runnable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _fits(name: str, path: Path, pins: Pins) -> bool:
    """Whether a program that happens to be on the path behaves like the pinned one.

    The API server must be of the pinned minor release: the CRDs' rules are tried against that one. kubectl may be one
    release away, which is its documented skew.
    """
    version = _version(name, path)
    if version is None:
        return False
    if name == ETCD:
        return version >= OLDEST_ETCD
    return version[0] == 1 and abs(version[1] - pins.minor) <= (1 if name == KUBECTL else 0)


def _version(name: str, path: Path) -> tuple[int, int] | None:
    arguments = ("version", "--client") if name == KUBECTL else ("--version",)
    try:
        said = subprocess.run(
            [path, *arguments], capture_output=True, text=True, timeout=VERSION_DEADLINE, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+)\.(\d+)\.\d+", said)
    return (int(found[1]), int(found[2])) if found else None


def _how_to_get(missing: Iterable[str], pins: Pins, built: Path) -> str:
    return (
        f"missing: {', '.join(sorted(missing))} (Kubernetes {pins.kubernetes}). Looked in KUBEBUILDER_ASSETS, PATH "
        f"and {built}. Build them with: make setup (once, some minutes), "
        "or point KUBEBUILDER_ASSETS at a folder that has them"
    )
