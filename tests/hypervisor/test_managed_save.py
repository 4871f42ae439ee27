"""Guests that are off and go on from a managed save count as what they will be, not as they are defined."""

from pathlib import Path
from typing import Any

from hypertally.hypervisor.disk_home import DiskHome
from hypertally.hypervisor.domain_xml import read_domain
from hypertally.hypervisor.facts import GuestFacts
from hypertally.hypervisor.guests import see_guests
from hypertally.hypervisor.holdings import Ground
from hypertally.hypervisor.image_files import with_files
from hypertally.hypervisor.managed_save import with_save
from hypertally.hypervisor.settings import AuditSettings
from tests.support.snapshots import guest, snapshot

SAVE = """<domain><vcpu>3</vcpu><memory unit='KiB'>163840</memory><devices>
<disk type='file' device='disk'><driver type='raw'/><source file='{a}'/><target dev='vda'/></disk>
<disk type='file' device='disk'><driver type='raw'/><source file='{b}'/><target dev='vdb'/></disk>
<disk type='file' device='cdrom'><target dev='sda'/></disk></devices></domain>"""


def _saved(folder: Path, **stats: Any) -> GuestFacts:
    document = SAVE.format(a=folder / "a", b=folder / "b")
    defined = guest(active=False, document=document, **stats)
    told = with_save(defined.stats, read_domain(document))
    return GuestFacts(defined.uuid, defined.name, defined.active, told, defined.domain, saved=True)


def test_the_larger_size_counts_and_disks_of_the_save_alone_are_named(tmp_path: Path) -> None:
    stats = _saved(tmp_path, block__count=1, block__0__name="vda", block__0__capacity=7).stats
    assert (stats["vcpu.maximum"], stats["balloon.maximum"]) == (3, 163840)
    assert (stats["block.count"], stats["block.1.name"], stats["block.1.path"]) == (2, "vdb", str(tmp_path / "b"))

    larger = _saved(tmp_path, vcpu__maximum=5, balloon__maximum=2**20).stats
    assert (larger["vcpu.maximum"], larger["balloon.maximum"]) == (5, 2**20)


def test_where_the_record_tells_no_sizes_none_are_put_there(tmp_path: Path) -> None:
    stats = _saved(tmp_path, vcpu__maximum=None, balloon__maximum=None, block__count=None).stats
    assert not {"vcpu.maximum", "balloon.maximum", "block.count"} & set(stats)


def test_a_disk_of_the_save_alone_is_as_large_as_its_file(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(bytes(3 * 2**20))
    facts = _saved(tmp_path, block__count=1, block__0__name="vda", block__0__path="/a", block__0__capacity=2**20)
    home = DiskHome.of(AuditSettings(instances_path=tmp_path), snapshot().mounts)

    (seen,) = see_guests([with_files(facts, home)], {}, Ground(home=home))

    assert (seen.guest.disk_mib, seen.guest.memory_mib, seen.guest.vcpus, seen.problems) == (4, 160, 3, ())


def test_a_disk_of_the_save_whose_file_cannot_be_seen_is_unknown(tmp_path: Path) -> None:
    home = DiskHome.of(AuditSettings(instances_path=tmp_path), snapshot().mounts)

    (seen,) = see_guests([with_files(_saved(tmp_path), home)], {}, Ground(home=home))

    assert [problem.reason for problem in seen.problems] == ["size of disk vda unknown", "size of disk vdb unknown"]
