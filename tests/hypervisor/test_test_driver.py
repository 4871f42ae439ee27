"""An audit of libvirt's in-process test driver: no root, no daemon, the same report."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import libvirt
import pytest

from hypertally.api.compute_node import GuestState
from hypertally.hypervisor.audit import audit
from hypertally.hypervisor.connection import Connection, ListedGuest
from hypertally.hypervisor.errors import CallFailed, CallUnsupported, GuestGone
from hypertally.hypervisor.facts import Unread
from hypertally.hypervisor.report import Audit
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.snapshot import route_address, take_snapshot
from hypertally.hypervisor.spec import parse_connection

HOST = """<node>
  <cpu><mhz>2000</mhz><model>i686</model><active>12</active><nodes>1</nodes><sockets>2</sockets><cores>6</cores>
    <threads>1</threads></cpu>
  <memory>4194304</memory>
  <domain type='test'><name>first</name><uuid>11111111-1111-4111-8111-111111111111</uuid>
    <memory>131072</memory><currentMemory>65536</currentMemory><vcpu>3</vcpu><os><type>hvm</type></os></domain>
  <domain type='test'><name>second</name><uuid>22222222-2222-4222-8222-222222222222</uuid>
    <memory>262144</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>
</node>"""

BRIEF = "<domain type='test'><name>brief</name><memory>1024</memory><os><type>hvm</type></os></domain>"


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """A host of its own: all connections of a process to test:///default share one."""
    (tmp_path / "host.xml").write_text(HOST)
    return f"test://{tmp_path}/host.xml"


@pytest.fixture
def settings(tmp_path: Path) -> AuditSettings:
    return AuditSettings(instances_path=tmp_path, host_ip="192.0.2.7")


def look(uri: str, settings: AuditSettings) -> Audit:
    return audit(Connection.open(parse_connection(uri)), settings)


def test_the_default_host_has_its_true_numbers(settings: AuditSettings) -> None:
    seen = look("test:///default", settings)
    assert seen.problems == ()
    assert seen.content.hypervisor.type == "TEST"
    assert seen.content.capacity is not None
    assert (seen.content.capacity.vcpus, seen.content.capacity.memory_mib) == (16, 3072)
    assert seen.content.capacity.disk_mib > 0
    (guest,) = seen.content.guests
    assert (guest.name, guest.state, guest.vcpus, guest.memory_mib) == ("test", GuestState.RUNNING, 2, 8192)


def test_a_host_of_ones_own_has_the_numbers_of_its_description(uri: str, settings: AuditSettings) -> None:
    content = look(uri, settings).content
    assert content.capacity is not None
    assert content.measured is not None
    assert (content.capacity.vcpus, content.capacity.memory_mib) == (12, 4096)
    assert (content.measured.vcpus, content.measured.memory_mib) == (4, 64 + 256)
    assert [(guest.name, guest.vcpus, guest.memory_mib) for guest in content.guests] == [
        ("first", 3, 128),
        ("second", 1, 256),
    ]


def test_two_audits_of_an_unchanged_host_are_one_report(uri: str, settings: AuditSettings) -> None:
    connection = Connection.open(parse_connection(uri))
    first = audit(connection, settings)
    assert audit(connection, settings, first.content).content == first.content


def test_a_missing_instances_folder_costs_only_the_disk(uri: str, settings: AuditSettings, tmp_path: Path) -> None:
    connection = Connection.open(parse_connection(uri))
    last = audit(connection, settings).content
    seen = audit(connection, AuditSettings(instances_path=tmp_path / "gone", host_ip="192.0.2.7"), last)
    assert seen.content == last
    assert [str(problem) for problem in seen.problems] == [
        f"{part}: {tmp_path}/gone does not exist; create it or set another instances path"
        for part in ("capacity diskMiB", "measured diskMiB", "diskAvailableLeastMiB")
    ]


class BriefGuest(Connection):
    """A guest that is there when the list is made, and destroyed before the question that follows."""

    def guests(self) -> list[ListedGuest]:
        writable = libvirt.open(self.spec.uri)
        brief = writable.createXML(BRIEF)
        listed = super().guests()
        brief.destroy()
        assert "brief" in [guest.name for guest in listed]
        return listed


class WithoutBulk(Connection):
    """A driver that has no bulk call, or whose bulk call stumbles over one of its guests."""

    failure: CallFailed = CallUnsupported("not here")

    def guests_in_bulk(self) -> list[ListedGuest]:
        raise self.failure


