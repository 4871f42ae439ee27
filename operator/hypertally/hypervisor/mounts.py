"""Which file system a path is on, by the kernel's table: a look at the path itself may hang on a dead server."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

_OCTAL = re.compile(r"\\([0-7]{3})")
_FIRST_OPTIONAL = 6
"""proc(5), /proc/PID/mountinfo: ID, parent, device, root, mount point, options, then optional ones."""


@dataclass(frozen=True)
class Mounts:
    """Device numbers (`major:minor`) by mount point."""

    devices: Mapping[PurePath, str] = field(default_factory=dict)

    def apart(self, path: str, folder: Path) -> bool:
        """Whether `path` is known to be on another file system than `folder`.

        Of what is on the root file system that is not known: in a container, it need not be the host's.
        """
        place = self._mount_of(PurePosixPath(path))
        return place.parent != place and self.devices.get(place) != self.devices.get(self._mount_of(folder))

    def _mount_of(self, path: PurePath) -> PurePath:
        return next((place for place in (path, *path.parents) if place in self.devices), PurePosixPath("/"))


def read_mounts(table: str) -> Mounts:
    """Of mounts on one place the last counts, since it hides the others."""
    rows = (line.split(" ") for line in table.splitlines())
    return Mounts({PurePosixPath(_plain(row[4])): row[2] for row in rows if len(row) > _FIRST_OPTIONAL})


def look_at_mounts() -> Mounts:
    """Empty where the kernel tells none."""
    try:
        return read_mounts(Path("/proc/self/mountinfo").read_text(errors="surrogateescape"))
    except OSError:
        return Mounts()


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)
