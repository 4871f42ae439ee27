"""A control group for each node and everything in it: found again and removed, however its processes ended.

runc makes a container's group below its own when the kubelet names no other (`cgroupsPerQOS: false`), so all groups of
a node's containers are below the node's.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")

#: With the version 2 the groups of a hierarchy that has processes of its own cannot have controllers: these are apart.
_OWN = "own"


def hierarchies(mount: Path = MOUNT) -> list[Path]:
    """One with version 2, one for each controller with version 1."""
    if (mount / "cgroup.controllers").exists():
        return [mount]
    return sorted(path for path in mount.iterdir() if (path / "cgroup.procs").exists() and not path.is_symlink())


def enter(name: str, mount: Path = MOUNT) -> None:
    """Put this process, and what it starts from then on, into a group of that name (`a/b`) in every hierarchy."""
    for hierarchy in hierarchies(mount):
        for group in _path(hierarchy, name):
            if not group.exists():
                group.mkdir()
                _copy_sets(group)
        own = hierarchy / name / _OWN
        own.mkdir(exist_ok=True)
        _copy_sets(own)
        # Whoever writes, whatever its number in its own PID namespace.
        (own / "cgroup.procs").write_text("0")


def remove(name: str, mount: Path = MOUNT) -> bool:
    """Remove the group and those below it; False while a process is still in one."""
    gone = True
    for hierarchy in hierarchies(mount):
        for folder, _, _ in os.walk(hierarchy / name, topdown=False):
            with contextlib.suppress(FileNotFoundError):
                try:
                    Path(folder).rmdir()
                except OSError:
                    gone = False
    return gone


def _path(hierarchy: Path, name: str) -> Iterator[Path]:
    parts = Path(name).parts
    for end in range(1, len(parts) + 1):
        yield hierarchy.joinpath(*parts[:end])


def _copy_sets(group: Path) -> None:
    """A new cpuset of version 1 is empty, and nothing may run in it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (group / name).exists() and not (group / name).read_text().strip():
            (group / name).write_text((group.parent / name).read_text())
