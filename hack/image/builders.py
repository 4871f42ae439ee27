"""The programs that build images, and how each is asked."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from image.errors import ImageError, NoBuilder

#: Seconds for a builder to say whether it works at all.
ANSWER_DEADLINE = 20.0

#: Seconds to start a container that prints a file; one or two on an idle machine.
READ_DEADLINE = 120.0


@dataclass(frozen=True)
class Builder:
    """`build` and `save` are what is asked of it; `proof` ends with 0 where it works."""

    program: str
    proof: tuple[str, ...]
    build: tuple[str, ...]

    def build_command(self, target: str, name: str, arguments: Mapping[str, str], options: Sequence[str]) -> list[str]:
        """Of the Dockerfile in the current folder."""
        values = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
        return [self.program, *self.build, "--target", target, "--tag", name, *values, *options, "."]

    def save_command(self, name: str, archive: Path) -> list[str]:
        """Into one file that containerd, docker and podman can load."""
        if self.program == "buildah":
            return [self.program, "push", "--quiet", name, f"docker-archive:{archive}:{name}"]
        return [self.program, "save", "--output", str(archive), name]

    def read(self, name: str, path: str) -> str:
        """What a file of the image holds; only buildah runs a program of it. ImageError with what the builder said."""
        if self.program == "buildah":
            container = self._say("from", "--pull-never", name).strip()
            read = partial(self._say, "run", container, "--", "cat", path)
        else:
            container = self._say("create", name).strip()
            read = partial(self._copy, f"{container}:{path}")
        try:
            return read()
        finally:
            self._say("rm", container)

    def _copy(self, place: str) -> str:
        """docker and podman copy to a folder, or a tar archive to standard output; the first is plain."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy"
            self._say("cp", place, str(copy))
            return copy.read_text()

    def _say(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.program, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=READ_DEADLINE, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ImageError(f"{self.program} {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def works(self) -> bool:
        try:
            done = subprocess.run(
                [self.program, *self.proof],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_DEADLINE, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0


#: In this order; docker is there without its daemon on many machines.
BUILDERS = (
    Builder("docker", ("version", "--format", "{{.Server.Version}}"), ("build",)),
    Builder("podman", ("info",), ("build", "--layers")),
    # The form of an OCI image has no field for what only docker's has; nothing here needs one.
    Builder("buildah", ("info",), ("bud", "--layers")),
)


def find_builder(wanted: str | None = None) -> Builder:
    """The one that is wanted, else the first that works."""
    known = [builder for builder in BUILDERS if wanted in (None, builder.program)]
    if not known:
        names = ", ".join(builder.program for builder in BUILDERS)
        raise ImageError(f"builder {wanted!r} is not known; allowed are {names}")
    for builder in known:
        if shutil.which(builder.program) and builder.works():
            return builder
    raise NoBuilder(_how_to_get(known))


def _how_to_get(builders: Sequence[Builder]) -> str:
    tried = ", ".join(
        f"{each.program} ({'does not answer' if shutil.which(each.program) else 'not installed'})" for each in builders
    )
    return (
        f"nothing here builds images: {tried}. The smallest that does on Debian is apt-get install buildah; "
        "a docker that does not answer lacks its daemon, or you lack the right to use it"
    )
