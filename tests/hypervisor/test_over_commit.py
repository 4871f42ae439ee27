"""Disk that is left once every thin disk is full: nova-rules' rows D2 to D14, D22 and D23, in MiB.

Where a test's name says "nova", Nova's value is expected; where it says "design", Nova's is known to be wrong.
"""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.hypervisor.back_end import ImagesType
from hypertally.hypervisor.disk_home import DiskHome
from hypertally.hypervisor.facts import DiskSpace, GuestFacts, Part, Snapshot, Unread
from hypertally.hypervisor.mounts import Mounts, read_mounts
from hypertally.hypervisor.over_commit import ambiguous_files, available_least_mib, over_commit
from hypertally.hypervisor.report import report
from hypertally.hypervisor.settings import AuditSettings
from tests.support.snapshots import guest, snapshot, uuid_of

GIB = 1024**3
MIB = 1024**2
IMAGES = "/var/lib/libvirt/images"


def disk(target: str, format_: str = "qcow2", *, type_: str = "file", device: str = "disk", source: str = "") -> str:
    location = source or (f"file='{IMAGES}/{target}'" if type_ == "file" else f"dev='/dev/mapper/{target}'")
    medium = "" if location == "none" else f"<source {location}/>"
    return f"<disk type='{type_}' device='{device}'><driver type='{format_}'/>{medium}<target dev='{target}'/></disk>"


def running(number: int, *drives: dict[str, Any], xml: str = "") -> GuestFacts:
    """As QEMU answers: what a file takes is `physical`, and `allocation` is the highest offset written so far."""
    return holder(number, [{"rd.reqs": 0, "allocation": 0, **drive} for drive in drives], xml, active=True)


def at_rest(number: int, *drives: dict[str, Any], xml: str = "") -> GuestFacts:
    """As libvirt sees the files of a guest that is off: what a file takes is `allocation`, its length `physical`."""
    return holder(number, list(drives), xml, active=False)


def holder(number: int, drives: list[dict[str, Any]], xml: str, *, active: bool) -> GuestFacts:
    stats: dict[str, Any] = {"block__count": len(drives)}
    for index, drive in enumerate(drives):
        name = drive.get("name", f"vd{'abcdefgh'[index]}")
        told = {"path": f"{IMAGES}/{uuid_of(number)}-{name}", **drive, "name": name}
        stats |= {f"block__{index}__{key.replace('.', '__')}": value for key, value in told.items()}
    return guest(number, active=active, document=f"<domain><devices>{xml}</devices></domain>", **stats)


def home_of(seen: Snapshot) -> DiskHome:
    return DiskHome.of(seen.settings, seen.mounts)


def grown(*guests: GuestFacts, **changed: Any) -> int | Unread:
    seen = snapshot(guests=guests, **changed)
    return over_commit(seen, home_of(seen))


def least(*guests: GuestFacts, **changed: Any) -> int | Unread:
    seen = snapshot(guests=guests, **changed)
    return available_least_mib(seen, home_of(seen)).value


def test_d2_a_preallocated_raw_file_grows_no_more_as_in_nova() -> None:
    size = 10737418240
    assert grown(at_rest(1, {"capacity": size, "allocation": size, "physical": size}, xml=disk("vda", "raw"))) == 0
    whole = running(1, {"capacity": size, "physical": size, "path": "/i/a"}, xml=disk("vda", "raw"))
    assert grown(whole, file_bytes={"/i/a": 20971520 * 512}) == 0


def test_d3_a_qcow2_file_grows_to_its_virtual_size_as_in_nova() -> None:
    assert grown(running(1, {"capacity": 21474836480, "physical": 3328599655}, xml=disk("vda"))) == 18146236825


def test_d4_a_sparse_raw_file_counts_by_its_blocks_as_in_nova() -> None:
    virtual, taken = 53687091200, 3687091200
    assert grown(running(1, {"capacity": virtual, "physical": taken}, xml=disk("vda", "raw"))) == 50000000000
    rests = at_rest(1, {"capacity": virtual, "allocation": taken, "physical": virtual}, xml=disk("vda", "raw"))
    assert grown(rests) == 50000000000


