"""The instances' file system, by Nova's arithmetic, in MiB."""

import os
from pathlib import Path

import pytest

from hypertally.hypervisor import disk
from hypertally.hypervisor.disk_space import look_at_folder
from hypertally.hypervisor.facts import DiskSpace, Unread

GIB = 1024**3


class Statvfs:
    f_frsize, f_blocks, f_bfree, f_bavail = 4096, 2000, 1000, 900


def test_d1_free_leaves_out_roots_reserve_and_used_does_not_count_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: Statvfs)
    seen = look_at_folder(Path("/instances"))
    assert seen == DiskSpace(total=8192000, free=3686400, used=4096000)
    assert (disk.total_mib(seen), disk.used_mib(seen)) == (7, 3)


def test_d12_whole_gibibytes_come_out_whole() -> None:
    seen = DiskSpace(total=100 * GIB, free=80 * GIB, used=20 * GIB)
    assert (disk.total_mib(seen), disk.used_mib(seen)) == (102400, 20480)


def test_d15_a_size_is_rounded_down_but_to_mebibytes_where_nova_loses_almost_a_gibibyte() -> None:
    assert disk.total_mib(DiskSpace(total=int(99.99 * GIB), free=0, used=0)) == 102389


def test_a_folder_that_is_missing_is_unknown_and_named(tmp_path: Path) -> None:
    missing = tmp_path / "images"
    assert look_at_folder(missing) == Unread(f"{missing} does not exist; create it or set another instances path")


def test_a_path_through_a_file_is_unknown_and_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert look_at_folder(tmp_path / "file" / "images") == Unread(f"{tmp_path}/file/images: Not a directory")


def test_a_real_folder_is_measured(tmp_path: Path) -> None:
    seen = look_at_folder(tmp_path)
    assert isinstance(seen, DiskSpace)
    assert 0 < seen.used + seen.free <= seen.total
