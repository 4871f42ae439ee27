"""A Ceph pool in bytes of guests' data: nova-rules' rows D16 to D18, where Nova mixes raw and stored bytes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devceph import Ceph
from hypertally.hypervisor import disk
from hypertally.hypervisor.back_end import BackEnd, ImagesType
from hypertally.hypervisor.ceph import look_at_pool, read_pool
from hypertally.hypervisor.facts import DiskSpace, Unread

TOTAL = 25757220864


def answer(copies: int = 1, type_: int = 1, **stats: int) -> str:
    pool = {"name": "vms", "stats": {"max_avail": 24195168456, "bytes_used": 0, "stored": 0, **stats}}
    details = [{"pool_name": "vms", "type": type_, "size": copies}]
    return f"\n{json.dumps({'stats': {'total_bytes': TOTAL}, 'pools': [pool]})}\n\n{json.dumps(details)}\n"


def space(text: str, pool: str = "vms") -> DiskSpace:
    seen = read_pool(text, pool)
    assert isinstance(seen, DiskSpace)
    return seen


def test_d16_with_one_copy_all_is_as_in_nova_but_in_mib() -> None:
    seen = space(answer())
    assert (seen.total, seen.free, seen.used) == (TOTAL, 24195168456, 0)
    assert (disk.total_mib(seen), seen.free // 1024**2, disk.used_mib(seen)) == (24564, 23074, 0)


def test_d16_with_three_copies_the_total_is_a_third_by_design() -> None:
    """Nova tells the raw bytes, three times what guests can store."""
    seen = space(answer(copies=3, bytes_used=300, stored=100))
    assert (seen.total, seen.used) == (TOTAL // 3, 100)


def test_before_ceph_14_used_is_what_is_stored() -> None:
    text = answer(bytes_used=7).replace('"stored": 0', '"old": 0')
    assert space(text).used == 7


def test_d17_a_pool_that_is_not_there_is_unknown_and_named() -> None:
    assert read_pool(answer(), "images") == Unread("ceph: there is no pool 'images'; it has vms")


def test_an_erasure_coded_pool_holds_no_images() -> None:
    seen = read_pool(answer(copies=6, type_=3), "vms")
    assert isinstance(seen, Unread)
    assert seen.reason.startswith("ceph: pool 'vms' is not replicated")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]\n[]", "{}\n{}", "{} []", '{"stats": {}}\n[]', "nonsense", answer() + "{}", "[" * 100000]
)
def test_an_answer_that_cannot_be_read_is_unknown(text: str) -> None:
    seen = read_pool(text, "vms")
    assert isinstance(seen, Unread)
    assert seen.reason.startswith("ceph: its answer cannot be read")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["stats", "pools", "name", "total_bytes", "size", "type"]), inner)
    ),
    max_leaves=8,
)


@given(JSON, JSON)
def test_any_two_documents_are_read(usage: Any, pools: Any) -> None:
    assert isinstance(read_pool(f"{json.dumps(usage)}\n{json.dumps(pools)}", "vms"), Unread)


@given(st.integers(-5, 2**60), st.integers(-5, 5), st.integers(-5, 2**60))
def test_no_number_is_negative(free: int, copies: int, stored: int) -> None:
    seen = read_pool(answer(copies=copies, max_avail=free, stored=stored), "vms")
    assert isinstance(seen, Unread) or min(seen.total, seen.free, seen.used) >= 0


def back_end(ceph: Ceph, pool: str = "vms", user: str = "") -> BackEnd:
    return BackEnd(images_type=ImagesType.RBD, rbd_pool=pool, ceph_conf=ceph.conf, ceph_user=user)


def test_a_real_pool_of_a_cluster_of_2_gib(ceph: Ceph) -> None:
    seen = look_at_pool(back_end(ceph, user="admin"))
    assert isinstance(seen, DiskSpace)
    assert seen.total == 2 * 1024**3
    # Ceph keeps a twentieth of an OSD free.
    assert 1.8 * 1024**3 < seen.free < 2 * 1024**3


def test_d17_a_pool_that_a_real_cluster_lacks(ceph: Ceph) -> None:
    seen = look_at_pool(back_end(ceph, "images"))
    assert isinstance(seen, Unread)
    assert seen.reason.startswith("ceph: there is no pool 'images'; it has ")


def test_a_real_pool_with_two_copies_holds_half(ceph: Ceph) -> None:
    ceph.make_pool("twice", copies=2)
    seen = look_at_pool(back_end(ceph, "twice"))
    assert isinstance(seen, DiskSpace)
    assert seen.total == 1024**3


def test_d18_a_cluster_that_does_not_answer_is_unknown(tmp_path: Path) -> None:
    conf = tmp_path / "ceph.conf"
    conf.write_text("[global]\nmon host = 127.0.0.1:1\nauth client required = none\n")
    seen = look_at_pool(BackEnd(images_type=ImagesType.RBD, rbd_pool="vms", ceph_conf=conf))
    assert isinstance(seen, Unread)
    assert seen.reason.startswith("ceph: ")


def test_d18_a_configuration_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "ceph.conf"
    seen = look_at_pool(BackEnd(images_type=ImagesType.RBD, rbd_pool="vms", ceph_conf=missing))
    assert seen == Unread(f"{missing} is not here; set another ceph conf")
