"""The pools of a host with 512 virtual functions, against reading all of its devices anew, as Nova did until 2025."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from hypertally.api.inventory import PciPool
from hypertally.hypervisor.connection import Connection
from hypertally.hypervisor.device_spec import device_spec
from hypertally.hypervisor.events import start_event_loop, watch
from hypertally.hypervisor.pci import pci_pools
from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.snapshot import look_at_devices
from hypertally.hypervisor.spec import parse_connection

from .measure import alternate
from .result import Result

CARDS, FUNCTIONS = 8, 64
TIME_BUDGET = 0.5
CALLS_BUDGET = 0.02

SETTINGS = AuditSettings(device_spec=(device_spec({"vendor_id": "8086", "physical_network": "physnet1"}),))


def run() -> Iterator[Result]:
    """Time and calls from asking to pools when nothing has changed, with events watched and without."""
    with TemporaryDirectory() as folder:
        host = Path(folder) / "host.xml"
        host.write_text(_host())
        start_event_loop()
        watched, blind = (Connection.open(parse_connection(f"test://{host}")) for _ in range(2))
        watch(watched, lambda _: None, lambda: None)
        last = _pools(blind, ())
        ours, floor = alternate(lambda: _pools(watched, last), lambda: _pools(blind, last))
        yield Result(
            name="devices", ours=round(ours * 1000, 2), floor=round(floor * 1000, 2), unit="ms", budget=TIME_BUDGET
        )
        ours, floor = (_calls(connection, last) for connection in (watched, blind))
        yield Result(name="devices-calls", ours=ours, floor=floor, unit="calls", budget=CALLS_BUDGET)


def _pools(connection: Connection, last: tuple[PciPool, ...]) -> tuple[PciPool, ...]:
    found = pci_pools(look_at_devices(connection, SETTINGS), SETTINGS.device_spec, (), last).pools
    count = sum(len(pool.devices) for pool in found)
    if count != CARDS * (1 + FUNCTIONS):
        raise RuntimeError(f"{count} devices are in pools instead of {CARDS * (1 + FUNCTIONS)}")
    return found


def _calls(connection: Connection, last: tuple[PciPool, ...]) -> int:
    before = connection.calls
    _pools(connection, last)
    return connection.calls - before


def _host() -> str:
    devices = "".join(_card(bus) for bus in range(1, CARDS + 1))
    return f"""<node>
  <cpu><mhz>2000</mhz><model>x86_64</model><active>2</active><nodes>1</nodes><sockets>1</sockets><cores>2</cores>
    <threads>1</threads></cpu>
  <memory>4194304</memory>
  <device><name>computer</name><capability type='system'>
    <hardware><uuid>6f2c1c5e-4d3b-4a29-9b18-07f6e5d4c3b2</uuid></hardware><firmware/>
  </capability></device>{devices}
</node>"""


def _card(bus: int) -> str:
    pf = _function(bus, 0, 0, f"<capability type='virt_functions' maxCount='{FUNCTIONS}'/>", "0x1521")
    of_pf = f"<address domain='0x0000' bus='0x{bus:02x}' slot='0x00' function='0x0'/>"
    return pf + "".join(
        _function(bus, 1 + number // 8, number % 8, f"<capability type='phys_function'>{of_pf}</capability>", "0x1520")
        for number in range(FUNCTIONS)
    )


def _function(bus: int, slot: int, function: int, inner: str, product: str) -> str:
    return f"""
  <device><name>pci_0000_{bus:02x}_{slot:02x}_{function}</name><parent>computer</parent><capability type='pci'>
    <domain>0</domain><bus>{bus}</bus><slot>{slot}</slot><function>{function}</function>
    <product id='{product}'/><vendor id='0x8086'/>{inner}<numa node='{bus % 2}'/>
  </capability></device>"""
