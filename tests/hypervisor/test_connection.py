"""The connection to libvirt: what it says when it cannot be had, and when it is lost."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from devhost import Host
from hypertally.hypervisor.connection import Connection, KeepAlive, ListedDevice
from hypertally.hypervisor.errors import (
    CallFailed,
    CallUnsupported,
    HypervisorError,
    HypervisorUnavailable,
    UnsupportedScheme,
)
from hypertally.hypervisor.events import start_event_loop, watch
from hypertally.hypervisor.facts import Absent
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.snapshot import look_at_devices, take_snapshot
from hypertally.hypervisor.spec import parse_connection
from tests.support.modular import NODE_DEVICES, connection_without, refused

NOBODY = 65534


def refusal(uri: str) -> HypervisorError:
    with pytest.raises(HypervisorError) as refused:
        Connection.open(parse_connection(uri))
    assert "\n" not in str(refused.value)
    return refused.value


def test_a_libvirtd_that_is_not_there_is_named_with_a_remedy(tmp_path: Path) -> None:
    error = refusal(f"qemu:///system?socket={tmp_path}/none")
    assert isinstance(error, HypervisorUnavailable)
    assert str(error).startswith(f"qemu:///system?socket={tmp_path}/none: cannot connect (")
    assert "start libvirtd or virtqemud here" in str(error)


def test_another_host_that_does_not_answer_is_named_with_a_remedy() -> None:
    assert "check that libvirt answers on that host" in str(refusal("qemu+tcp://127.0.0.9:1/system"))


def test_a_host_description_that_is_missing_is_named() -> None:
    assert str(refusal("test:///nowhere/host.xml")) == (
        "test:///nowhere/host.xml: there is no host description /nowhere/host.xml"
    )


def test_a_host_description_that_is_broken_is_told_so(tmp_path: Path) -> None:
    broken = tmp_path / "host.xml"
    broken.write_text("<node><memory>")
    assert "see libvirt's documentation of the test driver" in str(refusal(f"test://{broken}"))


def test_a_driver_that_libvirt_was_built_without_is_told_so() -> None:
    error = refusal("hyperv://hv1/")
    assert isinstance(error, UnsupportedScheme)
    assert "this machine's libvirt has no such driver" in str(error)


def test_a_user_who_may_not_connect_is_told_which_user_may(host: Host) -> None:
    os.seteuid(NOBODY)
    try:
        error = refusal(host.uri)
    finally:
        os.seteuid(0)
    assert "Permission denied" in str(error)
    assert "member of the group that owns libvirt's socket" in str(error)


def test_libvirt_prints_nothing_beside_the_exception(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    refusal(f"qemu:///system?socket={tmp_path}/none")
    connection = Connection.open(parse_connection("test:///default"))
    with pytest.raises(CallUnsupported, match="virNodeGetMemoryStats"):
        connection.memory_kib()
    assert capfd.readouterr() == ("", "")


def test_it_is_read_only(host: Host) -> None:
    connection = Connection.open(parse_connection(host.uri))
    host.define_guest("untouchable")
    try:
        with pytest.raises(CallFailed, match="read only"):
            connection.ask(connection.guests()[0].handle.create)
    finally:
        host.undefine("untouchable")


def test_an_in_process_driver_takes_keep_alive_for_granted() -> None:
    connection = Connection.open(parse_connection("test:///default"), KeepAlive())
    assert connection.is_alive()


def test_a_closed_connection_is_lost_for_good() -> None:
    connection = Connection.open(parse_connection("test:///default"))
    connection.close()
    connection.close()
    assert not connection.is_alive()
    with pytest.raises(HypervisorUnavailable, match="test:///default: the connection is closed"):
        connection.hostname()


def test_a_killed_libvirtd_is_a_lost_connection_and_a_new_one_works(own_host: Host) -> None:
    spec = parse_connection(own_host.uri)
    connection = Connection.open(spec)
    assert connection.hostname() == "hv-own"
    own_host.kill()
    with pytest.raises(HypervisorUnavailable, match="the connection is lost"):
        connection.node_info()
    assert not connection.is_alive()
    connection.close()
    own_host.restart()
    assert Connection.open(spec).hostname() == "hv-own"


def test_a_frozen_libvirtd_is_noticed_by_keep_alive(own_host: Host) -> None:
    start_event_loop()
    connection = Connection.open(parse_connection(own_host.uri), KeepAlive(interval=1, count=1))
    own_host.freeze()
    with pytest.raises(HypervisorUnavailable, match="keepalive timeout"):
        connection.hostname()


def test_a_daemon_for_node_devices_that_is_not_there_is_no_lost_connection() -> None:
    start_event_loop()
    connection = connection_without(NODE_DEVICES)
    assert watch(connection, lambda _: None, lambda: None).registered_of_devices == ()
    seen = take_snapshot(connection, AuditSettings())
    reason = "Failed to connect socket to '/run/libvirt/virtnodedevd-sock-ro': No such file or directory"
    assert seen.node_devices == Absent(reason)
    connection.close()
    with pytest.raises(HypervisorUnavailable, match="virtnodedevd"):
        look_at_devices(connection, AuditSettings())


def test_a_daemon_for_node_devices_that_goes_meanwhile_costs_the_device() -> None:
    connection = Connection.open(parse_connection("test:///default"))
    with pytest.raises(CallFailed, match=r"^Failed to connect"):
        connection.device_document(ListedDevice("pci", SimpleNamespace(XMLDesc=refused(NODE_DEVICES))))
