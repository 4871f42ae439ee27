"""Events wake an audit: on a real host, and on the in-process driver alike."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

import libvirt

from devhost import Host
from devhost.guest import Guest
from hypertally.hypervisor.connection import Connection, KeepAlive
from hypertally.hypervisor.events import start_event_loop, watch
from hypertally.hypervisor.spec import parse_connection

SECONDS = 10.0

VPORT = """<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>
<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>"""


class Seen:
    def __init__(self) -> None:
        self.changed: queue.Queue[str] = queue.Queue()
        self.closed = threading.Event()

    def forget(self) -> None:
        with suppress(queue.Empty):
            while True:
                self.changed.get_nowait()

    def wait_for(self, guest: str) -> None:
        while self.changed.get(timeout=SECONDS) != guest:
            pass


@contextmanager
def watching(uri: str) -> Iterator[Seen]:
    start_event_loop()
    connection = Connection.open(parse_connection(uri), KeepAlive())
    seen = Seen()
    watched = watch(connection, seen.changed.put, seen.closed.set)
    try:
        yield seen
    finally:
        watched.stop()
        connection.close()


def test_the_loop_is_started_once() -> None:
    assert start_event_loop() is start_event_loop()


def test_a_guest_that_is_defined_started_or_undefined_is_named(host: Host) -> None:
    with watching(host.uri) as seen:
        guest = host.define_guest("eventful")
        seen.wait_for(guest)
        host.virsh("start", "eventful")
        seen.wait_for(guest)
        host.destroy_guest("eventful")
        host.undefine("eventful")
        seen.wait_for(guest)
    assert not seen.closed.is_set()


POOL = """<pool type='dir'><name>{name}</name><uuid>{uuid}</uuid>
<target><path>/var/lib/libvirt/images</path></target></pool>"""


def test_a_storage_pool_that_comes_is_refreshed_or_goes_is_named(host: Host) -> None:
    writable, uuid = libvirt.open(host.uri), str(uuid4())
    with watching(host.uri) as seen:
        pool = writable.storagePoolCreateXML(POOL.format(name="eventful", uuid=uuid))
        seen.wait_for(uuid)
        seen.forget()
        pool.refresh()
        seen.wait_for(uuid)
        seen.forget()
        pool.destroy()
        seen.wait_for(uuid)
    writable.close()


def test_a_device_that_is_given_to_a_running_guest_is_told(host: Host) -> None:
    (host.images / "given.img").write_bytes(bytes(1024**2))
    # QEMU's PC takes devices while it runs only if it has ACPI.
    document = Guest(name="given").xml().replace("<devices>", "<features><acpi/></features><devices>")
    writable = libvirt.open(host.uri)
    guest = writable.createXML(document)
    with watching(host.uri) as seen:
        host.virsh("attach-disk", "given", "/var/lib/libvirt/images/given.img", "vdz")
        seen.wait_for(guest.UUIDString())
    guest.destroy()
    writable.close()


def test_a_node_device_that_comes_or_goes_is_named_by_the_in_process_driver() -> None:
    with watching("test:///default") as seen:
        writable = libvirt.open("test:///default")
        device = writable.nodeDeviceCreateXML(VPORT, 0)
        name = device.name()
        seen.wait_for(name)
        seen.forget()
        device.destroy()
        seen.wait_for(name)
        writable.close()


def test_nothing_comes_after_the_end_of_a_watch(host: Host) -> None:
    with watching(host.uri) as ended, watching(host.uri) as other:
        pass
    with watching(host.uri) as going_on:
        guest = host.define_guest("late")
        going_on.wait_for(guest)
        host.undefine("late")
    assert ended.changed.empty()
    assert other.changed.empty()


def test_the_end_of_libvirtd_is_told(own_host: Host) -> None:
    with watching(own_host.uri) as seen:
        own_host.kill()
        assert seen.closed.wait(SECONDS)


def test_the_in_process_driver_tells_its_events_too() -> None:
    with watching("test:///default") as seen:
        writable = libvirt.open("test:///default")
        domain = writable.lookupByName("test")
        domain.suspend()
        domain.resume()
        writable.close()
        seen.wait_for(domain.UUIDString())
