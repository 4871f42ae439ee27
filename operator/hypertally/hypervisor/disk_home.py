"""Which of a guest's drives take from the host's disk: those that live in the back end.

A CD-ROM or floppy is a medium that many guests share, a volume of a remote storage is accounted there: Nova counts
neither. Where it cannot be told, a drive counts: what is charged is never too low.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from .back_end import BackEnd, ImagesType
from .domain_xml import Disk
from .mounts import Mounts
from .settings import DEFAULT_INSTANCES_PATH, AuditSettings

_REMOVABLE = ("cdrom", "floppy")
_UNSAID = Disk(target="", device="disk", type="")
"""What is known of a drive whose guest's XML cannot be read."""


@dataclass(frozen=True, kw_only=True)
class DiskHome:
    """The back end, and what tells whether a file is on its file system."""

    back_end: BackEnd = field(default_factory=BackEnd)
    instances_path: Path = DEFAULT_INSTANCES_PATH
    mounts: Mounts = field(default_factory=Mounts)

    @classmethod
    def of(cls, settings: AuditSettings, mounts: Mounts) -> Self:
        return cls(back_end=settings.back_end, instances_path=settings.instances_path, mounts=mounts)

    def holds(self, disk: Disk | None, path: str) -> bool:
        """`path` is the file or device that libvirt's bulk record names; empty for a remote or an empty drive."""
        disk = disk or _UNSAID
        if disk.device in _REMOVABLE:
            return False
        match self.back_end.images_type:
            case ImagesType.FS:
                return self._holds_file(disk, path or disk.location)
            case ImagesType.LVM:
                return self._holds_logical_volume(disk, path or disk.location)
            case ImagesType.RBD:
                return self._holds_image(disk, path)

    def _holds_file(self, disk: Disk, path: str) -> bool:
        if disk.type not in ("file", "volume", "") or path.startswith("/dev/"):
            return False
        return not (path.startswith("/") and self.mounts.apart(path, self.instances_path))

    def _holds_logical_volume(self, disk: Disk, path: str) -> bool:
        if disk.type not in ("block", "volume", ""):
            return False
        group = self.back_end.lvm_volume_group
        # The device mapper doubles each hyphen within a name.
        names = (f"/dev/{group}/", f"/dev/mapper/{group.replace('-', '--')}-")
        return path.startswith(names) or not path.startswith("/")

    def _holds_image(self, disk: Disk, path: str) -> bool:
        if disk.type == "network":
            return disk.protocol == "rbd" and disk.location.startswith(f"{self.back_end.rbd_pool}/")
        return disk.type in ("volume", "") and not path.startswith("/")
