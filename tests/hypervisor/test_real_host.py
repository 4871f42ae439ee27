"""An audit of a real libvirtd with real QEMU guests."""

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from devhost import Host
from hypertally.api.compute_node import Guest, GuestState, ReportContent
from hypertally.hypervisor.audit import audit
from hypertally.hypervisor.connection import Connection, ListedGuest
from hypertally.hypervisor.events import start_event_loop, watch
from hypertally.hypervisor.report import Audit
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.spec import parse_connection

NETWORK_DISK = """<disk type='network' device='disk'><driver name='qemu' type='raw'/>
<source protocol='nbd' name='x'><host name='127.0.0.1' port='1'/></source><target dev='vda' bus='virtio'/></disk>"""
CALLS = 15
"""Of one audit of guests of which one is off, whatever their number; each storage pool is one more."""
REFRESHED = 2
"""Of the guests that run and of those that are off, one XML each is read again in every audit."""
EMPTY_CDROM = "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>"
MISSING_FILE = """<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
<source file='/var/lib/libvirt/images/missing.qcow2'/><target dev='vdb' bus='virtio'/></disk>"""


def look(host: Host, last: ReportContent | None = None) -> Audit:
    connection = Connection.open(parse_connection(host.uri))
    try:
        return audit(connection, AuditSettings(instances_path=host.images), last)
    finally:
        connection.close()


@contextmanager
def watched(host: Host) -> Iterator[Connection]:
    """A connection as the agent has it: its events are watched."""
    start_event_loop()
    connection = Connection.open(parse_connection(host.uri))
    watching = watch(connection, lambda _: None, lambda: None)
    try:
        yield connection
    finally:
        watching.stop()
        connection.close()


def calls_of_an_audit(connection: Connection, host: Host) -> int:
    """Of the second one: the first reads the XML of every guest."""
    settings = AuditSettings(instances_path=host.images)
    audit(connection, settings)
    before = connection.calls
    audit(connection, settings)
    return connection.calls - before


def by_name(seen: Audit) -> dict[str, Guest]:
    return {guest.name: guest for guest in seen.content.guests}


@pytest.fixture
def three(host: Host) -> Iterator[dict[str, str]]:
    """One guest that runs, one that is paused, one that is off; their UUIDs by name."""
    guests = {
        "runs": host.start_guest("runs", memory_mib=48, vcpus=2, disk_mib=100),
        "waits": host.start_guest("waits", paused=True),
        "rests": host.define_guest("rests", memory_mib=77, vcpus=3, disk_mib=55),
    }
    yield guests
    for name in ("runs", "waits"):
        host.destroy_guest(name)
    for name in guests:
        host.undefine(name)


def test_identity_versions_and_capacity_are_the_hosts(host: Host) -> None:
    seen = look(host)
    assert (seen.identity.host_uuid, seen.identity.hostname) == (host.host_uuid, host.name)
    software = seen.content.hypervisor
    assert software.type == "QEMU"
    assert f"libvirt {software.libvirt_version}" in host.virsh("version")
    assert f"QEMU {software.version}" in host.virsh("version")
    capacity = seen.content.capacity
    assert capacity is not None
    assert capacity.vcpus == os.cpu_count()
    assert capacity.memory_mib == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2
    facts = os.statvfs(host.images)
    assert capacity.disk_mib == facts.f_frsize * facts.f_blocks // 1024**2
    assert seen.problems == ()


def test_guests_have_their_sizes_whether_they_run_wait_or_rest(host: Host, three: dict[str, str]) -> None:
    seen = look(host)
    assert by_name(seen) == {
        "runs": Guest(
            uuid=three["runs"],
            name="runs",
            state=GuestState.RUNNING,
            vcpus=2,
            memory_mib=48,
            memory_current_mib=48,
            disk_mib=100,
        ),
        "waits": Guest(
            uuid=three["waits"],
            name="waits",
            state=GuestState.PAUSED,
            vcpus=1,
            memory_mib=32,
            memory_current_mib=32,
            disk_mib=0,
        ),
        "rests": Guest(
            uuid=three["rests"], name="rests", state=GuestState.SHUTOFF, vcpus=3, memory_mib=77, disk_mib=55
        ),
    }
    assert seen.content.measured is not None
    assert seen.content.measured.vcpus == 3
    assert seen.problems == ()


