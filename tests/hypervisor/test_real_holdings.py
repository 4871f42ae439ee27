"""CPUs, pages and devices of a real host, and guests that hold them."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devhost import Host
from hypertally.api.compute_node import Guest, GuestState
from hypertally.api.inventory import NumaCell, Pages, PagesInUse
from hypertally.hypervisor.audit import audit
from hypertally.hypervisor.connection import Connection
from hypertally.hypervisor.events import start_event_loop, watch
from hypertally.hypervisor.report import Audit
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.spec import parse_connection

HUGE_PAGES = Path("/proc/sys/vm/nr_hugepages")
SIZE_KIB = 2048
COUNT = 64
SECONDS = 20.0

PAGES = "<memoryBacking><hugepages/></memoryBacking>"
DEVICE = """<hostdev mode='subsystem' type='pci' managed='no'><source>
<address domain='0x0000' bus='0x00' slot='0x03' function='0x0'/></source></hostdev>"""
LAST_CPU = (os.cpu_count() or 1) - 1


def document(name: str, inner: str = "", *, devices: str = "", vcpus: int = 1) -> str:
    return (
        f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory>{inner}<vcpu>{vcpus}</vcpu>"
        "<os><type arch='x86_64' machine='pc'>hvm</type><loader readonly='yes' type='rom'>/var/lib/libvirt/halt.bin"
        f"</loader></os><devices>{devices}<controller type='usb' model='none'/></devices></domain>"
    )


class Watcher:
    """A connection as the agent has it: its events are watched, and awaited here."""

    def __init__(self, host: Host, settings: AuditSettings) -> None:
        start_event_loop()
        self.connection = Connection.open(parse_connection(host.uri))
        self.settings = settings
        self.changed = threading.Event()
        self._watch = watch(self.connection, lambda _: self.changed.set(), lambda: None)

    def audit(self) -> Audit:
        return audit(self.connection, self.settings)

    def guest(self, name: str) -> Guest:
        return next(guest for guest in self.audit().content.guests if guest.name == name)

    def close(self) -> None:
        self._watch.stop()
        self.connection.close()


@contextmanager
def watching(host: Host, dedicated: frozenset[int] | None = None) -> Iterator[Watcher]:
    shared = frozenset(range(os.cpu_count() or 1)) - (dedicated or frozenset())
    settings = AuditSettings(instances_path=host.images, cpu_dedicated_set=dedicated, cpu_shared_set=shared or None)
    watcher = Watcher(host, settings)
    try:
        yield watcher
    finally:
        watcher.close()


@pytest.fixture
def described(tmp_path: Path) -> Path:
    return tmp_path / "guest.xml"


@pytest.fixture
def reserved() -> Iterator[int]:
    """Huge pages set aside on this machine, beside those that are already. They go back however this process ends."""
    before = int(HUGE_PAGES.read_text())
    giver_back = subprocess.Popen(
        ["sh", "-c", f"trap '' INT TERM; read _; echo {before} > {HUGE_PAGES}"], stdin=subprocess.PIPE
    )
    try:
        yield _set_aside(before + COUNT)
    finally:
        giver_back.communicate(timeout=SECONDS)
    assert int(HUGE_PAGES.read_text()) == before


def _set_aside(count: int) -> int:
    HUGE_PAGES.write_text(str(count))
    if int(HUGE_PAGES.read_text()) < count:
        raise RuntimeError(f"this machine has no {COUNT} huge pages of 2 MiB left: free some memory (needs 128 MiB)")
    return count


def huge(cells: tuple[NumaCell, ...]) -> Pages:
    return next(pages for cell in cells for pages in cell.pages if pages.size_kib == SIZE_KIB)


def in_use(seen: Audit) -> int:
    return sum(pages.used for pages in seen.content.measured_pages if pages.size_kib == SIZE_KIB)


def test_the_cpu_is_told_with_all_its_features(host: Host) -> None:
    with watching(host) as watcher:
        seen = watcher.audit()
    cpu = seen.content.cpu
    assert cpu is not None
    assert f"<model>{cpu.model}</model>" in host.virsh("capabilities")
    assert {"fpu", "sse2"} < set(cpu.features)  # part of every model, so told by the baseline only
    assert list(cpu.features) == sorted(cpu.features)
    assert {"x86_64"} <= {type_.arch for type_ in seen.content.guest_types}


def test_cells_have_every_cpu_of_the_machine_once(host: Host) -> None:
    with watching(host) as watcher:
        cells = watcher.audit().content.numa_cells
    every = subprocess.run(["cat", "/sys/devices/system/cpu/online"], capture_output=True, text=True, check=True).stdout
    assert ",".join(cell.shared_cpus for cell in cells) == every.strip()


def test_pages_that_are_set_aside_are_told_and_leave_fewer_ordinary_ones(host: Host, reserved: int) -> None:
    with watching(host) as watcher:
        seen = watcher.audit()
        cell = seen.content.numa_cells[0]
        assert huge(seen.content.numa_cells).total == reserved
        assert PagesInUse(cell=0, size_kib=SIZE_KIB, used=0) in seen.content.measured_pages
        whole = cell.memory_mib * 1024
        assert whole - 4 < sum(pages.total * pages.size_kib for pages in cell.pages) <= whole + 1024
        capacity = seen.content.capacity
    assert capacity is not None
    assert capacity.memory_mib == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2


@pytest.mark.usefixtures("reserved")
def test_a_guest_of_huge_pages_takes_them_and_gives_them_back(host: Host, described: Path) -> None:
    described.write_text(document("large", PAGES))
    with watching(host) as watcher:
        host.virsh("create", str(described))
        running, guest = watcher.audit(), watcher.guest("large")
        host.destroy_guest("large")
        ended = watcher.audit()
    assert guest.page_size_kib == SIZE_KIB
    assert in_use(running) == guest.memory_mib * 1024 // SIZE_KIB
    assert in_use(ended) == 0


def test_a_guest_on_a_dedicated_cpu_is_charged_for_that_cpu(host: Host, described: Path) -> None:
    pinned = f"<cputune><vcpupin vcpu='1' cpuset='{LAST_CPU}'/></cputune>"
    described.write_text(document("own", pinned, vcpus=2))
    with watching(host, frozenset({LAST_CPU})) as watcher:
        host.virsh("create", str(described))
        seen, guest = watcher.audit(), watcher.guest("own")
        host.destroy_guest("own")
    assert (guest.vcpus, guest.pcpus, guest.pinned_cpus) == (1, 1, str(LAST_CPU))
    capacity, measured = seen.content.capacity, seen.content.measured
    assert capacity is not None
    assert measured is not None
    assert (capacity.pcpus, measured.vcpus, measured.pcpus) == (1, 1, 1)


def test_a_pin_that_is_changed_while_the_guest_runs_is_seen(host: Host, described: Path) -> None:
    described.write_text(document("moves"))
    with watching(host, frozenset({LAST_CPU})) as watcher:
        host.virsh("create", str(described))
        assert watcher.guest("moves").pcpus == 0
        watcher.changed.clear()
        host.virsh("vcpupin", "moves", "0", str(LAST_CPU), "--live")
        assert watcher.changed.wait(SECONDS)
        assert watcher.guest("moves").pinned_cpus == str(LAST_CPU)
        host.destroy_guest("moves")


def test_cells_and_devices_of_a_guest_that_is_off_are_told(host: Host, described: Path) -> None:
    described.write_text(document("rests", "<numatune><memory mode='strict' nodeset='0'/></numatune>", devices=DEVICE))
    with watching(host) as watcher:
        host.virsh("define", str(described))
        guest = watcher.guest("rests")
        host.undefine("rests")
    assert (guest.cells, guest.pci_addresses, guest.memory_current_mib) == ((0,), ("0000:00:03.0",), 0)


def test_a_change_that_libvirt_tells_no_event_of_is_seen_in_time(host: Host, described: Path) -> None:
    described.write_text(DEVICE)
    with watching(host) as watcher:
        host.define_guest("silent")
        assert watcher.changed.wait(SECONDS)
        assert watcher.guest("silent").pci_addresses == ()
        host.virsh("attach-device", "silent", str(described), "--config")
        # One guest that is off is asked again in each audit.
        seen = [watcher.guest("silent").pci_addresses for _ in watcher.audit().content.guests]
        host.undefine("silent")
    assert seen[-1] == ("0000:00:03.0",)


def test_a_guest_that_is_renamed_keeps_what_it_holds(host: Host, described: Path) -> None:
    described.write_text(document("before", devices=DEVICE))
    with watching(host) as watcher:
        host.virsh("define", str(described))
        first = watcher.guest("before")
        host.virsh("domrename", "before", "after")
        second = watcher.guest("after")
        host.undefine("after")
    assert (first.uuid, first.pci_addresses) == (second.uuid, second.pci_addresses)


def test_a_guest_with_a_managed_save_holds_what_it_will_start_with(host: Host, described: Path) -> None:
    disk = host.images / "plugged.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "3G"], check=True)
    disk.chmod(0o666)
    described.write_text(document("saved", devices="<controller type='scsi' index='0' model='virtio-scsi'/>"))
    with watching(host, frozenset({LAST_CPU})) as watcher:
        host.virsh("define", str(described))
        host.virsh("start", "saved")
        host.virsh("vcpupin", "saved", "0", str(LAST_CPU), "--live")
        plugged = ("sdb", "--targetbus", "scsi", "--driver", "qemu", "--subdriver", "qcow2", "--live")
        host.virsh("attach-disk", "saved", str(disk), *plugged)
        running = watcher.guest("saved")
        host.virsh("managedsave", "saved")
        saved, problems = watcher.guest("saved"), watcher.audit().problems
        host.virsh("managedsave-remove", "saved")
        defined = watcher.guest("saved")
        host.virsh("undefine", "saved")

    assert (running.pinned_cpus, running.pcpus, running.disk_mib) == (str(LAST_CPU), 1, 3072)
    assert problems == ()
    held = ("pinned_cpus", "pcpus", "vcpus", "disk_mib", "memory_mib", "name", "uuid")
    assert [getattr(saved, name) for name in held] == [getattr(running, name) for name in held]
    assert (saved.state, saved.memory_current_mib) == (GuestState.SHUTOFF, 0)
    assert (defined.pinned_cpus, defined.pcpus, defined.disk_mib) == ("", 0, 0)
