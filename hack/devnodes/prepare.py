"""What the lane needs before it starts, for there is no way out of its network: programs, Helm and images.

`python -m devnodes.prepare FOLDER`: fills the user's cache, puts the images into FOLDER and writes there what took how
long.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from devcluster import ClusterError, Console, find_programs
from devcluster.programs import cache_home
from devhelm import find_helm
from devhelm.download import HelmError
from devhost import HostError
from devhost.programs import require_root
from devnodes.errors import NodesError
from devnodes.programs import find_node_programs
from image import debian
from image.build import PROGRAMS, Image, Wish, build
from image.builders import find_builder
from image.errors import ImageError

TIMES = "times.json"


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
    timed("build the images of agent and controller", lambda: build_images(target))
    (target / TIMES).write_text(json.dumps(times))


def build_images(target: Path) -> list[Image]:
    """Into `target`, as archives and bills of materials; what did not change since the last time is not built again."""
    debian.use_cache(cache_home() / "images")
    builder = find_builder("buildah")
    base = debian.base_image()
    with tempfile.TemporaryDirectory() as folder:
        options = debian.build_options(Path(folder))
        wish = Wish(base=base, options=options, target=target, archive=True)
        return [build(builder, program, wish) for program in PROGRAMS]


def main() -> int:
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    try:
        prepare(target)
    except (ClusterError, HelmError, HostError, ImageError, NodesError, subprocess.TimeoutExpired) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
