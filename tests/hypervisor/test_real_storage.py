"""Disks and storage pools of a real libvirtd: real images, a real volume group, a real Ceph."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from devceph import Ceph
from devhost import Host
from devhost.guest import FIRMWARE
from devlvm import VolumeGroup
from hypertally.api.inventory import StoragePool
from hypertally.hypervisor.audit import audit
from hypertally.hypervisor.back_end import ImagesType
from hypertally.hypervisor.connection import Connection
from hypertally.hypervisor.disk_home import DiskHome
from hypertally.hypervisor.facts import Snapshot
from hypertally.hypervisor.mounts import look_at_mounts
from hypertally.hypervisor.over_commit import over_commit
from hypertally.hypervisor.report import Audit, report
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.snapshot import take_snapshot
from hypertally.hypervisor.spec import parse_connection

MIB = 1024**2


@contextmanager
def connected(host: Host) -> Iterator[Connection]:
    connection = Connection.open(parse_connection(host.uri))
    yield connection
    connection.close()


def snapshot_of(host: Host, **settings: Any) -> Snapshot:
    with connected(host) as connection:
        return take_snapshot(connection, AuditSettings(instances_path=host.images, **settings))


def look(host: Host, **settings: Any) -> Audit:
    with connected(host) as connection:
        return audit(connection, AuditSettings(instances_path=host.images, **settings))


def grown(seen: Snapshot) -> int:
    size = over_commit(seen, DiskHome.of(seen.settings, seen.mounts))
    assert isinstance(size, int)
    return size


def taken(path: Path) -> int:
    return path.stat().st_blocks * 512


def image(path: Path, format_: str, size_mib: int, *options: str, written: tuple[int, int] = (0, 0)) -> Path:
    """`written`: where, and how much, in MiB."""
    run = ["qemu-img", "create", "-q", "-f", format_, *options, str(path), f"{size_mib}M"]
    subprocess.run(run, check=True, timeout=60)
    start, length = written
    if length:
        write = ["qemu-io", "-f", format_, "-c", f"write {start}M {length}M", str(path)]
        subprocess.run(write, check=True, timeout=60, stdout=subprocess.DEVNULL)
    return path


def disk(path: Path, format_: str, target: str, device: str = "disk", bus: str = "virtio") -> str:
    return (
        f"<disk type='file' device='{device}'><driver name='qemu' type='{format_}'/><source file='{path}'/>"
        f"<target dev='{target}' bus='{bus}'/></disk>"
    )


@contextmanager
def guest_with(host: Host, folder: Path, *disks: str, name: str = "stored") -> Iterator[str]:
    document = folder / f"{name}.xml"
    document.write_text(
        f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>"
        f"<os><type arch='x86_64' machine='pc'>hvm</type><loader readonly='yes' type='rom'>{FIRMWARE}</loader></os>"
        f"<devices>{''.join(disks)}<controller type='usb' model='none'/></devices></domain>"
    )
    host.virsh("define", str(document))
    yield host.virsh("domuuid", name)
    host.undefine(name)


@pytest.mark.parametrize("runs", [True, False], ids=["runs", "rests"])
def test_thin_disks_of_every_kind_count_by_what_their_files_take(host: Host, tmp_path: Path, runs: bool) -> None:
    """libvirt tells it in other fields for a guest that runs than for one that is off."""
    base = image(tmp_path / "base.qcow2", "qcow2", 30, written=(0, 5))
    files = {
        "vda": (image(tmp_path / "thin.qcow2", "qcow2", 20, written=(0, 3)), "qcow2", 20),
        "vdb": (image(tmp_path / "full.qcow2", "qcow2", 20, "-o", "preallocation=falloc"), "qcow2", 20),
        "vdc": (image(tmp_path / "full.raw", "raw", 10, "-o", "preallocation=full"), "raw", 10),
        "vdd": (image(tmp_path / "sparse.raw", "raw", 50, written=(40, 3)), "raw", 50),
        "vde": (image(tmp_path / "unwritten.raw", "raw", 40), "raw", 40),
        "vdf": (image(tmp_path / "top.qcow2", "qcow2", 30, "-b", str(base), "-F", "qcow2"), "qcow2", 30),
    }
    disks = [disk(path, format_, target) for target, (path, format_, _) in files.items()]
    disks.append(disk(image(tmp_path / "cd.iso", "raw", 7), "raw", "hdc", "cdrom", "ide"))
    disks.append(disk(image(tmp_path / "fd.img", "raw", 1), "raw", "fda", "floppy", "fdc"))
    with guest_with(host, tmp_path, *disks) as uuid:
        if runs:
            host.virsh("start", uuid)
        seen = snapshot_of(host)
        expected = sum(max(0, size * MIB - taken(path)) for path, _, size in files.values())
        if runs:
            host.destroy_guest(uuid)
    assert expected > 130 * MIB
    assert grown(seen) == expected
    (guest,) = report(seen).content.guests
    assert guest.disk_mib == 20 + 20 + 10 + 50 + 40 + 30
    assert report(seen).problems == ()


def test_what_is_available_is_free_less_growth(host: Host, tmp_path: Path) -> None:
    thin = image(tmp_path / "thin.qcow2", "qcow2", 100 * 1024)
    with guest_with(host, tmp_path, disk(thin, "qcow2", "vda")):
        seen = snapshot_of(host)
        least = report(seen).content.disk_available_least_mib
        ignoring = look(host, ignore_disk_over_commit=True).content.disk_available_least_mib
    free = getattr(seen.disk_space, "free")  # noqa: B009 an Unread has none, and fails here
    assert least == (free - (100 * 1024 * MIB - taken(thin))) // MIB
    # Others write to the machine's disk as well.
    assert ignoring == pytest.approx(free // MIB, abs=1024)


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own."""
    folder = tmp_path / "other"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], check=True, timeout=10)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=10)