@pytest.mark.usefixtures("three")
def test_the_number_of_calls_does_not_grow_with_the_guests(host: Host) -> None:
    with watched(host) as connection:
        with_three = calls_of_an_audit(connection, host)
        host.start_guest("fourth", transient=True)
        with_four = calls_of_an_audit(connection, host)
        host.destroy_guest("fourth")
    assert with_three == with_four == CALLS + REFRESHED


def test_start_and_destroy_show_up_in_the_next_audit(host: Host) -> None:
    host.define_guest("busy")
    assert by_name(look(host))["busy"].state is GuestState.SHUTOFF
    host.virsh("start", "busy")
    assert by_name(look(host))["busy"].state is GuestState.RUNNING
    host.destroy_guest("busy")
    host.undefine("busy")
    assert "busy" not in by_name(look(host))


@contextmanager
def defined(host: Host, tmp_path: Path, *disks: str) -> Iterator[str]:
    document = tmp_path / "guest.xml"
    document.write_text(
        "<domain type='qemu'><name>odd</name><memory unit='MiB'>32</memory><vcpu current='1'>4</vcpu>"
        f"<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>{''.join(disks)}</devices></domain>"
    )
    host.virsh("define", str(document))
    yield host.virsh("domuuid", "odd")
    host.undefine("odd")


def test_an_empty_drive_of_a_guest_that_is_off_is_no_problem(host: Host, tmp_path: Path) -> None:
    with defined(host, tmp_path, EMPTY_CDROM):
        seen = look(host)
    assert seen.problems == ()
    assert (by_name(seen)["odd"].vcpus, by_name(seen)["odd"].disk_mib) == (4, 0)


def test_disks_that_libvirt_cannot_size_are_named_and_disturb_nothing_else(host: Host, tmp_path: Path) -> None:
    with defined(host, tmp_path, NETWORK_DISK, EMPTY_CDROM, MISSING_FILE) as guest:
        seen = look(host)
    assert [str(problem) for problem in seen.problems] == [
        f"diskAvailableLeastMiB: size of disk vdb of guest {guest} unknown",
        f"guest {guest}: size of disk vdb unknown",
    ]
    assert by_name(seen)["odd"].memory_mib == 32


class BusyAtFirst(Connection):
    """Somebody else asks the guests at the same moment, so that the bulk answer is silent about their disks."""

    def guests_in_bulk(self) -> list[ListedGuest]:
        return [replace(guest, stats=without_answers(guest.stats)) for guest in super().guests_in_bulk()]


def without_answers(stats: dict[str, int | str]) -> dict[str, int | str]:
    return {key: value for key, value in stats.items() if not re.search(r"block\.\d+\.(capacity|rd\.)", key)}


@pytest.mark.usefixtures("three")
def test_guests_that_are_busy_for_a_moment_are_asked_again(host: Host) -> None:
    connection = BusyAtFirst.open(parse_connection(host.uri))
    seen = audit(connection, AuditSettings(instances_path=host.images), None)
    assert by_name(seen)["runs"].disk_mib == 100
    assert connection.calls == CALLS + 1 + 3 + 1  # its first: what the CPU can do, three documents, the guests again


def qemu_of(guest: str) -> int:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
        except OSError:
            continue
        if guest.encode() in words:
            return int(process.parent.name)
    raise AssertionError(f"no QEMU runs guest {guest}")


def test_one_qemu_that_hangs_holds_up_one_audit_and_no_other(own_host: Host) -> None:
    hung = own_host.start_guest("hung", disk_mib=100)
    own_host.start_guest("well", disk_mib=50)
    last = look(own_host).content
    qemu = qemu_of(hung)
    with ThreadPoolExecutor(max_workers=2) as threads:
        os.kill(qemu, signal.SIGSTOP)
        try:
            audits = [threads.submit(look, own_host, last) for _ in range(2)]
            # Whichever comes first waits inside libvirtd for QEMU's answer; the other is told that the guest is busy.
            done, waiting = wait(audits, timeout=20.0, return_when=FIRST_COMPLETED)
        finally:
            os.kill(qemu, signal.SIGCONT)
        assert (len(done), len(waiting)) == (1, 1)
        seen = done.pop().result()
        assert by_name(seen) == {guest.name: guest for guest in last.guests}
        assert f"guest {hung}: size of disk vda unknown" in [str(problem) for problem in seen.problems]
        assert by_name(waiting.pop().result(timeout=20.0)) == by_name(seen)
