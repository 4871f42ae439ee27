"""A control group for each node and everything in it: found again and removed, however its processes ended.

containerd puts containers below the root of each hierarchy when the kubelet names no other place (`cgroupsPerQOS:
false`). So the node gets a namespace in which its own group is that root, and mounts that show it so.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")


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
        # 0 is whoever writes, whatever its number in its own PID namespace.
        (hierarchy / name / "cgroup.procs").write_text("0")


def mount_own(mountinfo: Path = Path("/proc/self/mountinfo"), mount: Path = MOUNT) -> None:
    """In a cgroup and a mount namespace of one's own: every hierarchy anew, which shows its root to be our group."""
    for place, kind, options in _mounted(mountinfo.read_text(), mount):
        _run("umount", place)
        _run("mount", "-t", kind, *(("-o", options) if options else ()), kind, place)


def _mounted(mountinfo: str, mount: Path) -> list[tuple[str, str, str]]:
    """Place, kind and options of each hierarchy. proc(5): after ` - ` come the kind, the source and the options."""
    found = []
    for row in mountinfo.splitlines():
        place, (kind, _, options) = row.split()[4], row.partition(" - ")[2].split(" ", 2)
        if kind in ("cgroup", "cgroup2") and Path(place).is_relative_to(mount):
            found.append((place, kind, _hierarchy(options) if kind == "cgroup" else ""))
    return found


def _hierarchy(options: str) -> str:
    """Which of version 1: its controllers, or the name of one that has none."""
    kept = [each for each in options.split(",") if each not in ("rw", "ro", "xattr") and "release_agent" not in each]
    return ",".join([*(["none"] if any("=" in each for each in kept) else []), *kept])


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=10, stdin=subprocess.DEVNULL)


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
