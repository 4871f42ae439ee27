"""Where guests' disks live, as an agent is told: a file system, an LVM volume group or a Ceph pool."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .errors import BadSetting

DEFAULT_CEPH_CONF = Path("/etc/ceph/ceph.conf")

_VOLUME_GROUP = re.compile(r"(?!-)(?!\.{1,2}$)[A-Za-z0-9+_.-]{1,127}")
"""lvm(8), VALID NAMES."""
_RBD_POOL = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,128}")
"""Ceph takes almost any name; these are what people use, and nothing that a command could take for an option."""
_CEPH_USER = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,128}")


class ImagesType(StrEnum):
    """Nova's images_type; raw, flat, qcow2 and ploop are all files."""

    FS = "fs"
    LVM = "lvm"
    RBD = "rbd"


@dataclass(frozen=True, kw_only=True)
class BackEnd:
    """`lvm_volume_group` with LVM, and only with it, `rbd_pool` with RBD.

    `ceph_user`: name of the Ceph client without its `client.`; empty means Ceph's own default, admin.
    """

    images_type: ImagesType = ImagesType.FS
    lvm_volume_group: str = ""
    rbd_pool: str = ""
    ceph_conf: Path = DEFAULT_CEPH_CONF
    ceph_user: str = ""

    def __post_init__(self) -> None:
        _check("lvm volume group", self.lvm_volume_group, _VOLUME_GROUP, "letters, digits and +_.-, 127 at most")
        _check("rbd pool", self.rbd_pool, _RBD_POOL, "letters, digits and _.-, 128 at most")
        _check("ceph user", self.ceph_user, _CEPH_USER, "letters, digits and _.-, such as hypertally")
        if not self.ceph_conf.is_absolute():
            raise BadSetting(f"ceph conf {str(self.ceph_conf)!r} is not absolute; it must begin with /")
        self._require("lvm volume group", self.lvm_volume_group, ImagesType.LVM)
        self._require("rbd pool", self.rbd_pool, ImagesType.RBD)

    def _require(self, name: str, value: str, needed_by: ImagesType) -> None:
        if self.images_type is needed_by and not value:
            raise BadSetting(f"images type {needed_by} needs the {name}, which is not set")
        if self.images_type is not needed_by and value:
            raise BadSetting(
                f"{name} {value!r} means nothing with images type {self.images_type}; "
                f"set images type {needed_by}, or leave the {name} out"
            )


def _check(name: str, value: str, form: re.Pattern[str], allowed: str) -> None:
    if value and not form.fullmatch(value):
        raise BadSetting(f"{name} {value!r} cannot be used; allowed are {allowed}, and no hyphen at the beginning")
