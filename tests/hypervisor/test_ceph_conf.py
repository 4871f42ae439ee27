"""Which cluster a host's Ceph configuration is of."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.hypervisor.ceph_conf import CephConf, host_of, look_at_ceph_conf, read_ceph_conf

FSID = "d6325fb5-4813-469f-bfb3-6cc8c985d873"


def test_fsid_and_monitors_are_those_of_the_global_section() -> None:
    text = f"""\
# a comment
[global]
    fsid = {FSID.upper()}   ; another
    mon_host = [v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0],[v2:[2001:db8::2]:3300/0,v1:[2001:db8::2]:6789/0]
[mon.a]
    mon host = 10.9.9.9
"""
    assert read_ceph_conf(text) == CephConf(FSID, frozenset({"10.0.0.1", "2001:db8::2"}))


@pytest.mark.parametrize("key", ["mon host", "mon_host", "mon-host", "  mon  host  "])
def test_a_key_may_be_written_in_ceph_s_three_ways(key: str) -> None:
    assert read_ceph_conf(f"{key} = mon-a.example:6789, 10.0.0.2;10.0.0.3\n").monitors == {
        "mon-a.example",
        "10.0.0.2",
    }


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:6789", "10.0.0.1"),
        ("v2:10.0.0.1:3300/0", "10.0.0.1"),
        ("[2001:DB8::1]:6789", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("Mon-A.Example", "mon-a.example"),
        ("", ""),
        ("a b", ""),
        ("x:y", ""),
    ],
)
def test_an_address_is_told_without_port_and_protocol(address: str, host: str) -> None:
    assert host_of(address) == host


def test_a_host_without_ceph_has_no_cluster(tmp_path: Path) -> None:
    assert look_at_ceph_conf(tmp_path / "none") == CephConf()
    assert look_at_ceph_conf(tmp_path) == CephConf()


@given(st.text(), st.text(alphabet="[]v12:,/0.a=\n #", max_size=60))
def test_any_file_is_read(text: str, more: str) -> None:
    assert isinstance(read_ceph_conf(f"[global]\n{text}\nmon host = {more}\n"), CephConf)
    assert isinstance(host_of(more), str)
