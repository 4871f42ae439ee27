"""What the lane needs before it starts, for there is no way out of its network: programs, Helm and images.

`python -m devnodes.prepare FOLDER`: fills the user's cache, puts the images into FOLDER and writes there what took how
long.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devcluster import ClusterError, Console, find_programs
from devcluster.programs import cache_home
from devhelm import find_helm
from devhelm.download import HelmError
from devhost import HostError
from devhost.programs import require_root
from devnodes import previous, readme
from devnodes.errors import NodesError
from devnodes.programs import find_node_programs
from image import debian
from image.errors import ImageError

TIMES = "times.json"

#: Below the folder of this tree's images: those of the release before.
PREVIOUS = "previous"

#: What the make that runs us tells those below it.
_OF_MAKE = ("MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS")


def prepare(target: Path) -> None:
    """Raises ClusterError, NodesError, HelmError or ImageError with what helps."""
    require_root()
    clock = Clock()
    # Images mostly wait for the network and for the disk, and a compiler for a processor: the one beside the other.
    with ThreadPoolExecutor(1) as beside:
        programs = beside.submit(_find_programs, clock)
        _make_images(target, clock)
        programs.result()
    (target / TIMES).write_text(json.dumps({"steps": clock.steps, "seconds": clock.seconds}))


@dataclass
class Clock:
    """What took how many seconds, and how many all of it, of which some went on at the same time."""

    steps: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @contextmanager
    def times(self, what: str) -> Iterator[None]:
        started = self.seconds
        yield
        self.steps[what] = self.seconds - started


def _find_programs(clock: Clock) -> None:
    progress = Console()
    with clock.times("find or build the programs of control plane and nodes"):
        find_programs(progress=progress)
        find_node_programs(progress)
    with clock.times("find or fetch Helm"):
        find_helm()


def _make_images(target: Path, clock: Clock) -> None:
    with tempfile.TemporaryDirectory() as folder:
        debian.use_cache(cache_home() / "images")
        options = debian.build_options(Path(folder))
        with clock.times("find or make the base image"):
            base = debian.base_image()
        _remove_images(target)
        for command in readme.before_the_cluster():
            with clock.times(f"$ {command}"):
                build_images(command, options, target)
        with clock.times("find or build the images of the release before this one"):
            previous.build_images(base, options, target / PREVIOUS)


def _remove_images(target: Path) -> None:
    """Of whatever version: what a node loads was built now."""
    for pattern in ("*.tar", "*.cdx.json"):
        for old in target.glob(pattern):
            old.unlink()


def build_images(command: str, options: Sequence[str], target: Path) -> None:
    """Runs the README's command, word for word. What did not change since the last time is not built again.

    Only its surroundings are a private machine's: a base image that is made here, the machine's own way to pip's
    index, and `target` for the images as archives, which the nodes load as others pull from a registry.
    """
    arguments = ["--builder", "buildah", "--archive", "--output", str(target), "--options", shlex.join(options)]
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_MAKE}
    # Of make, a variable of the environment is one of its own.
    told = {"BASE": debian.base_image(), "ARGS": shlex.join(arguments)}
    done = subprocess.run(["bash", "-euc", command], cwd=readme.README.parent, env=inherited | told, check=False)
    if done.returncode:
        raise NodesError(f"`{command}` of the README ended with {done.returncode}; what it said is above")


def main() -> int:
    target = Path(sys.argv[1]).resolve()
    target.mkdir(parents=True, exist_ok=True)
    try:
        prepare(target)
    except (ClusterError, HelmError, HostError, ImageError, NodesError, subprocess.TimeoutExpired) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
