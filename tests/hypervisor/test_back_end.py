"""Where guests' disks live, as an agent is told: what cannot be meant is refused."""

from pathlib import Path
from typing import Any

import pytest

from hypertally.hypervisor.back_end import BackEnd, ImagesType
from hypertally.hypervisor.errors import BadSetting
from hypertally.hypervisor.settings import AuditSettings


def test_the_default_is_files() -> None:
    assert AuditSettings().back_end == BackEnd(images_type=ImagesType.FS, ceph_conf=Path("/etc/ceph/ceph.conf"))


@pytest.mark.parametrize(
    "changed",
    [
        {"images_type": ImagesType.LVM, "lvm_volume_group": "vg0"},
        {"images_type": ImagesType.LVM, "lvm_volume_group": "a+b_c.d-e"},
        {"images_type": ImagesType.RBD, "rbd_pool": "vms", "ceph_user": "hypertally"},
    ],
)
def test_what_is_complete_is_taken(changed: dict[str, Any]) -> None:
    assert AuditSettings(**changed).back_end == BackEnd(**changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images_type": ImagesType.LVM}, "images type lvm needs the lvm volume group, which is not set"),
        ({"images_type": ImagesType.RBD}, "images type rbd needs the rbd pool, which is not set"),
        ({"rbd_pool": "vms"}, "rbd pool 'vms' means nothing with images type fs; set images type rbd"),
        ({"lvm_volume_group": "vg0"}, "lvm volume group 'vg0' means nothing with images type fs"),
        ({"images_type": ImagesType.LVM, "lvm_volume_group": "--all"}, "lvm volume group '--all' cannot be used"),
        ({"images_type": ImagesType.LVM, "lvm_volume_group": "a b"}, "lvm volume group 'a b' cannot be used"),
        ({"images_type": ImagesType.LVM, "lvm_volume_group": ".."}, "lvm volume group '..' cannot be used"),
        ({"images_type": ImagesType.RBD, "rbd_pool": "-p"}, "rbd pool '-p' cannot be used"),
        ({"images_type": ImagesType.RBD, "rbd_pool": "a/b"}, "rbd pool 'a/b' cannot be used"),
        ({"ceph_user": "client admin"}, "ceph user 'client admin' cannot be used"),
        ({"ceph_conf": Path("ceph.conf")}, "ceph conf 'ceph.conf' is not absolute; it must begin with /"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_remedy(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSetting) as refused:
        AuditSettings(**changed)
    assert str(refused.value).startswith(message)
