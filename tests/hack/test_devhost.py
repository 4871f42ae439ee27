"""A private libvirt host: real, separate from the machine's own, gone without a trace."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

import devhost.host
import devhost.programs
from devhost import Host, HostError, HostTimeout, MissingPart


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def qemu_runs(guest: str) -> bool:
    """Whether a QEMU with that UUID exists anywhere on this machine."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if guest.encode() in process.read_bytes():
                return True
        except OSError:
            continue
    return False


def guests(host: Host) -> dict[str, str]:
    lines = (line.split(maxsplit=2) for line in host.virsh("list", "--all").splitlines())
    return {name: state for _, name, state in lines}


def test_it_has_the_name_and_the_uuid_that_were_asked_for() -> None:
    identity = str(uuid.uuid4())
    with Host.start("hv-named", identity) as host:
        assert host.virsh("hostname") == "hv-named"
        assert f"<uuid>{identity}</uuid>" in host.virsh("capabilities")


def test_a_started_guest_runs_and_a_defined_one_is_shut_off(host: Host) -> None:
    running = host.start_guest("runs", memory_mib=48, vcpus=2, disk_mib=100)
    host.define_guest("rests")
    assert guests(host) == {"runs": "running", "rests": "shut off"}
    assert qemu_runs(running)
    assert "block.0.capacity=104857600" in host.virsh("domstats", "runs")
    host.destroy_guest("runs")
    for name in ("runs", "rests"):
        host.undefine(name)
    assert guests(host) == {}


def test_a_paused_guest_is_paused_and_a_transient_one_is_forgotten(host: Host) -> None:
    host.start_guest("waits", paused=True, transient=True)
    assert guests(host) == {"waits": "paused"}
    host.destroy_guest("waits")
    assert guests(host) == {}


def test_two_hosts_know_nothing_of_each_other(host: Host) -> None:
    with Host.start("hv-other") as other:
        other.define_guest("mine")
        assert "mine" in guests(other)
        assert "mine" not in guests(host)


def test_the_machines_own_libvirt_is_left_alone(host: Host) -> None:
    before = sorted(Path("/etc/libvirt").rglob("*"))
    host.define_guest("private")
    assert sorted(Path("/etc/libvirt").rglob("*")) == before
    host.undefine("private")


def test_its_guests_survive_libvirtd_and_are_found_again(own_host: Host) -> None:
    guest = own_host.start_guest("survivor")
    own_host.kill()
    assert qemu_runs(guest)
    with pytest.raises(HostError, match="virsh list"):
        own_host.virsh("list")
    own_host.restart()
    assert guests(own_host) == {"survivor": "running"}


def test_a_frozen_host_does_not_answer_until_it_thaws(own_host: Host) -> None:
    own_host.freeze()
    with pytest.raises(HostTimeout, match="no answer within 1 s"):
        own_host.virsh("hostname", timeout=1)
    own_host.thaw()
    assert own_host.virsh("hostname") == "hv-own"


def test_nothing_is_left_of_a_stopped_host() -> None:
    with Host.start("hv-brief") as host:
        guest = host.start_guest("brief")
    assert not host.directory.exists()
    assert not qemu_runs(guest)
    host.stop()


def test_a_frozen_host_can_be_stopped() -> None:
    with Host.start("hv-frozen") as host:
        guest = host.start_guest("frozen")
        host.freeze()
    assert not qemu_runs(guest)


PARENT = """\
import sys
from devhost import Host
host = Host.start("hv-orphan")
print(host.start_guest("orphan"), host.directory, flush=True)
sys.stdin.read()
"""


def test_nothing_is_left_of_a_host_whose_parent_was_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(devhost.host.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        guest, directory = parent.stdout.readline().split()
        assert qemu_runs(guest)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not qemu_runs(guest) and not Path(directory).exists())


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(devhost.programs, "_SYSTEM_FOLDERS", ())
    with pytest.raises(MissingPart, match=r"needs libvirtd, .*; install with: apt-get install .*libvirt-daemon-system"):
        Host.start()


def test_a_caller_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MissingPart, match="needs root"):
        Host.start()


@pytest.mark.parametrize("name", ["", "HV1", "hv_1", "-hv", "a" * 64, "hv1; reboot"])
def test_a_name_that_is_no_dns_label_is_refused(name: str) -> None:
    with pytest.raises(HostError, match="no DNS label"):
        Host.start(name)


def test_a_folder_too_deep_for_a_socket_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with pytest.raises(HostError, match="too long for a unix socket; set TMPDIR"):
        Host.start()
    assert list(deep.iterdir()) == []


def test_a_libvirtd_that_does_not_come_up_is_reported_with_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devhost.host, "LIBVIRTD_CONF", 'max_clients = "many"\n')
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        with pytest.raises(HostError, match=r"(?s)hv-broken ended at once; .*max_clients"):
            Host.start("hv-broken")
        assert list(Path(folder).glob("devhost-hv-broken-*/log/libvirtd.log")), "the log is kept"