def test_d5_a_file_larger_than_its_disk_gives_nothing_back_as_in_nova() -> None:
    large = running(1, {"capacity": 53687091200, "physical": 54000000000}, xml=disk("vda"))
    assert grown(large) == 0
    thin = running(2, {"capacity": 5 * GIB, "physical": 2 * GIB}, xml=disk("vda"))
    assert grown(large, thin) == 3 * GIB


def test_d6_volumes_of_another_storage_take_nothing_of_the_hosts_disk_as_in_nova() -> None:
    xml = disk("vda", "raw") + disk("vdb") + disk("vdc", "raw", type_="block", source="dev='/dev/sdc'")
    xml += disk("vdd", "raw", type_="network", source="protocol='rbd' name='volumes/7'")
    seen = running(
        1,
        {"capacity": 10 * GIB, "physical": 9 * GIB},
        {"capacity": 20 * GIB, "physical": 3 * GIB},
        {"capacity": 40 * GIB, "physical": 1 * GIB, "path": "/dev/sdc"},
        {"capacity": 80 * GIB, "physical": 1 * GIB, "path": None},
        xml=xml,
    )
    assert grown(seen) == 18 * GIB
    assert report(snapshot(guests=(seen,))).content.guests[0].disk_mib == 30 * 1024


@pytest.mark.parametrize("images_type", [ImagesType.FS, ImagesType.LVM])
def test_d7_and_d8_a_block_device_never_grows_as_in_nova(images_type: ImagesType) -> None:
    group = "" if images_type is ImagesType.FS else "vg0"
    settings = AuditSettings(images_type=images_type, lvm_volume_group=group)
    device = {"capacity": 8 * GIB, "physical": 8 * GIB, "path": "/dev/vg0/a"}
    block = running(1, device, xml=disk("vda", "raw", type_="block", source="dev='/dev/vg0/a'"))
    assert grown(block, settings=settings) == 0
    size = report(snapshot(guests=(block,), settings=settings)).content.guests[0].disk_mib
    assert size == (0 if images_type is ImagesType.FS else 8192)


def test_d9_guests_that_are_off_count_as_in_nova() -> None:
    runs = running(1, {"capacity": 21474836480, "physical": 10821304320}, xml=disk("vda"))
    rests = at_rest(2, {"capacity": 10737418240, "allocation": 5350000000, "physical": 6000000000}, xml=disk("vda"))
    assert grown(runs, rests) == 10653532160 + 5387418240


def test_d10_and_d11_a_disk_that_cannot_be_sized_leaves_the_sum_unknown_by_design() -> None:
    """Nova takes it for nothing, and promises space that is not there."""
    known = running(1, {"capacity": 2 * 42949672960, "physical": 42949672960}, xml=disk("vda"))
    gone, denied = (at_rest(number, {}, xml=disk("vda")) for number in (2, 3))
    assert grown(known, guest(4)) == 42949672960
    assert grown(known, gone) == Unread(f"size of disk vda of guest {uuid_of(2)} unknown")
    assert grown(known, denied, gone) == Unread(f"size of disk vda of guest {uuid_of(2)} and 1 more unknown")


def test_d10_what_was_known_stays_and_the_disk_is_named_by_design() -> None:
    known = running(1, {"capacity": 2 * MIB, "physical": MIB}, xml=disk("vda"))
    last = report(snapshot(guests=(known,))).content
    assert last.disk_available_least_mib == 699
    audit = report(snapshot(guests=(at_rest(1, {}, xml=disk("vda")),)), last)
    assert audit.content.disk_available_least_mib == 699
    assert f"diskAvailableLeastMiB: size of disk vda of guest {uuid_of(1)} unknown" in map(str, audit.problems)


def space(free: int) -> DiskSpace:
    return DiskSpace(total=100 * GIB, free=free, used=20 * GIB)


def test_d12_without_thin_disks_all_that_is_free_is_available_as_in_nova() -> None:
    assert least(disk_space=space(80 * GIB)) == 80 * 1024


