"""The release before this one, from which the lane upgrades: its sources as they were, with its chart and its programs.

docs/lane.md tells how the archive is made anew at each release.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from devnodes.errors import NodesError

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "lane" / "previous"

#: Beside the images: what they were built from.
_STAMP = "built-from"


def archive(folder: Path = FOLDER) -> Path:
    """`hypertally-VERSION.tar.gz`, the only one."""
    found = sorted(folder.glob("*.tar.gz"))
    if len(found) != 1:
        raise NodesError(f"{folder} has {len(found)} archives, expected one: that of the release before this one")
    return found[0]


def unpack(target: Path) -> Path:
    """The top folder of its sources, in `target`."""
    subprocess.run(["tar", "--extract", "--no-same-owner", "--file", archive(), "--directory", target], check=True)
    return target / archive().name.removesuffix(".tar.gz")


def chart(sources: Path) -> Path:
    return sources / "helm" / "hypertally"


def build_images(base: str, options: Sequence[str], target: Path) -> None:
    """Its images as archives, by its own Dockerfile and its own program for that; once, since its sources never change.

    Unpacked outside of this repository, whose commit its labels would name else.
    """
    stamp = target / _STAMP
    made_from = hashlib.sha256(archive().read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == made_from:
        return
    # Those of a release before that one are no longer wanted.
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        sources = unpack(Path(folder))
        command = [sys.executable, "-P", "-m", "image", "--builder", "buildah", "--base", base, "--archive"]
        done = subprocess.run(
            [*command, "--output", str(target), "--options", shlex.join(options)],
            cwd=sources, env=os.environ | {"PYTHONPATH": str(sources / "hack")}, check=False,
        )  # fmt: skip
    if done.returncode:
        raise NodesError(f"the images of {archive().name} could not be built; what was said is above")
    stamp.write_text(made_from)
