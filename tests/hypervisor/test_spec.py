"""`[NAME=]URI`, and what a user is told who writes something else."""

from pathlib import Path

import pytest

from hypertally.hypervisor.errors import BadSetting, UnsupportedScheme
from hypertally.hypervisor.spec import ConnectionSpec, parse_connection


@pytest.mark.parametrize(
    ("text", "name", "uri"),
    [
        ("qemu:///system", None, "qemu:///system"),
        ("test:///default", None, "test:///default"),
        ("spare=qemu:///system", "spare", "qemu:///system"),
        ("qemu:///system?socket=/run/other/libvirt-sock", None, "qemu:///system?socket=/run/other/libvirt-sock"),
        ("b=qemu:///system?socket=/run/b/libvirt-sock", "b", "qemu:///system?socket=/run/b/libvirt-sock"),
        ("far=qemu+tls://hv7.example:16514/system", "far", "qemu+tls://hv7.example:16514/system"),
        ("qemu+ssh://root@[2001:db8::7]/system", None, "qemu+ssh://root@[2001:db8::7]/system"),
    ],
)
def test_a_name_is_what_stands_before_an_equals_sign_outside_the_uri(text: str, name: str | None, uri: str) -> None:
    assert parse_connection(text) == ConnectionSpec(uri, name)


@pytest.mark.parametrize("uri", ["quemu:///system", "http://example/", "storage:///system", "QEMU2:///system"])
def test_an_unknown_driver_is_refused_with_the_drivers_that_exist(uri: str) -> None:
    with pytest.raises(UnsupportedScheme, match=r"unknown driver .*; allowed are bhyve, .*qemu, test, .*xen$"):
        parse_connection(uri)


def test_an_unknown_transport_is_refused_with_the_transports_that_exist() -> None:
    with pytest.raises(UnsupportedScheme, match=r"unknown transport 'telnet'; allowed are ext, libssh, .*unix$"):
        parse_connection("qemu+telnet://hv1/system")


@pytest.mark.parametrize("name", ["", "Spare", "a.b", "-a", "a_b", "x" * 64])
def test_a_name_that_is_no_dns_label_is_refused(name: str) -> None:
    with pytest.raises(BadSetting, match="is no DNS label; allowed are"):
        parse_connection(f"{name}=qemu:///system")


@pytest.mark.parametrize("text", ["", "system", "/var/run/libvirt", "=", "a=", "qemu:///sys tem", "qemu:///s\n"])
def test_what_is_no_uri_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadSetting) as refusal:
        parse_connection(text)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["qemu://[bad/system", "qemu+tcp://hv1:port/system"])
def test_a_uri_with_a_broken_address_is_refused(text: str) -> None:
    with pytest.raises(BadSetting, match="is no URI"):
        parse_connection(text)


@pytest.mark.parametrize(
    ("uri", "local"),
    [
        ("qemu:///system", True),
        ("qemu+unix:///system?socket=/run/x", True),
        ("qemu+tcp://localhost/system", True),
        ("qemu+tcp://[::1]:16509/system", True),
        ("qemu+ssh://root@hv7/system", False),
        ("qemu+tls://192.0.2.7/system", False),
    ],
)
def test_only_a_hypervisor_on_this_machine_shares_its_files(uri: str, local: bool) -> None:
    assert parse_connection(uri).is_local is local


def test_the_test_driver_may_be_given_a_file_of_its_own() -> None:
    assert parse_connection("test:///default").test_file is None
    assert parse_connection("test:///srv/host.xml").test_file == Path("/srv/host.xml")
    assert parse_connection("qemu:///system").test_file is None