def test_a_guest_that_vanishes_in_the_middle_disturbs_nothing(settings: AuditSettings) -> None:
    seen = audit(BriefGuest.open(parse_connection("test:///default")), settings)
    assert [guest.name for guest in seen.content.guests] == ["test"]
    assert seen.problems == ()


@pytest.mark.parametrize("failure", [CallUnsupported("not here"), CallFailed("one guest is broken")])
def test_without_the_bulk_call_the_report_is_the_same(uri: str, settings: AuditSettings, failure: CallFailed) -> None:
    connection = WithoutBulk.open(parse_connection(uri))
    connection.failure = failure
    still = replace(settings, instances_path=Path("/proc"))  # on a disk others write between the two looks
    assert audit(connection, still).content == look(uri, still).content


class Domain:
    """A domain that cannot be asked for its state: fault injection."""

    def __init__(self, domain: libvirt.virDomain, failure: CallFailed) -> None:
        self._domain = domain
        self._failure = failure

    def state(self, _flags: int) -> None:
        raise self._failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)


@pytest.mark.parametrize(
    ("failure", "states"), [(GuestGone("gone"), []), (CallFailed("locked"), [("test", GuestState.UNKNOWN)])]
)
def test_one_by_one_a_guest_that_fails_fails_alone(
    settings: AuditSettings, monkeypatch: pytest.MonkeyPatch, failure: CallFailed, states: list[tuple[str, GuestState]]
) -> None:
    connection = WithoutBulk.open(parse_connection("test:///default"))
    broken = [Domain(domain, failure) for domain in connection.handle.listAllDomains()]
    monkeypatch.setattr(connection.handle, "listAllDomains", lambda _flags: broken)
    seen = audit(connection, settings)
    assert [(guest.name, guest.state) for guest in seen.content.guests] == states


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("driver", "driver"),
        ("version", "version"),
        ("libvirt_version", "libvirt_version"),
        ("hostname", "hostname"),
        ("capabilities", "capabilities"),
        ("node_info", "node"),
        ("cpu_map", "cpu_map"),
        ("memory_kib", "memory_kib"),
        ("guests", "guests"),
    ],
)
def test_a_question_that_fails_costs_its_own_part_only(
    settings: AuditSettings, monkeypatch: pytest.MonkeyPatch, question: str, part: str
) -> None:
    connection = Connection.open(parse_connection("test:///default"))
    whole = take_snapshot(connection, settings)

    def fail() -> None:
        raise CallFailed("broken")

    monkeypatch.setattr(connection, question, fail)
    broken = vars(take_snapshot(connection, settings))
    # The file system is the machine's own and never stands still; cells that are unknown have no pages to ask for.
    others = {name: broken[name] for name in ("disk_space", *(["free_pages"] if part == "capabilities" else []))}
    assert broken == {**vars(whole), part: Unread("broken"), **others}


def test_a_guest_whose_xml_cannot_be_had_is_listed_all_the_same(
    settings: AuditSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection.open(parse_connection("test:///default"))
    last = audit(connection, settings).content

    def fail(_: ListedGuest) -> str:
        raise CallFailed("broken")

    monkeypatch.setattr(connection, "document", fail)
    seen = audit(connection, settings, last)
    assert seen.content.guests == last.guests
    assert [problem.reason for problem in seen.problems] == [
        "vcpus unknown (broken)",
        "memory unknown (broken)",
        "pinnedCPUs, cells, pageSizeKiB, pciAddresses and mdevUUIDs unknown (broken)",
    ]


def test_a_hypervisor_on_another_host_has_disks_that_only_its_own_agent_sees(settings: AuditSettings) -> None:
    connection = Connection.open(parse_connection("test:///default"))
    connection.spec = parse_connection("qemu+tls://hv7.example/system")
    assert take_snapshot(connection, settings).disk_space == Unread(
        "the hypervisor is on another host, whose disks only an agent there can see"
    )


def test_without_a_setting_the_address_is_that_of_the_default_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hypertally.hypervisor.snapshot._ROUTE_PROBES", ((2, "127.0.0.5"),))
    assert route_address() == "127.0.0.1"
    monkeypatch.setattr("hypertally.hypervisor.snapshot._ROUTE_PROBES", ())
    assert route_address() == Unread("no default route; set the host IP")
