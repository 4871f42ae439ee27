"""Building the programs of the control plane from the pinned Go modules, once per machine."""

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devcluster import golang
from devcluster.compiler import DEADLINE, Compiler
from devcluster.errors import DeadlineError
from devcluster.locks import try_lock
from devcluster.pins import PACKAGES, Pins
from devcluster.progress import Progress, elapsed

#: Seconds between two looks whether another builder has finished.
LOCK_INTERVAL = 0.5


def built_folder(cache: Path, pins: Pins) -> Path:
    """Where the programs of these pins are, once they are built."""
    return cache / "programs" / f"{pins.kubernetes}-{platform.machine()}-{pins.key}"


def build(cache: Path, pins: Pins, progress: Progress) -> None:
    """Build all programs into the cache, unless somebody else does so meanwhile."""
    target = built_folder(cache, pins)
    target.mkdir(parents=True, exist_ok=True)
    with alone(target.with_suffix(".lock"), progress):
        missing = [name for name in PACKAGES if not (target / name).exists()]
        if missing:
            _build(missing, target, pins, progress, golang.find_go(cache, pins.go, progress))


@contextmanager
def alone(lock: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock file, so that two test runs do not compile the same thing side by side."""
    started = time.monotonic()
    with lock.open("a") as file:
        while not try_lock(file):
            now = time.monotonic()
            if now - started > DEADLINE:
                raise DeadlineError(f"another build holds {lock} for {elapsed(started, now)}: is it stuck?")
            progress.step(f"waiting for another build of the same programs, {elapsed(started, now)}")
            time.sleep(LOCK_INTERVAL)
        yield


def _build(names: Sequence[str], target: Path, pins: Pins, progress: Progress, go: Path) -> None:
    progress.say(
        f"building {', '.join(names)} (Kubernetes {pins.kubernetes}, etcd {pins.etcd}) from source with {go}: "
        "some minutes (about five on two idle cores), once on this machine"
    )
    Compiler(go, pins, progress).make({name: PACKAGES[name] for name in names}, target)