def test_a_real_mount_is_told_apart(other_disk: Path, host: Host) -> None:
    mounts = look_at_mounts()
    assert mounts.apart(str(other_disk / "a"), host.images)
    assert not mounts.apart(str(other_disk.parent / "a"), host.images)


# Pools


def pools(seen: Audit) -> dict[str, StoragePool]:
    return {pool.name: pool for pool in seen.content.storage_pools}


@contextmanager
def pool(host: Host, folder: Path, name: str, type_: str, inner: str, *, start: bool = True) -> Iterator[None]:
    document = folder / f"{name}.xml"
    document.write_text(f"<pool type='{type_}'><name>{name}</name>{inner}</pool>")
    host.virsh("pool-define", str(document))
    if start:
        host.virsh("pool-start", name)
    yield
    if start:
        host.virsh("pool-destroy", name)
    host.virsh("pool-undefine", name)


def test_a_folder_and_an_export_are_listed_with_their_identities(host: Host, tmp_path: Path) -> None:
    export = "<source><host name='nfs.example'/><dir path='/export'/></source><target><path>/mnt</path></target>"
    with (
        pool(host, tmp_path, "files", "dir", f"<target><path>{tmp_path}</path></target>"),
        pool(host, tmp_path, "export", "netfs", export, start=False),
    ):
        seen = pools(look(host))
    assert (seen["files"].type, seen["files"].active) == ("dir", True)
    assert seen["files"].identity == f"local:{host.host_uuid}:{tmp_path}"
    facts = os.statvfs(tmp_path)
    assert seen["files"].capacity_mib == facts.f_frsize * facts.f_blocks // MIB
    assert (seen["export"].active, seen["export"].capacity_mib) == (False, None)
    assert seen["export"].identity == "netfs:nfs.example:/export"


def test_a_pool_costs_one_call_and_is_gone_with_the_next_audit(host: Host, tmp_path: Path) -> None:
    with connected(host) as connection:
        settings = AuditSettings(instances_path=host.images)
        audit(connection, settings)

        def calls() -> int:
            before = connection.calls
            audit(connection, settings)
            return connection.calls - before

        without = calls()
        with pool(host, tmp_path, "files", "dir", f"<target><path>{tmp_path}</path></target>"):
            assert calls() == without + 1
        assert calls() == without
    assert pools(look(host)) == {}


