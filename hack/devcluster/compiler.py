"""Running go on the pinned modules, and telling how far it is."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from devcluster.errors import BuildError
from devcluster.pins import MODULE, Pins
from devcluster.progress import Progress, elapsed

#: Seconds after which a build is given up; on two idle cores and with nothing cached it takes five minutes.
DEADLINE = 3600.0

#: The compiler is a program of Go's as well, one process for each package: looking for its own garbage is a fifth of
#: what it does. It rather takes more memory, as long as a process has less than a gigabyte.
GARBAGE = {"GOGC": "800", "GOMEMLIMIT": "1GiB"}

#: How much of go's output is shown when it fails.
LAST_LINES = 20

#: Seconds between two words about a step.
TICK = 1.0


@dataclass
class Compiler:
    """One build from its start to its end."""

    go: Path
    pins: Pins
    progress: Progress
    module: Path = MODULE
    started: float = field(default_factory=time.monotonic)
    doing: str = ""
    compiled: int = 0
    total: int = 0

    def make(self, programs: Mapping[str, str], target: Path) -> None:
        """Build programs, each by its name from the Go package that is its main package, into the folder `target`."""
        self._fetch()
        self._count(list(programs.values()))
        with tempfile.TemporaryDirectory(dir=target) as scratch:
            # All at once: one is linked, on a single core, while another is compiled.
            self._run("compiling", ["build", *self._flags(), "-v", "-o", f"{scratch}/", *programs.values()])
            for name, package in programs.items():
                # One rename each: whoever looks without the lock sees a whole program or none.
                Path(scratch, _program_of(package)).rename(target / name)
        self.progress.say(f"built in {self._elapsed()} into {target}")

    def _fetch(self) -> None:
        """Get the sources; go.sum says what they must be."""
        self._run("fetching the sources", ["mod", "download"])

    def _count(self, packages: Sequence[str]) -> None:
        """Find out how many packages are to be compiled, so that progress can be said as a share."""
        template = "{{if .Stale}}{{.ImportPath}}{{end}}"
        lines = self._run("finding out what to compile", ["list", "-deps", *self._flags(), "-f", template, *packages])
        self.total = sum(map(_is_package, lines))

    def _elapsed(self) -> str:
        """The time since the start, for a person."""
        return elapsed(self.started, time.monotonic())

    def _flags(self) -> list[str]:
        """What makes the same programs on every machine. The API server says v0.0.0 when no version is stamped."""
        version = "k8s.io/component-base/version"
        major, minor = self.pins.kubernetes.removeprefix("v").split(".")[:2]
        stamps = {"gitVersion": self.pins.kubernetes, "gitMajor": major, "gitMinor": minor}
        linking = " ".join(["-s -w", *(f"-X {version}.{name}={value}" for name, value in stamps.items())])
        # What a debugger wants to know the linker leaves out (-s -w); not to make it at all saves a tenth of the time.
        return ["-mod=readonly", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", f"-ldflags={linking}"]

    def _run(self, doing: str, arguments: Sequence[str]) -> list[str]:
        self.doing = doing
        lines: list[str] = []
        # The user's own Go settings (proxies, caches), without cgo: static programs that need no C compiler.
        environment = {**GARBAGE, **os.environ, "CGO_ENABLED": "0"}
        with subprocess.Popen(
            [self.go, *arguments], cwd=self.module, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as process, self._told(process):  # fmt: skip
            for line in process.stdout or ():
                lines.append(line.rstrip())
                self.compiled += bool(self.total) and _is_package(line)
        if process.returncode:
            raise BuildError(_failed(arguments[0], process.returncode, self.module, lines[-LAST_LINES:]))
        return lines

    @contextmanager
    def _told(self, process: "subprocess.Popen[str]") -> Iterator[None]:
        """Say every second how far it is, also while go says nothing; end go at the deadline, or when we are ended."""
        done = Event()

        def tell() -> None:
            while not done.wait(TICK):
                self.progress.step(self._state())
                if time.monotonic() - self.started > DEADLINE:
                    process.kill()

        teller = Thread(target=tell, name="devcluster-build-progress", daemon=True)
        teller.start()
        try:
            yield
        except BaseException:
            process.kill()
            raise
        finally:
            done.set()
            teller.join()
        self.progress.step(self._state())

    def _state(self) -> str:
        share = f", {self.compiled} of {self.total} packages" if self.total else ""
        return f"{self.doing}{share}, {self._elapsed()}"


def _program_of(package: str) -> str:
    """What go calls the program of a main package: by its last folder that is no major version (`go help build`)."""
    *_, before, last = package.split("/")
    return before if re.fullmatch(r"v\d+", last) else last


def _is_package(line: str) -> bool:
    """Whether a line is an import path, not a message."""
    return bool(line.strip()) and " " not in line.strip()


def _failed(command: str, code: int, module: Path, lines: Sequence[str]) -> str:
    shown = "\n".join(f"    {line}" for line in lines)
    return (
        f"go {command} ended with {code} in {module}:\n{shown}\n"
        "Hint: a build needs a reachable Go module proxy (see go env GOPROXY), 4 GB of disk and 3 GB of memory; "
        "or point KUBEBUILDER_ASSETS at a folder with etcd, kube-apiserver and kubectl"
    )
