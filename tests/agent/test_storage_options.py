"""The disk back end, as flags and environment tell it: a mistake is one line that says what is allowed."""

import pytest

from hypertally.agent.options import parse
from hypertally.hypervisor.back_end import ImagesType
from hypertally.serving.options import UsageError

NEEDED = ["--connection=test:///default", "--once"]


def test_files_are_the_default() -> None:
    assert parse(NEEDED, {}).audit.images_type is ImagesType.FS


def test_flags_and_environment_name_the_pool() -> None:
    audit = parse([*NEEDED, "--images-type=rbd"], {"HYPERTALLY_RBD_POOL": "vms", "HYPERTALLY_CEPH_USER": "ht"}).audit
    assert (audit.images_type, audit.rbd_pool, audit.ceph_user) == (ImagesType.RBD, "vms", "ht")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--images-type=zfs"], "--images-type: 'zfs' is unknown; allowed are fs, lvm, rbd"),
        (["--images-type=lvm"], "images type lvm needs the lvm volume group, which is not set"),
        (["--lvm-volume-group=vg0"], "lvm volume group 'vg0' means nothing with images type fs"),
        (["--ceph-conf=ceph.conf"], "ceph conf 'ceph.conf' is not absolute"),
        (["--ignore-disk-over-commit=maybe"], "--ignore-disk-over-commit: 'maybe' is unknown"),
    ],
)
def test_a_mistake_is_one_line(flags: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse([*NEEDED, *flags], {})
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
