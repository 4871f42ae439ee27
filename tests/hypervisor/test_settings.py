"""What an audit is told, checked before it begins."""

from pathlib import Path

import pytest

from hypertally.hypervisor.errors import BadSetting
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
