"""A real libvirtd tells that a device of this machine came or went, and the next look shows it."""

import queue
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from devhost import Host
from hypertally.hypervisor.connection import Connection, KeepAlive
from hypertally.hypervisor.device_spec import device_spec
from hypertally.hypervisor.events import start_event_loop, watch
from hypertally.hypervisor.pci import pci_pools
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.snapshot import look_at_devices
from hypertally.hypervisor.spec import parse_connection
from tests.support.devices import node_name
from tests.support.udev import OwnNetwork, own_network

SECONDS = 10.0
ALL = AuditSettings(device_spec=(device_spec({}),))


@dataclass
class Machine:
    """Looks at a host whose devices come and go as it is told."""

    network: OwnNetwork
    connection: Connection
    changed: queue.Queue[str] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        watch(self.connection, self.changed.put, lambda: None)
        self.pools = pci_pools(look_at_devices(self.connection, ALL), ALL.device_spec, (), ()).pools
        self.first = min(self.missing())

    def tell(self, action: str) -> None:
        self.network.tell(action, self.first)
        while self.changed.get(timeout=SECONDS) != node_name(self.first):
            pass

    def look(self, used: tuple[str, ...] = ()) -> dict[str, bool]:
        found = look_at_devices(self.connection, ALL)
        self.pools = pci_pools(found, ALL.device_spec, used, self.pools).pools
        return self.missing()

    def missing(self) -> dict[str, bool]:
        return {device.address: device.missing for pool in self.pools for device in pool.devices}


@pytest.fixture
def machine() -> Iterator[Machine]:
    start_event_loop()
    with own_network() as network, network.run(Host.start, "hv-udev") as host:
        connection = Connection.open(parse_connection(host.uri), KeepAlive())
        yield Machine(network, connection)
        connection.close()


def test_a_device_that_goes_and_comes_back_wakes_an_audit_and_is_seen(machine: Machine) -> None:
    whole = machine.missing()
    machine.tell("remove")
    assert machine.look() == {address: False for address in whole if address != machine.first}
    machine.tell("add")
    assert machine.look() == whole


def test_p14_a_used_device_is_missing_until_it_is_back(machine: Machine) -> None:
    whole, used = machine.missing(), (machine.first,)
    machine.tell("remove")
    assert machine.look(used) == whole | {machine.first: True}
    machine.tell("add")
    assert machine.look(used) == whole


def test_a_missed_event_is_caught_by_the_next_look(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = machine.missing()
    monkeypatch.setattr(machine.connection.known_devices, "forget", lambda _: None)
    machine.tell("remove")
    assert machine.first not in machine.look()
    machine.tell("add")
    assert machine.look() == whole