def test_a_real_volume_group_is_the_hosts_disk(host: Host, tmp_path: Path, volume_group: VolumeGroup) -> None:
    source = f"<source><name>{volume_group.name}</name></source><target><path>/dev/{volume_group.name}</path></target>"
    with pool(host, tmp_path, "group", "logical", source, start=False):
        seen = look(host, images_type=ImagesType.LVM, lvm_volume_group=volume_group.name)
    content = seen.content
    assert content.capacity is not None
    assert content.measured is not None
    assert (content.capacity.disk_mib, content.measured.disk_mib) == (252, 64)
    assert content.disk_available_least_mib == 188
    assert pools(seen)["group"].identity == f"local:{host.host_uuid}:/dev/{volume_group.name}"
    assert seen.problems == ()


def test_a_missing_volume_group_costs_only_the_disk(host: Host) -> None:
    seen = look(host, images_type=ImagesType.LVM, lvm_volume_group="devlvm-none")
    assert [problem.part for problem in seen.problems] == [
        "capacity diskMiB",
        "measured diskMiB",
        "diskAvailableLeastMiB",
    ]
    assert 'Volume group "devlvm-none" not found' in seen.problems[0].reason


def test_a_real_ceph_is_the_hosts_disk_and_its_pool_is_known_by_its_fsid(
    host: Host, tmp_path: Path, ceph: Ceph
) -> None:
    source = f"<source><host name='127.0.0.1' port='{ceph.v1_port}'/><name>vms</name></source>"
    ceph.run("rbd", "create", "vms/thin", "--size", "1G")
    with pool(host, tmp_path, "images", "rbd", source):
        seen = look(host, images_type=ImagesType.RBD, rbd_pool="vms", ceph_conf=ceph.conf)
    ceph.run("rbd", "rm", "--no-progress", "vms/thin")
    content = seen.content
    assert content.capacity is not None
    assert content.measured is not None
    assert (content.capacity.disk_mib, content.measured.disk_mib) == (2048, 0)
    assert content.disk_available_least_mib is not None
    assert 1800 < content.disk_available_least_mib < 2048
    images = pools(seen)["images"]
    assert (images.type, images.active, images.capacity_mib) == ("rbd", True, 2048)
    assert images.identity == f"rbd:{ceph.fsid}/vms"
    assert seen.problems == ()


def test_a_process_is_asked_once_for_many_audits_in_a_row(
    host: Host, volume_group: VolumeGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = subprocess.run

    def count(command: Any, **how: Any) -> Any:
        asked.append(command[0])
        return real(command, **how)

    monkeypatch.setattr(subprocess, "run", count)
    settings = AuditSettings(images_type=ImagesType.LVM, lvm_volume_group=volume_group.name)
    with connected(host) as connection:
        for _ in range(5):
            audit(connection, settings)
    assert asked == ["vgs"]


# What hangs


def timed(call: Callable[[], Audit]) -> tuple[float, Audit]:
    began = time.monotonic()
    seen = call()
    return time.monotonic() - began, seen


def test_a_file_system_that_hangs_costs_the_disk_and_is_waited_for_once(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hypertally.hypervisor.disk_space.PATIENCE_SECONDS", 0.5)
    with connected(host) as connection:
        settings = AuditSettings(instances_path=host.images)
        last = audit(connection, settings).content
        monkeypatch.setattr(os, "statvfs", lambda _: time.sleep(30))
        first, seen = timed(lambda: audit(connection, settings, last))
        second, again = timed(lambda: audit(connection, settings, last))
    assert seen.content == again.content == last
    assert [problem.part for problem in seen.problems] == [
        "capacity diskMiB",
        "measured diskMiB",
        "diskAvailableLeastMiB",
    ]
    assert "no answer for" in seen.problems[0].reason
    assert first >= 0.5 > second


def test_pools_that_hang_cost_the_pools(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hypertally.hypervisor.pools.PATIENCE_SECONDS", 0.5)
    settings = AuditSettings(instances_path=host.images)
    with (
        pool(host, tmp_path, "files", "dir", f"<target><path>{tmp_path}</path></target>"),
        connected(host) as connection,
    ):
        last = audit(connection, settings).content
        monkeypatch.setattr("hypertally.hypervisor.pools.list_pools", lambda _: time.sleep(30))
        seen = audit(connection, settings, last)
    assert [pool.name for pool in seen.content.storage_pools] == ["files"]
    assert [problem.part for problem in seen.problems] == ["storagePools"]
