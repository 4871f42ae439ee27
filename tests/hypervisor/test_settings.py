"""What an audit is told, checked before it begins."""

from pathlib import Path

import pytest

from hypertally.hypervisor.errors import BadSetting
from hypertally.hypervisor.reserved_pages import ReservedPages, parse_reserved_pages
from hypertally.hypervisor.settings import AuditSettings


def test_the_default_is_libvirts_own_folder_and_the_address_of_the_route() -> None:
    assert AuditSettings() == AuditSettings(instances_path=Path("/var/lib/libvirt/images"), host_ip="")


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(BadSetting, match="instances path 'images' is not absolute"):
        AuditSettings(instances_path=Path("images"))


@pytest.mark.parametrize("address", ["hv1", "192.0.2", "192.0.2.256", "2001:db8::g"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadSetting, match="neither an IPv4 nor an IPv6 address"):
        AuditSettings(host_ip=address)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_both_kinds_of_address_are_taken(address: str) -> None:
    assert AuditSettings(host_ip=address).host_ip == address


def test_a_cpu_in_both_sets_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"^CPUs 2-3 are in the shared and in the dedicated CPU set"):
        AuditSettings(cpu_shared_set=frozenset({0, 1, 2, 3}), cpu_dedicated_set=frozenset({2, 3, 4}))


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("node:0,size:2048,count:64", ReservedPages(0, 2048, 64)),
        ("node:1,size:1GB,count:1", ReservedPages(1, 1048576, 1)),
        (" node:1, size:2M, count:3 ", ReservedPages(1, 2048, 3)),
        ("node:2,size:1GiB,count:0", ReservedPages(2, 1048576, 0)),
    ],
)
def test_reserved_pages_are_written_as_in_nova(text: str, pages: ReservedPages) -> None:
    assert parse_reserved_pages(text) == pages


@pytest.mark.parametrize(
    "text",
    ["", "node:0", "size:2048,count:64", "node:0,size:0,count:1", "node:-1,size:2M,count:1", "node:0,size:2X,count:1"],
)
def test_reserved_pages_that_cannot_be_used_are_refused(text: str) -> None:
    with pytest.raises(BadSetting, match=r"allowed is node:CELL,size:SIZE,count:COUNT"):
        parse_reserved_pages(text)


def test_the_same_pages_cannot_be_reserved_twice() -> None:
    twice = (ReservedPages(0, 2048, 1), ReservedPages(0, 2048, 2))
    with pytest.raises(BadSetting, match="2048 KiB in node 0 are given twice"):
        AuditSettings(reserved_huge_pages=twice)


def test_file_backed_memory_leaves_no_huge_pages() -> None:
    with pytest.raises(BadSetting, match="exclude each other"):
        AuditSettings(file_backed_memory_mib=1024, reserved_huge_pages=(ReservedPages(0, 2048, 1),))
