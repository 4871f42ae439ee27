"""How much disk there is for guests: asks the back end that was chosen."""

import contextlib
import os
from pathlib import Path

from .back_end import BackEnd, ImagesType
from .background import Background
from .ceph import look_at_pool
from .disk_home import DiskHome
from .facts import DiskSpace, GuestFacts, Unread
from .lvm import look_at_volume_group
from .over_commit import ambiguous_files
from .settings import AuditSettings
from .spec import ConnectionSpec

PATIENCE_SECONDS = 10.0
_KEEP_SECONDS = 50.0
"""Answers that take a process: less than the default time between two audits, so that those have fresh ones, while
audits that an event asks for do not wait for a process each."""

_BLOCK_BYTES = 512
"""Of st_blocks, whatever the file system's own block is: stat(2)."""

_REMOTE = Unread("the hypervisor is on another host, whose disks only an agent there can see")


def look_at_disk(
    space: Background[DiskSpace | Unread], settings: AuditSettings, spec: ConnectionSpec
) -> DiskSpace | Unread:
    """`space` remembers the last answer. Ceph can be asked from anywhere, disks of a host only there."""
    back_end = settings.back_end
    if not spec.is_local and back_end.images_type is not ImagesType.RBD:
        return _REMOTE
    whom, keep = (
        (str(settings.instances_path), 0.0)
        if back_end.images_type is ImagesType.FS
        else (back_end.lvm_volume_group or back_end.rbd_pool, _KEEP_SECONDS)
    )
    return space.look(whom, lambda: _look(back_end, settings.instances_path), patience=PATIENCE_SECONDS, keep=keep)


def _look(back_end: BackEnd, instances_path: Path) -> DiskSpace | Unread:
    match back_end.images_type:
        case ImagesType.LVM:
            return look_at_volume_group(back_end.lvm_volume_group)
        case ImagesType.RBD:
            return look_at_pool(back_end)
        case ImagesType.FS:
            return look_at_folder(instances_path)


def look_at_folder(folder: Path) -> DiskSpace | Unread:
    """Nova's arithmetic: free is what a process without privileges may still take, used is what is really taken."""
    try:
        facts = os.statvfs(folder)
    except FileNotFoundError:
        return Unread(f"{folder} does not exist; create it or set another instances path")
    except OSError as error:
        return Unread(f"{folder}: {error.strerror}")
    size = facts.f_frsize
    return DiskSpace(
        total=size * facts.f_blocks, free=size * facts.f_bavail, used=size * (facts.f_blocks - facts.f_bfree)
    )


def look_at_files(guests: tuple[GuestFacts, ...] | Unread, home: DiskHome) -> dict[str, int]:
    """What the files take of which libvirt does not say it; those that cannot be seen from here are left out.

    They are on the file system that has just answered: none hangs on a server that is dead.
    """
    found = {}
    if home.back_end.images_type is ImagesType.FS:
        for path in sorted(set(ambiguous_files(guests, home))):
            with contextlib.suppress(OSError, ValueError):
                found[path] = Path(path).stat().st_blocks * _BLOCK_BYTES
    return found
