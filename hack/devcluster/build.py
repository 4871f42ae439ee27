"""Building the programs of the control plane from the pinned Go modules, once per machine."""

import fcntl
import os
import platform
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devcluster import golang
from devcluster.errors import BuildError, DeadlineError
from devcluster.pins import MODULE, PACKAGES, Pins
from devcluster.progress import Progress, elapsed

#: Seconds after which a build is given up; on two cores and with nothing cached it takes four minutes.
DEADLINE = 3600.0

#: How much of the compiler's output is shown when it fails.
LAST_LINES = 20

#: Seconds between two looks whether another builder has finished.
LOCK_INTERVAL = 0.5


def built_folder(cache: Path, pins: Pins) -> Path:
    """Where the programs of these pins are, once they are built."""
    return cache / "programs" / f"{pins.kubernetes}-{platform.machine()}-{pins.key}"


def build(cache: Path, pins: Pins, progress: Progress) -> None:
    """Build all programs into the cache, unless somebody else does so meanwhile."""
    target = built_folder(cache, pins)
    target.mkdir(parents=True, exist_ok=True)
    with _alone(target.with_suffix(".lock"), progress):
        missing = [name for name in PACKAGES if not (target / name).exists()]
        if missing:
            _build(missing, target, pins, progress, golang.find_go(cache, pins.go, progress))


@contextmanager
def _alone(lock: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock file, so that two test runs do not compile the same thing side by side."""
    started = time.monotonic()
    with lock.open("w") as held:
        while not _try_lock(held.fileno()):
            now = time.monotonic()
            if now - started > DEADLINE:
                raise DeadlineError(f"another build holds {lock} for {elapsed(started, now)}: is it stuck?")
            progress.step(f"waiting for another build of the same programs, {elapsed(started, now)}")
            time.sleep(LOCK_INTERVAL)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _build(names: Sequence[str], target: Path, pins: Pins, progress: Progress, go: Path) -> None:
    progress.say(
        f"building {', '.join(names)} (Kubernetes {pins.kubernetes}, etcd {pins.etcd}) from source with {go}: "
        "about four minutes on two cores, once on this machine"
    )
    started = time.monotonic()
    run = _Run(go, pins, progress, started)
    run("fetching the sources", ["mod", "download"])
    total = run.count_stale(names)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        for name in names:
            run(name, ["build", *run.flags, "-v", "-o", str(Path(scratch, name)), PACKAGES[name]], of=total)
        for name in names:
            # One rename each: whoever looks without the lock sees a whole program or none.
            Path(scratch, name).rename(target / name)
    progress.say(f"built in {elapsed(started, time.monotonic())} into {target}")


@dataclass
class _Run:
    """Runs go and tells how far it is."""

    go: Path
    pins: Pins
    progress: Progress
    started: float
    compiled: int = 0

    @property
    def flags(self) -> list[str]:
        """What makes the same programs on every machine. The API server says v0.0.0 when no version is stamped."""
        version = "k8s.io/component-base/version"
        major, minor = self.pins.kubernetes.removeprefix("v").split(".")[:2]
        stamps = {"gitVersion": self.pins.kubernetes, "gitMajor": major, "gitMinor": minor}
        linking = " ".join(["-s -w", *(f"-X {version}.{name}={value}" for name, value in stamps.items())])
        return ["-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags={linking}"]

    def count_stale(self, names: Sequence[str]) -> int:
        """How many packages are to be compiled, so that progress can be said as a share."""
        template = "{{if .Stale}}{{.ImportPath}}{{end}}"
        packages = [PACKAGES[name] for name in names]
        said = subprocess.run(
            [self.go, "list", "-deps", *self.flags, "-f", template, *packages],
            cwd=MODULE, env=self._environment(), capture_output=True, text=True, timeout=DEADLINE, check=False,
        )  # fmt: skip
        if said.returncode:
            raise BuildError(_failed("go list", said.returncode, said.stderr.splitlines()[-LAST_LINES:]))
        return len(said.stdout.split())

    def __call__(self, what: str, arguments: Sequence[str], of: int = 0) -> None:
        last: deque[str] = deque(maxlen=LAST_LINES)
        with subprocess.Popen(
            [self.go, *arguments], cwd=MODULE, env=self._environment(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as process:  # fmt: skip
            try:
                for line in process.stdout or ():
                    last.append(line.rstrip())
                    self._tell(what, line, of)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise BuildError(_failed(f"go {arguments[0]}", process.returncode, list(last)))

    def _tell(self, what: str, line: str, of: int) -> None:
        if of and " " not in line.strip():
            self.compiled += 1
        share = f", {self.compiled} of {of} packages" if of else ""
        self.progress.step(f"{what}{share}, {elapsed(self.started, time.monotonic())}")

    def _environment(self) -> dict[str, str]:
        """The user's own Go settings (proxies, caches), without cgo: static programs that need no C compiler."""
        return {**os.environ, "CGO_ENABLED": "0"}


def _failed(what: str, code: int, lines: Sequence[str]) -> str:
    shown = "\n".join(f"    {line}" for line in lines)
    return (
        f"{what} ended with {code} in {MODULE}:\n{shown}\n"
        "Hint: a build needs a reachable Go module proxy (see go env GOPROXY), 4 GB of disk and 3 GB of memory; "
        "or point KUBEBUILDER_ASSETS at a folder with etcd, kube-apiserver and kubectl"
    )
