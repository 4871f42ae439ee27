"""One image from its start to its end: built, looked at, and its bill of materials beside it."""

import platform
import subprocess
import sys
import tomllib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from image.builders import Builder
from image.errors import ImageError, WrongArchitecture

ROOT = Path(__file__).resolve().parent.parent.parent

PROGRAMS = ("agent", "controller")

#: Where each image has its bill of materials, which is made in its build: only there Debian's packages are known.
BILL = "/opt/hypertally/share/sbom.cdx.json"

#: Python's word for a kind of machine -> that of images.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

#: Where the kernel lists what it runs by an emulator.
EMULATORS = Path("/proc/sys/fs/binfmt_misc")

#: What a program of another kind of machine ends with.
WRONG_KIND = "exec format error"

_KEPT_LINES = 30


@dataclass(frozen=True)
class Wish:
    """What somebody wants built. `repository` is what the names start with, `target` where files are put."""

    repository: str = "localhost"
    tag: str = ""
    base: str = ""
    architecture: str = ""
    arguments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    options: Sequence[str] = ()
    target: Path = ROOT / "dist"
    archive: bool = False

    def name(self, program: str) -> str:
        return f"{self.repository}/hypertally-{program}:{self.tag or version()}"


@dataclass(frozen=True)
class Image:
    name: str
    bill: Path
    archive: Path | None


def build(builder: Builder, program: str, wish: Wish) -> Image:
    """Raises ImageError with what helps."""
    own = own_architecture()
    refuse_foreign(wish.architecture or own, own)
    name = wish.name(program)
    _run(builder.build_command(program, name, _arguments(wish), wish.options), wish.base)
    wish.target.mkdir(parents=True, exist_ok=True)
    stem = f"hypertally-{program}-{wish.tag or version()}"
    bill = wish.target / f"{stem}.cdx.json"
    bill.write_text(builder.read(name, BILL))
    return Image(name, bill, _save(builder, name, wish.target / f"{stem}.tar") if wish.archive else None)


def own_architecture() -> str:
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)


def refuse_foreign(wanted: str, own: str, emulators: Path = EMULATORS) -> None:
    """Nothing is built for a kind of machine whose programs do not run here."""
    machine = {image: machine for machine, image in ARCHITECTURES.items()}.get(wanted)
    if machine is None:
        raise WrongArchitecture(
            f"architecture {wanted!r} is not known; allowed are {', '.join(ARCHITECTURES.values())}"
        )
    if wanted != own and not (emulators / f"qemu-{machine}").exists():
        raise WrongArchitecture(
            f"architecture {wanted}: this machine is {own} and has no emulator for it; build there, or install "
            "qemu-user-static here"
        )


def version() -> str:
    """The project's own."""
    told: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return told


def _arguments(wish: Wish) -> dict[str, str]:
    base = {"BASE": wish.base} if wish.base else {}
    revision, created = _commit()
    return base | {"VERSION": version(), "REVISION": revision, "CREATED": created} | dict(wish.arguments)


def _commit() -> tuple[str, str]:
    """Of the tree: an image of the same commit has the same labels, so that a builder finds it made already."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%H %ct"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        # A tree from an archive, or a machine without git.
        return "unknown", ""
    revision, seconds = told.split()
    return revision, datetime.fromtimestamp(int(seconds), UTC).isoformat()


def _save(builder: Builder, name: str, archive: Path) -> Path:
    archive.unlink(missing_ok=True)
    _run(builder.save_command(name, archive), "")
    return archive


def _run(command: Sequence[str], base: str) -> None:
    """Shows what the builder says as it says it."""
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            last.append(line)
            sys.stderr.write(line)
    if process.returncode:
        raise _failed(command, process.returncode, "".join(last), base)


def _failed(command: Sequence[str], code: int, said: str, base: str) -> ImageError:
    if WRONG_KIND in said.lower():
        named = f"base image {base}" if base else "the base image"
        return WrongArchitecture(f"{named} is for another kind of machine than this one, which is {own_architecture()}")
    return ImageError(f"{' '.join(command[:2])} ended with {code}; what it said is above")
