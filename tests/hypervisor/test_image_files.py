"""Sizes of disks whose QEMU cannot be asked, from their files: of a guest that comes in by a live migration."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hypertally.hypervisor.back_end import ImagesType
from hypertally.hypervisor.disk_home import DiskHome
from hypertally.hypervisor.facts import GuestFacts, Unread
from hypertally.hypervisor.guests import see_guests
from hypertally.hypervisor.holdings import Ground
from hypertally.hypervisor.image_files import look_at_image, with_files
from hypertally.hypervisor.over_commit import over_commit
from hypertally.hypervisor.settings import AuditSettings
from tests.support.snapshots import guest, snapshot

MIB = 1024**2


def qcow2(size: int) -> bytes:
    """As much of a header as tells the size: magic, version 3, no backing file, 64 KiB clusters."""
    return b"QFI\xfb" + (3).to_bytes(4) + bytes(8) + bytes(4) + (16).to_bytes(4) + size.to_bytes(8) + bytes(72)


def coming_in(path: Path, format_: str, **told: Any) -> GuestFacts:
    """As libvirt tells of a guest whose memory is on its way: a path, and nothing of QEMU's."""
    xml = f"<disk type='file' device='disk'><driver type='{format_}'/><source file='{path}'/><target dev='vda'/></disk>"
    stats = {"block__count": 1, "block__0__name": "vda", "block__0__path": str(path), **told}
    return guest(document=f"<domain><devices>{xml}</devices></domain>", **stats)


def home(folder: Path, **settings: Any) -> DiskHome:
    return DiskHome.of(AuditSettings(instances_path=folder, **settings), snapshot().mounts)


def test_a_raw_disk_is_as_large_as_its_file_is_long(tmp_path: Path) -> None:
    disk = tmp_path / "a.raw"
    disk.touch()
    os.truncate(disk, 8 * MIB)
    assert look_at_image(str(disk), "raw") == {"capacity": 8 * MIB, "allocation": 0}


def test_a_qcow2_disk_is_as_large_as_its_header_says(tmp_path: Path) -> None:
    disk = tmp_path / "a.qcow2"
    disk.write_bytes(qcow2(20 * MIB))
    assert look_at_image(str(disk), "qcow2")["capacity"] == 20 * MIB


def test_a_raw_disk_into_which_its_guest_wrote_a_header_keeps_its_length(tmp_path: Path) -> None:
    disk = tmp_path / "a.raw"
    disk.write_bytes(qcow2(1).ljust(MIB, b"\0"))
    assert look_at_image(str(disk), "raw")["capacity"] == MIB


@pytest.mark.parametrize("content", [b"", b"QFI\xfb", bytes(104), b"QED\0".ljust(104, b"\1")])
def test_a_header_that_is_none_tells_nothing(tmp_path: Path, content: bytes) -> None:
    disk = tmp_path / "a.qcow2"
    disk.write_bytes(content)
    assert look_at_image(str(disk), "qcow2") == {}


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def nothing(_: Path) -> None:
    pass


@pytest.mark.parametrize("make", [a_folder, a_pipe, nothing])
def test_what_is_no_file_tells_nothing_and_keeps_nobody_waiting(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a.raw")
    assert look_at_image(str(tmp_path / "a.raw"), "raw") == {}


@pytest.mark.parametrize("format_", ["", "vmdk", "luks"])
def test_other_formats_are_left_to_qemu(tmp_path: Path, format_: str) -> None:
    (tmp_path / "a").write_bytes(qcow2(MIB))
    assert look_at_image(str(tmp_path / "a"), format_) == {}


def test_a_guest_that_comes_in_is_charged_its_disk_and_leaves_no_gap_in_the_inventory(tmp_path: Path) -> None:
    (tmp_path / "a.qcow2").write_bytes(qcow2(20 * MIB))
    seen = with_files(coming_in(tmp_path / "a.qcow2", "qcow2", vcpu__maximum=1, balloon__maximum=1024), home(tmp_path))
    found = see_guests([seen], {}, Ground(real_disks=True, home=home(tmp_path)))[0]
    assert found.guest.disk_mib == 20
    assert found.problems == ()


def test_what_its_disk_may_still_grow_by_is_known_as_well(tmp_path: Path) -> None:
    disk = tmp_path / "a.raw"
    disk.write_bytes(os.urandom(MIB))
    os.truncate(disk, 8 * MIB)
    taken = disk.stat().st_blocks * 512
    seen = snapshot(guests=(with_files(coming_in(disk, "raw"), home(tmp_path)),))
    assert over_commit(seen, home(tmp_path)) == 8 * MIB - taken


def test_what_qemu_says_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.qcow2").write_bytes(qcow2(20 * MIB))
    told = coming_in(tmp_path / "a.qcow2", "qcow2", block__0__capacity=5 * MIB)
    assert with_files(told, home(tmp_path)) is told


def test_a_file_that_cannot_be_seen_from_here_stays_unknown(tmp_path: Path) -> None:
    away = coming_in(tmp_path / "away.raw", "raw")
    assert with_files(away, home(tmp_path)) is away


def test_a_guest_whose_xml_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(MIB))
    stats = coming_in(tmp_path / "a.raw", "raw").stats
    dumb = GuestFacts("u", "n", active=True, stats=stats, domain=Unread("gone"))
    assert with_files(dumb, home(tmp_path)) is dumb


def test_files_are_not_looked_at_where_disks_live_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(MIB))
    told = coming_in(tmp_path / "a.raw", "raw")
    lvm = home(tmp_path, images_type=ImagesType.LVM, lvm_volume_group="vg")
    assert with_files(told, lvm) is told
