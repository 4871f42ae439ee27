"""Events wake an audit: on a real host, and on the in-process driver alike."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import libvirt

from devhost import Host
from hypertally.hypervisor.connection import Connection, KeepAlive
from hypertally.hypervisor.events import start_event_loop, watch
from hypertally.hypervisor.spec import parse_connection

SECONDS = 10.0


class Seen:
    def __init__(self) -> None:
        self.changed: queue.Queue[str] = queue.Queue()
        self.closed = threading.Event()

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
