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
from collections.abc import Callable, Sequence
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
    progress, times = Console(), {}

    def timed(what: str, step: Callable[[], object]) -> None:
        started = time.monotonic()
        step()
        times[what] = time.monotonic() - started

    timed("find or build the programs of control plane and nodes", lambda: (
        find_programs(progress=progress), find_node_programs(progress)
    ))  # fmt: skip
    timed("find or fetch Helm", find_helm)
    with tempfile.TemporaryDirectory() as folder:
        debian.use_cache(cache_home() / "images")
        options = debian.build_options(Path(folder))
        timed("find or make the base image", debian.base_image)
        _remove_images(target)
        for command in readme.before_the_cluster():
            timed(f"$ {command}", lambda command=command: build_images(command, options, target))  # type: ignore[misc]
        timed("find or build the images of the release before this one", lambda: previous.build_images(
            debian.base_image(), options, target / PREVIOUS
        ))  # fmt: skip
    (target / TIMES).write_text(json.dumps(times))


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
