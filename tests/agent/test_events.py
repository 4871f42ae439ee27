"""What libvirt tells wakes the audit at once, and never more often than once a second."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import libvirt
import pytest

from devhost import Host
from devhost.guest import Guest

from .conftest import NOBODY_ELSES, StartAgent, Watched
from .test_reporting import writes_since

POOL = """<pool type='dir'><name>pool</name><uuid>3c4b9c6e-7e3b-4f6b-9d0e-5a1c1f3e7a10</uuid>
<target><path>/var/lib/libvirt/images</path></target></pool>"""

BUSY_LOOP = b"\xeb\xfe"
_FIRMWARE_BYTES = 64 * 1024


@contextmanager
def writable(host: Host) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(host.uri)
    try:
        yield connection
    finally:
        connection.close()


def busy_guest(host: Host, connection: libvirt.virConnect, name: str) -> libvirt.virDomain:
    """One that takes a whole CPU, as far as there is one."""
    image = bytearray(_FIRMWARE_BYTES)
    image[-16:-14] = BUSY_LOOP
    (host.images / "busy.bin").write_bytes(image)
    document = Guest(name=name).xml().replace("/var/lib/libvirt/halt.bin", "/var/lib/libvirt/images/busy.bin")
    return connection.createXML(document)


@pytest.fixture
def reported(watched: Watched, start_agent: StartAgent, own_host: Host) -> Watched:
    """A host whose agent looks at it for events only."""
    start_agent(watched, f"--connection={own_host.uri}", "--interval=-1", f"--instances-path={own_host.images}")
    watched.wait_report()
    return watched


def test_a_storage_pool_that_comes_or_goes_is_reported_without_the_timer(reported: Watched, own_host: Host) -> None:
    with writable(own_host) as connection:
        pool = connection.storagePoolCreateXML(POOL)
        reported.wait("the pool", lambda: [each["name"] for each in reported.report().get("storagePools", [])] != [])
        pool.destroy()
        reported.wait("its end", lambda: not reported.report().get("storagePools"))


def test_a_disk_that_a_running_guest_is_given_is_reported_without_the_timer(reported: Watched, own_host: Host) -> None:
    (own_host.images / "more.img").write_bytes(bytes(5 * 1024**2))
    with writable(own_host) as connection:
        connection.createXML(Guest(name="given").xml().replace("<devices>", "<features><acpi/></features><devices>"))
        reported.wait("the guest", lambda: reported.guests() == {"given": "Running"})
        own_host.virsh("attach-disk", "given", "/var/lib/libvirt/images/more.img", "vdz")
        reported.wait("its disk", lambda: reported.report()["guests"][0]["diskMiB"] == 5)


def test_what_no_event_told_is_seen_by_the_next_audit(
    watched: Watched, start_agent: StartAgent, own_host: Host
) -> None:
    """libvirt tells nobody of a change to the configuration alone."""
    (own_host.images / "later.img").write_bytes(bytes(3 * 1024**2))
    own_host.define_guest("off")
    start_agent(watched, f"--connection={own_host.uri}", f"--instances-path={own_host.images}")
    watched.wait("the guest", lambda: watched.exists() and watched.guests() == {"off": "Shutoff"})
    own_host.virsh("attach-disk", "off", "/var/lib/libvirt/images/later.img", "vdz", "--config")
    watched.wait("its disk", lambda: watched.report()["guests"][0]["diskMiB"] == 3)


def test_a_storm_of_events_is_one_report_a_second_and_the_last_state_is_told(reported: Watched, own_host: Host) -> None:
    before, begun = reported.report()["generation"], time.monotonic()
    with writable(own_host) as connection:
        for number in range(100):
            connection.defineXML(Guest(name=f"storm-{number}").xml())
    last = {f"storm-{number}": "Shutoff" for number in range(100)}
    reported.wait("the last state", lambda: reported.guests() == last)
    seconds = time.monotonic() - begun
    # The first at once, then one for each second that began.
    assert reported.report()["generation"] - before <= 2 + int(seconds)


def test_a_host_whose_guests_are_busy_is_not_written(watched: Watched, start_agent: StartAgent, own_host: Host) -> None:
    with writable(own_host) as connection:
        guest = busy_guest(own_host, connection, "busy")
        agent = start_agent(watched, f"--connection={own_host.uri}", *NOBODY_ELSES)
        watched.wait("the guest", lambda: watched.exists() and watched.guests() == {"busy": "Running"})
        agent.wait_heard(1)
        used, version = guest.info()[4], watched.node()["metadata"]["resourceVersion"]
        position = watched.cluster.audit_log.position()
        agent.wait_heard(5)
        assert guest.info()[4] > used
        assert watched.node()["metadata"]["resourceVersion"] == version
        assert writes_since(watched, position) == []
