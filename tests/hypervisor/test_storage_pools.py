"""libvirt's storage pools, each with what it stands on, so that shared storage can be counted once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.api.inventory import StoragePool
from hypertally.hypervisor.ceph_conf import CephConf
from hypertally.hypervisor.facts import Absent, Part, PoolFacts, Problem, Unread
from hypertally.hypervisor.report import report
from hypertally.hypervisor.storage_pools import storage_pools
from tests.support.snapshots import HOST_UUID, snapshot, uuid_of

MIB = 1024**2
FSID = "d6325fb5-4813-469f-bfb3-6cc8c985d873"
CEPH = CephConf(FSID, frozenset({"10.0.0.1", "10.0.0.2"}))


def document(type_: str = "dir", source: str = "", target: str = "/images", capacity: int = 100 * MIB) -> str:
    return (
        f"<pool type='{type_}'><name>pool</name><capacity unit='bytes'>{capacity}</capacity>"
        f"<allocation unit='bytes'>{30 * MIB + 1}</allocation><available unit='bytes'>{70 * MIB - 1}</available>"
        f"<source>{source}</source><target><path>{target}</path></target></pool>"
    )


def facts(number: int = 1, text: str | Unread | None = None, *, active: bool = True) -> PoolFacts:
    return PoolFacts(uuid_of(number), f"pool-{number}", active, document() if text is None else text)


def look(*pools: PoolFacts, last: tuple[StoragePool, ...] = (), ceph: CephConf = CEPH) -> Part[tuple[StoragePool, ...]]:
    return storage_pools(snapshot(storage_pools=pools, ceph=ceph), HOST_UUID, last)


def listed(*pools: PoolFacts, **changed: Any) -> tuple[StoragePool, ...]:
    found = look(*pools, **changed).value
    assert isinstance(found, tuple)
    return found


def test_an_active_pool_has_sizes_rounded_down() -> None:
    assert listed(facts()) == (
        StoragePool(
            name="pool-1", uuid=uuid_of(1), type="dir", active=True, identity=f"local:{HOST_UUID}:/images",
            capacity_mib=100, allocation_mib=30, available_mib=69,
        ),
    )  # fmt: skip


def test_a_pool_that_is_not_started_has_no_sizes_rather_than_zeros() -> None:
    (pool,) = listed(facts(active=False, text=document(capacity=0)))
    assert (pool.active, pool.capacity_mib, pool.allocation_mib, pool.available_mib) == (False, None, None, None)


def identity(type_: str, source: str, target: str = "", ceph: CephConf = CEPH) -> str:
    return listed(facts(text=document(type_, source, target)), ceph=ceph)[0].identity


NFS = "<host name='NFS.example'/><dir path='/export'/><format type='nfs'/>"
RBD = "<host name='10.0.0.2' port='6789'/><host name='10.0.0.9'/><name>vms</name>"


@pytest.mark.parametrize(
    ("type_", "source", "target", "expected"),
    [
        ("netfs", NFS, "/mnt", "netfs:nfs.example:/export"),
        ("gluster", "<host name='g2'/><host name='g1'/><name>v</name><dir path='/in'/>", "", "gluster:g1,g2:v/in"),
        ("iscsi", "<host name='10.0.0.5'/><device path='iqn.2013-06.x:t'/>", "/dev", "iscsi:10.0.0.5:iqn.2013-06.x:t"),
        ("rbd", RBD, "", f"rbd:{FSID}/vms"),
        ("rbd", "<name>vms</name>", "", f"rbd:{FSID}/vms"),
        ("rbd", "<host name='10.7.7.8'/><host name='10.7.7.7'/><name>vms</name>", "", "rbd:10.7.7.7,10.7.7.8/vms"),
        ("logical", "<device path='/dev/sdb'/><name>vg0</name>", "/dev/vg0", f"local:{HOST_UUID}:/dev/vg0"),
        ("logical", "<name>vg0</name>", "", f"local:{HOST_UUID}:vg0"),
        ("disk", "<device path='/dev/sdb'/>", "", f"local:{HOST_UUID}:/dev/sdb"),
        ("disk", "<device path='/dev/sdb'/>", "/dev", f"local:{HOST_UUID}:/dev/sdb"),
        (
            "scsi",
            "<adapter type='scsi_host' name='scsi_host3'/>",
            "/dev/disk/by-path",
            f"local:{HOST_UUID}:name=scsi_host3,type=scsi_host",
        ),
        (
            "scsi",
            "<adapter type='fc_host' wwnn='20' wwpn='10'/>",
            "/dev/disk/by-path",
            f"local:{HOST_UUID}:type=fc_host,wwnn=20,wwpn=10",
        ),
        (
            "scsi",
            "<adapter type='scsi_host'><parentaddr unique_id='5'><address bus='0x2'/></parentaddr></adapter>",
            "/dev/disk/by-path",
            f"local:{HOST_UUID}:bus=0x2,type=scsi_host,unique_id=5",
        ),
        ("mpath", "", "", f"local:{HOST_UUID}:pool"),
        ("netfs", "<dir path='/export'/>", "/mnt", f"local:{HOST_UUID}:/mnt"),
    ],
)
def test_an_identity_says_what_the_pool_stands_on(type_: str, source: str, target: str, expected: str) -> None:
    assert identity(type_, source, target) == expected


def test_two_hosts_that_mount_one_export_elsewhere_tell_one_identity() -> None:
    assert identity("netfs", NFS, "/mnt") == identity("netfs", NFS, "/srv/nfs")


def test_two_hosts_that_name_other_monitors_of_one_cluster_tell_one_identity() -> None:
    other = "<host name='10.0.0.1'/><name>vms</name>"
    assert identity("rbd", RBD) == identity("rbd", other)
    assert identity("rbd", RBD, ceph=CephConf()) != identity("rbd", other, ceph=CephConf())


def test_two_hosts_with_folders_of_one_name_have_two_storages() -> None:
    other = "1a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
    seen = storage_pools(snapshot(storage_pools=(facts(),)), other, ()).value
    assert isinstance(seen, tuple)
    assert seen[0].identity != listed(facts())[0].identity


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (Unread("it hangs"), "it hangs"),
        ("<pool", "XML cannot be parsed: ParseError: unclosed token: line 1, column 0"),
        ("<pool/>", "its document lacks its type or a size"),
        ("<pool type='dir'><capacity>x</capacity></pool>", "its document lacks its type or a size"),
    ],
)
def test_a_broken_pool_costs_itself_only(text: str | Unread, reason: str) -> None:
    well, sick = facts(2), facts(1, text)
    assert look(sick, well) == Part(listed(well), (Problem("storage pool pool-1", reason),))
    last = listed(facts(1), well)
    assert look(sick, well, last=last).value == last


def test_pools_that_cannot_be_listed_stay_as_they_were() -> None:
    last = report(snapshot(storage_pools=(facts(),))).content
    audit = report(snapshot(storage_pools=Unread("no answer for 5 s")), last)
    assert audit.content.storage_pools == last.storage_pools
    assert [str(problem) for problem in audit.problems] == ["storagePools: no answer for 5 s"]


def test_a_storage_daemon_that_is_not_there_has_no_pools_unless_some_are_known() -> None:
    without = snapshot(storage_pools=Absent("no such socket"))
    never = report(without)
    assert (never.content.storage_pools, never.problems) == ((), ())
    last = report(snapshot(storage_pools=(facts(),))).content
    audit = report(without, last)
    assert audit.content.storage_pools == last.storage_pools
    assert [str(problem) for problem in audit.problems] == ["storagePools: no such socket"]


def test_a_hypervisor_without_storage_driver_has_no_pools_and_no_problem() -> None:
    audit = report(snapshot(storage_pools=None))
    assert (audit.content.storage_pools, audit.problems) == ((), ())


@pytest.mark.parametrize(("taken", "is_news"), [(34, False), (36, True)])
def test_what_is_free_in_a_pool_is_news_from_a_twentieth_on(taken: int, is_news: bool) -> None:
    last = report(snapshot(storage_pools=(facts(),))).content
    text = document().replace(str(30 * MIB + 1), str(taken * MIB)).replace(str(70 * MIB - 1), str((100 - taken) * MIB))
    assert (report(snapshot(storage_pools=(facts(1, text),)), last).content != last) is is_news


TEXTS = st.text(alphabet="ab/:,[]. \u00e4", max_size=12)


@given(
    st.sampled_from(["dir", "rbd", "netfs", "gluster", "iscsi", "logical", "new", ""]),
    st.lists(TEXTS, max_size=3),
    TEXTS,
    st.one_of(st.integers(), TEXTS),
)
def test_whatever_a_pool_says_it_is_listed_or_named(type_: str, hosts: list[str], name: str, size: object) -> None:
    source = "".join(f"<host name='{host}'/>" for host in hosts) + f"<name>{name}</name><dir path='{name}'/>"
    text = document(type_, source, name).replace(str(100 * MIB), str(size))
    seen = look(facts(1, text))
    assert isinstance(seen.value, tuple)
    assert len(seen.value) + len(seen.problems) == 1
    for pool in seen.value:
        assert pool.identity
        assert min(pool.capacity_mib or 0, pool.allocation_mib or 0, pool.available_mib or 0) >= 0
    order = look(facts(2), facts(1, text)).value, look(facts(1, text), facts(2)).value
    assert order[0] == order[1]
