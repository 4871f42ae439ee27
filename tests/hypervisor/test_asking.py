"""How much is asked of libvirt for pages and CPU features, and what a kernel says of its huge pages."""

from pathlib import Path
from typing import Any

import libvirt
import pytest

from hypertally.api.compute_node import GuestState
from hypertally.hypervisor.audit import audit
from hypertally.hypervisor.connection import Connection
from hypertally.hypervisor.errors import CallFailed, CallUnsupported
from hypertally.hypervisor.facts import Unread
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.snapshot import default_huge_page_kib, take_snapshot
from hypertally.hypervisor.spec import parse_connection
from tests.support.recordings import capabilities


class Handle:
    """libvirt of a host with cells that do not follow each other: only the questions are of interest."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def getFreePages(self, sizes: list[int], first: int, count: int) -> dict[int, dict[int, int]]:  # noqa: N802
        self.asked.append((sizes, first, count))
        return {cell: dict.fromkeys(sizes, cell) for cell in range(first, first + count)}

    def baselineCPU(self, cpus: list[str], flags: int) -> str:  # noqa: N802
        assert flags == libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES
        self.asked.append(tuple(cpus))
        return f"<baseline of='{cpus[0]}'/>"


@pytest.fixture
def handle() -> Handle:
    return Handle()


@pytest.fixture
def connection(handle: Handle) -> Connection:
    return Connection(handle, parse_connection("qemu:///system"))


def test_free_pages_of_consecutive_cells_are_one_question(connection: Connection, handle: Handle) -> None:
    assert connection.free_pages([1, 0, 2, 8], [4, 2048])[8] == {4: 8, 2048: 8}
    assert handle.asked == [([4, 2048], 0, 3), ([4, 2048], 8, 1)]


def test_a_cpu_is_expanded_once_for_a_connection_and_anew_when_it_changed(
    connection: Connection, handle: Handle
) -> None:
    assert [connection.cpu_baseline(cpu) for cpu in ("a", "a", "b")] == [
        "<baseline of='a'/>",
        "<baseline of='a'/>",
        "<baseline of='b'/>",
    ]
    assert handle.asked == [("a",), ("b",)]
    assert connection.calls == 2


@pytest.mark.parametrize(("failure", "baseline"), [(CallUnsupported("no"), None), (CallFailed("busy"), Unread("busy"))])
def test_a_hypervisor_without_a_baseline_is_no_gap_but_one_that_fails_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: CallFailed, baseline: Unread | None
) -> None:
    connection = Connection.open(parse_connection("test:///default"))

    def fail(_: str) -> str:
        raise failure

    monkeypatch.setattr(connection, "cpu_baseline", fail)
    monkeypatch.setattr(connection, "capabilities", lambda: capabilities("intel-2-sockets-smt"))
    assert take_snapshot(connection, AuditSettings(instances_path=tmp_path)).cpu_baseline == baseline


def test_the_test_driver_tells_its_cells(tmp_path: Path) -> None:
    content = audit(
        Connection.open(parse_connection("test:///default")),
        AuditSettings(instances_path=tmp_path, host_ip="192.0.2.7"),
    ).content
    assert [(cell.id, cell.shared_cpus) for cell in content.numa_cells] == [(0, "0-7"), (1, "8-15")]
    assert content.cpu is not None
    assert [guest.state for guest in content.guests] == [GuestState.RUNNING]


@pytest.mark.parametrize(
    ("text", "kib"),
    [
        ("MemTotal:  1 kB\nHugepagesize:       2048 kB\nHugetlb: 0 kB\n", 2048),
        ("Hugepagesize:    1048576 kB\n", 1048576),
        ("MemTotal:  1 kB\n", None),
        ("Hugepagesize: many kB\n", None),
    ],
)
def test_the_default_size_is_the_kernels(tmp_path: Path, text: str, kib: int | None) -> None:
    (tmp_path / "meminfo").write_text(text)
    assert default_huge_page_kib(tmp_path / "meminfo") == kib


def test_a_machine_without_that_file_has_no_default(tmp_path: Path) -> None:
    assert default_huge_page_kib(tmp_path / "meminfo") is None