def test_d13_what_disks_may_grow_by_is_taken_off_in_mib_by_design() -> None:
    """Nova's 65 GiB lose 63 MiB."""
    thin = running(1, {"capacity": 20 * GIB, "physical": 20 * GIB - 16040950400}, xml=disk("vda"))
    assert least(thin, disk_space=space(80 * GIB)) == 66622


@pytest.mark.parametrize(("free", "mib"), [(-MIB // 2, -1), (-19 * MIB // 10, -2), (MIB // 2, 0)])
def test_d14_below_zero_it_is_rounded_down_by_design(free: int, mib: int) -> None:
    """Nova rounds towards zero, and so promises up to a GiB that is not there."""
    thin = running(1, {"capacity": GIB - free, "physical": 0}, xml=disk("vda"))
    assert least(thin, disk_space=space(GIB)) == mib


def test_d22_an_empty_drive_shifts_nothing_as_in_nova() -> None:
    xml = disk("hda", device="cdrom", source="none") + disk("vda") + disk("vdb")
    seen = running(
        1,
        {"name": "hda", "path": None},
        {"name": "vda", "capacity": 4 * GIB, "physical": GIB},
        {"name": "vdb", "capacity": 8 * GIB, "physical": GIB},
        xml=xml,
    )
    assert grown(seen) == 10 * GIB


@pytest.mark.parametrize("device", ["cdrom", "floppy"])
def test_a_medium_that_is_inserted_is_no_disk_of_the_guest(device: str) -> None:
    xml = disk("hda", "raw", device=device) + disk("vda")
    drives = ({"name": "hda", "capacity": 700 * MIB, "physical": 0}, {"name": "vda", "capacity": GIB, "physical": GIB})
    for seen in (running(1, *drives, xml=xml), at_rest(1, *drives, xml=xml)):
        assert report(snapshot(guests=(seen,))).content.guests[0].disk_mib == 1024
    assert grown(running(1, *drives, xml=xml)) == 0


def test_d23_a_guest_that_nobody_declared_counts_as_in_nova() -> None:
    stray = running(1, {"capacity": 9 * GIB, "physical": 4 * GIB}, xml=disk("vda"))
    assert least(stray, disk_space=space(80 * GIB)) == 75 * 1024


def test_only_the_topmost_image_of_a_chain_grows() -> None:
    """libvirt tells the disk's size and what its top image takes; the images below are no entries of their own."""
    top = running(1, {"capacity": 30 * MIB, "physical": 200704}, xml=disk("vda"))
    assert grown(top) == 30 * MIB - 200704


def test_the_switch_leaves_growth_out_even_where_it_is_unknown() -> None:
    settings = AuditSettings(ignore_disk_over_commit=True)
    thin = running(1, {"capacity": 20 * GIB, "physical": GIB}, xml=disk("vda"))
    assert least(thin, at_rest(2, {}, xml=disk("vda")), disk_space=space(80 * GIB), settings=settings) == 80 * 1024


def test_an_unwritten_raw_file_which_libvirt_takes_for_a_full_one_is_looked_at() -> None:
    fresh = running(1, {"capacity": GIB, "physical": GIB, "path": f"{IMAGES}/a.raw"}, xml=disk("vda", "raw"))
    assert list(ambiguous_files((fresh,), DiskHome())) == [f"{IMAGES}/a.raw"]
    assert grown(fresh, file_bytes={f"{IMAGES}/a.raw": 0}) == GIB
    assert grown(fresh) == 0


@pytest.mark.parametrize(
    "drive",
    [{"capacity": GIB, "physical": GIB - 1}, {"capacity": 0, "physical": 0}, {"capacity": GIB, "physical": 2 * GIB}],
)
def test_a_file_that_libvirt_knows_is_not_looked_at(drive: dict[str, int]) -> None:
    assert list(ambiguous_files((running(1, drive, xml=disk("vda", "raw")),), DiskHome())) == []


def test_a_qcow2_file_is_never_looked_at() -> None:
    full = running(1, {"capacity": GIB, "physical": GIB}, xml=disk("vda"))
    assert list(ambiguous_files((full,), DiskHome())) == []


def test_a_file_of_nothing_at_all_is_told_by_a_missing_allocation() -> None:
    assert grown(at_rest(1, {"capacity": GIB, "physical": GIB}, xml=disk("vda", "raw"))) == GIB


MOUNTS = read_mounts(
    "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /var/lib/libvirt rw - xfs /dev/sdb rw\n"
    "3 1 8:3 / /srv/my\\040disks rw - xfs /dev/sdc rw\n"
)


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        (f"{IMAGES}/a", True),
        ("/srv/my disks/a", False),
        ("/home/a", True),  # of the root file system: in a container, it need not be the host's
    ],
)
def test_a_file_on_another_file_system_takes_nothing_of_this_one(path: str, counts: bool) -> None:
    seen = running(1, {"capacity": 5 * MIB, "physical": MIB, "path": path}, xml=disk("vda"))
    assert grown(seen, mounts=MOUNTS) == (4 * MIB if counts else 0)
    assert report(snapshot(guests=(seen,), mounts=MOUNTS)).content.guests[0].disk_mib == (5 if counts else 0)


def test_where_the_kernel_tells_no_mounts_every_file_counts() -> None:
    assert grown(running(1, {"capacity": 5 * MIB, "physical": MIB, "path": "/srv/a"}, xml=disk("vda"))) == 4 * MIB


LVM = AuditSettings(images_type=ImagesType.LVM, lvm_volume_group="vg-0")
RBD = AuditSettings(images_type=ImagesType.RBD, rbd_pool="vms")


@pytest.mark.parametrize(
    ("settings", "xml", "path", "counts"),
    [
        (LVM, disk("vda", type_="block", source="dev='/dev/vg-0/a'"), "/dev/vg-0/a", True),
        (LVM, disk("vda", type_="block", source="dev='/dev/mapper/vg--0-a'"), "/dev/mapper/vg--0-a", True),
        (LVM, disk("vda", type_="block", source="dev='/dev/vg-01/a'"), "/dev/vg-01/a", False),
        (LVM, disk("vda", type_="block", source="dev='/dev/sdc'"), "/dev/sdc", False),
        (LVM, disk("vda"), f"{IMAGES}/vda", False),
        (LVM, disk("vda", type_="network", source="protocol='rbd' name='vms/a'"), None, False),
        (LVM, "", "/dev/vg-0/a", True),
        (RBD, disk("vda", type_="network", source="protocol='rbd' name='vms/a'"), None, True),
        (RBD, disk("vda", type_="network", source="protocol='rbd' name='volumes/a'"), None, False),
        (RBD, disk("vda", type_="network", source="protocol='nbd' name='vms/a'"), None, False),
        (RBD, disk("vda"), f"{IMAGES}/vda", False),
        (RBD, "", None, True),
        (AuditSettings(), disk("vda", type_="network", source="protocol='rbd' name='vms/a'"), None, False),
        (AuditSettings(), disk("vda", type_="nvme", source="namespace='1'"), None, False),
        (AuditSettings(), disk("vda", type_="volume", source="pool='p' volume='v'"), f"{IMAGES}/v", True),
        (AuditSettings(), disk("vda", type_="volume", source="pool='p' volume='v'"), "/dev/vg/v", False),
        (AuditSettings(), "", f"{IMAGES}/vda", True),
        (AuditSettings(), "", "/dev/sdc", False),
    ],
)
def test_a_drive_counts_where_it_lives(settings: AuditSettings, xml: str, path: str | None, counts: bool) -> None:
    seen = running(1, {"capacity": 7 * MIB, "physical": MIB, "path": path}, xml=xml)
    assert report(snapshot(guests=(seen,), settings=settings)).content.guests[0].disk_mib == (7 if counts else 0)


def test_a_volume_elsewhere_of_a_guest_that_is_off_is_no_gap_in_the_inventory() -> None:
    xml = disk("vda", type_="network", source="protocol='rbd' name='volumes/7'")
    audit = report(snapshot(guests=(at_rest(1, {"path": None}, xml=xml),)))
    assert audit.problems == ()
    assert audit.content.disk_available_least_mib == 700


def test_files_of_a_host_whose_disks_are_in_ceph_take_nothing_of_ceph() -> None:
    thin = running(1, {"capacity": 20 * GIB, "physical": GIB}, xml=disk("vda"))
    assert least(thin, disk_space=space(80 * GIB), settings=RBD) == 80 * 1024


def test_unread_guests_and_unread_space_are_unknown() -> None:
    seen = snapshot(guests=Unread("no"))
    assert available_least_mib(seen, DiskHome()) == Part(Unread("disks of the guests: no"))
    assert available_least_mib(snapshot(disk_space=Unread("no")), DiskHome()) == Part(Unread("no"))


# What is free moves all the time, and must not be news each time.


def test_free_disk_that_moves_by_less_than_a_hundredth_is_no_change() -> None:
    last = report(snapshot()).content
    for free, is_news in ((700 * MIB - 9 * MIB, False), (700 * MIB + 9 * MIB, False), (700 * MIB - 10 * MIB, True)):
        seen = report(snapshot(disk_space=DiskSpace(total=1000 * MIB, free=free, used=200 * MIB)), last).content
        assert (seen != last) is is_news


def test_a_guest_that_writes_to_its_thin_disk_changes_nothing() -> None:
    """What it takes was taken off before: free and growth shrink together."""
    before = least(running(1, {"capacity": 400 * MIB, "physical": 100 * MIB}, xml=disk("vda")))
    after = least(
        running(1, {"capacity": 400 * MIB, "physical": 250 * MIB}, xml=disk("vda")),
        disk_space=DiskSpace(total=1000 * MIB, free=550 * MIB, used=350 * MIB),
    )
    assert before == after == 400


# Whatever libvirt says

VALUES = st.one_of(st.integers(-(2**64), 2**64), st.text(max_size=6))
KEYS = [f"block.{number}.{key}" for number in (0, 1, 2) for key in ("name", "path", "capacity", "rd.reqs")]
KEYS += [f"block.{number}.{key}" for number in (0, 1, 2) for key in ("allocation", "physical")]
RECORDS = st.builds(
    lambda record, count: record | {"block.count": count},
    st.dictionaries(st.sampled_from(KEYS), VALUES),
    st.one_of(st.integers(-1, 10**12), st.text(max_size=3)),
)
XMLS = st.sampled_from(["", disk("vda"), disk("vda", "raw"), disk("hda", device="cdrom"), disk("vdb", type_="volume")])
SETTINGS = st.sampled_from([AuditSettings(), LVM, RBD, AuditSettings(ignore_disk_over_commit=True)])


@given(st.lists(st.tuples(RECORDS, XMLS), max_size=4), SETTINGS, st.randoms(use_true_random=False))
def test_growth_is_never_negative_and_does_not_depend_on_the_order(
    records: list[tuple[dict[str, Any], str]], settings: AuditSettings, chance: Random
) -> None:
    guests = [
        GuestFacts(
            uuid_of(number), "g", active=True, stats=stats,
            domain=guest(number, document=f"<domain><devices>{xml}</devices></domain>").domain,
        )
        for number, (stats, xml) in enumerate(records)
    ]  # fmt: skip
    seen = grown(*guests, settings=settings)
    assert isinstance(seen, Unread) or seen >= 0
    chance.shuffle(guests)
    assert grown(*guests, settings=settings) == seen


@given(st.integers(0, 2**50), st.integers(0, 2**50), st.integers(0, 2**50))
def test_available_plus_growth_is_free(free: int, capacity: int, taken: int) -> None:
    thin = running(1, {"capacity": capacity, "physical": taken}, xml=disk("vda"))
    available = least(thin, disk_space=DiskSpace(total=2**50, free=free, used=0))
    assert available == (free - max(0, capacity - taken)) // MIB


@given(st.text(max_size=200), st.text(alphabet="/ab \\040", max_size=20))
def test_any_table_of_mounts_is_read(table: str, path: str) -> None:
    assert read_mounts(table).apart(path, Path("/a")) in (True, False)
    assert not Mounts().apart(path, Path("/a"))
