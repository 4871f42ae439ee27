"""The one place that asks libvirt. Synchronous: calls block, so they belong into a worker thread with a deadline.

Opening blocks as well, without an end if libvirtd is frozen: no keep-alive is on before it has answered.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from errno import ENOENT
from typing import Any, ParamSpec, Self, TypeVar

import libvirt

from .background import Background
from .cpu_set import runs
from .documents import Documents
from .errors import (
    CallFailed,
    CallUnsupported,
    DaemonAbsent,
    DeviceGone,
    GuestGone,
    HypervisorError,
    HypervisorUnavailable,
    PoolGone,
    UnsupportedScheme,
)
from .facts import CpuMap, DiskSpace, NodeInfo, PoolFacts, Unread
from .known_devices import KnownDevices
from .spec import ConnectionSpec

P = ParamSpec("P")
T = TypeVar("T")

GUEST_STATS = (
    libvirt.VIR_DOMAIN_STATS_STATE
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_BLOCK
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
)
GUEST_STATS_FLAGS = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
"""Without NOWAIT, one QEMU that hangs in a job stops the answer for every guest of the host."""

MEDIATED_DEVICES = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES
PCI_DEVICES = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_VDPA
NETWORK_INTERFACES = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET

_MISSING = (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_OPERATION_UNSUPPORTED)
_BROKEN = (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_RPC)
_NOT_BUILT_IN = (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_ERR_NO_CONNECT)


@dataclass(frozen=True)
class KeepAlive:
    """Seconds between probes of an idle connection, and how many may stay unanswered. Needs the event loop."""

    interval: int = 5
    count: int = 3


@dataclass(frozen=True)
class ListedGuest:
    """A domain as the bulk call lists it."""

    uuid: str
    name: str
    active: bool
    stats: dict[str, int | str]
    handle: Any


@dataclass(frozen=True)
class ListedDevice:
    """A node device by libvirt's name for it."""

    name: str
    handle: Any


class Connection:
    """Owns one virConnect, opened read-only: an agent that only looks cannot break anything.

    Every method asks once and raises HypervisorUnavailable (the connection is lost) or CallFailed (it is not).
    """

    def __init__(self, handle: libvirt.virConnect, spec: ConnectionSpec) -> None:
        self._handle = handle
        self.spec = spec
        self.calls = 0
        """Calls into libvirt so far: the measure of what an audit costs libvirtd."""
        self._baseline: tuple[str, str] | None = None
        self.documents = Documents()
        """What guests' XML said on this connection; nothing is kept until its events are watched."""
        self.known_devices = KnownDevices()
        """What node devices' XML said, likewise."""
        self.disk_space: Background[DiskSpace | Unread] = Background()
        self.storage_pools: Background[tuple[PoolFacts, ...] | Unread | None] = Background()
        """Questions that may hang while libvirt lives; the last answer is kept here."""

    @classmethod
    def open(cls, spec: ConnectionSpec, keep_alive: KeepAlive | None = None) -> Self:
        """Raises UnsupportedScheme or HypervisorUnavailable, each with the URI and a remedy."""
        # Else libvirt prints every error to stderr itself, beside the exception.
        libvirt.registerErrorHandler(_ignore, None)
        if spec.test_file and not spec.test_file.is_file():
            raise HypervisorUnavailable(f"{spec.uri}: there is no host description {spec.test_file}")
        try:
            handle = libvirt.openReadOnly(spec.uri)
        except libvirt.libvirtError as error:
            raise _refused(spec, error) from None
        connection = cls(handle, spec)
        if keep_alive:
            connection.watch_over(keep_alive)
        return connection

    @property
    def handle(self) -> libvirt.virConnect:
        """For the registration of events."""
        return self._handle

    def close(self) -> None:
        """Safe on a connection that is lost."""
        try:
            self._handle.close()
        except libvirt.libvirtError:
            return

    def is_alive(self) -> bool:
        """Whether the socket is still open: a local look, no question to libvirtd."""
        try:
            return bool(self._handle.isAlive() == 1)
        except libvirt.libvirtError:
            return False

    def driver(self) -> str:
        return str(self.ask(self._handle.getType))

    def version(self) -> int:
        return int(self.ask(self._handle.getVersion))

    def libvirt_version(self) -> int:
        return int(self.ask(self._handle.getLibVersion))

    def hostname(self) -> str:
        return str(self.ask(self._handle.getHostname))

    def capabilities(self) -> str:
        return str(self.ask(self._handle.getCapabilities))

    def node_info(self) -> NodeInfo:
        info = self.ask(self._handle.getInfo)
        return NodeInfo(memory_mib=int(info[1]), cpus=int(info[2]))

    def cpu_map(self) -> CpuMap:
        present, online, _ = self.ask(self._handle.getCPUMap)
        return CpuMap(int(present), frozenset(number for number, is_on in enumerate(online) if is_on))

    def cpu_baseline(self, cpu: str) -> str:
        """`cpu`, an element of the capabilities, with every feature spelt out.

        Kept: the answer depends on nothing else but the version of libvirtd, which no connection outlives.
        """
        if self._baseline is None or self._baseline[0] != cpu:
            expand = libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES
            self._baseline = cpu, str(self.ask(self._handle.baselineCPU, [cpu], expand))
        return self._baseline[1]

    def free_pages(self, cells: Sequence[int], sizes_kib: Sequence[int]) -> dict[int, dict[int, int]]:
        """By cell and size. One call for each run of consecutive cells: on nearly every host there is one."""
        free: dict[int, dict[int, int]] = {}
        for first, last in runs(sorted(cells)):
            found = self.ask(self._handle.getFreePages, list(sizes_kib), first, last - first + 1)
            free |= {int(cell): {int(size): int(count) for size, count in per.items()} for cell, per in found.items()}
        return free

    def memory_kib(self) -> dict[str, int]:
        """`total`, `free`, `buffers`, `cached`: the kernel's own words."""
        cells: int = libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS
        return {str(key): int(value) for key, value in self.ask(self._handle.getMemoryStats, cells).items()}

    def cpu_time(self) -> dict[str, int]:
        """`user`, `kernel`, `idle`, `iowait` of all CPUs, in nanoseconds since the host's start."""
        every: int = libvirt.VIR_NODE_CPU_STATS_ALL_CPUS
        return {str(key): int(value) for key, value in self.ask(self._handle.getCPUStats, every).items()}

    def guests(self) -> list[ListedGuest]:
        """Every domain, active or not, with one call.

        Guest by guest where the driver has no bulk call, or where the call fails, so that one guest fails alone.
        """
        try:
            return self.guests_in_bulk()
        except CallFailed:
            return list(self._guests_one_by_one())

    def guests_in_bulk(self) -> list[ListedGuest]:
        records = self.ask(self._handle.getAllDomainStats, GUEST_STATS, GUEST_STATS_FLAGS)
        return [_listed(domain, dict(stats)) for domain, stats in records]

    def guests_again(self, guests: Sequence[ListedGuest]) -> list[ListedGuest]:
        """The bulk record of these alone, with one call; those that vanished meanwhile are left out."""
        handles = [guest.handle for guest in guests]
        records = self.ask(self._handle.domainListGetStats, handles, GUEST_STATS, GUEST_STATS_FLAGS)
        return [_listed(domain, dict(stats)) for domain, stats in records]

    def saved_guests(self) -> frozenset[str]:
        """UUIDs of those that have a managed save, with one call."""
        listed = self.ask(self._handle.listAllDomains, libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
        return frozenset(str(domain.UUIDString()).lower() for domain in listed)

    def document(self, guest: ListedGuest) -> str:
        """The guest's XML; GuestGone if it vanished meanwhile."""
        return str(self.ask(guest.handle.XMLDesc, 0))

    def saved_document(self, guest: ListedGuest) -> str:
        """The XML in the guest's managed save; GuestGone if it vanished meanwhile."""
        return str(self.ask(guest.handle.managedSaveGetXMLDesc, 0))

    def node_devices(self, *, offered: bool, interfaces: bool) -> list[ListedDevice]:
        """Active ones: mediated devices and their parents; all PCI and vDPA devices if some may be `offered`."""
        flags = MEDIATED_DEVICES | (PCI_DEVICES if offered else 0) | (NETWORK_INTERFACES if interfaces else 0)
        try:
            listed = self.ask_beside(self._handle.listAllDevices, flags | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE)
        except CallFailed:
            # The test driver and libvirt before 7.3 refuse the flag; they have no devices that are only defined.
            listed = self.ask_beside(self._handle.listAllDevices, flags)
        return [ListedDevice(str(device.name()), device) for device in listed]

    def device_document(self, device: ListedDevice) -> str:
        """The device's XML; DeviceGone if it vanished meanwhile."""
        return str(self.ask_beside(device.handle.XMLDesc, 0))

    def _guests_one_by_one(self) -> Iterator[ListedGuest]:
        for domain in self.ask(self._handle.listAllDomains, 0):
            try:
                state, _ = self.ask(domain.state, 0)
            except GuestGone:
                continue
            except CallFailed:
                state = libvirt.VIR_DOMAIN_NOSTATE
            yield _listed(domain, {"state.state": int(state)})

    def watch_over(self, how: KeepAlive) -> None:
        try:
            self.ask(self._handle.setKeepAlive, how.interval, how.count)
        except CallUnsupported:
            return  # in-process drivers have no socket to watch

    def ask(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Calls into libvirt and gives its errors their types."""
        self.calls += 1
        try:
            return function(*arguments, **named)
        except libvirt.libvirtError as error:
            raise self._translated(error) from None

    def ask_beside(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Asks for what is not the guests': of modular daemons another answers, whose absence loses no connection.

        virtqemud connects to it at a question (remoteOpenConn in libvirt's remote_daemon_dispatch.c) and passes on what
        went wrong as it is: VIR_ERR_SYSTEM_ERROR of VIR_FROM_RPC, like a broken connection of its own.
        """
        self.calls += 1
        try:
            return function(*arguments, **named)
        except libvirt.libvirtError as error:
            meant = self._translated(error)
            if isinstance(meant, HypervisorUnavailable) and self.is_alive():
                # virReportSystemError puts errno here; its text is in the language of the daemon.
                meant = (DaemonAbsent if error.get_int1() == ENOENT else CallFailed)(_one_line(error))
            raise meant from None

    def _translated(self, error: libvirt.libvirtError) -> HypervisorError:
        code, origin, text = error.get_error_code(), error.get_error_domain(), _one_line(error)
        if code in _BROKEN and origin in (libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE):
            return HypervisorUnavailable(f"{self.spec.uri}: the connection is lost ({text})")
        if code in (libvirt.VIR_ERR_INVALID_CONN, libvirt.VIR_ERR_NO_CONNECT) or not self.is_alive():
            return HypervisorUnavailable(f"{self.spec.uri}: the connection is closed ({text})")
        if code == libvirt.VIR_ERR_NO_DOMAIN:
            return GuestGone(text)
        if code == libvirt.VIR_ERR_NO_STORAGE_POOL:
            return PoolGone(text)
        if code == libvirt.VIR_ERR_NO_NODE_DEVICE:
            return DeviceGone(text)
        return (CallUnsupported if code in _MISSING else CallFailed)(text)


def _listed(domain: Any, stats: dict[str, int | str]) -> ListedGuest:
    """The handle knows id, name and uuid itself: no call."""
    return ListedGuest(domain.UUIDString().lower(), domain.name(), domain.ID() >= 0, stats, domain)


def _refused(spec: ConnectionSpec, error: libvirt.libvirtError) -> HypervisorError:
    text = _one_line(error)
    if error.get_error_code() in _NOT_BUILT_IN:
        return UnsupportedScheme(f"{spec.uri}: this machine's libvirt has no such driver ({text})")
    return HypervisorUnavailable(f"{spec.uri}: cannot connect ({text}); {_remedy(spec, text)}")


def _remedy(spec: ConnectionSpec, text: str) -> str:
    if "Permission denied" in text:
        return "run as root, or as a member of the group that owns libvirt's socket (usually libvirt)"
    if spec.driver == "test":
        return "see libvirt's documentation of the test driver for the form of a host description"
    if spec.is_local:
        return "start libvirtd or virtqemud here (package libvirt-daemon-system), or name another URI"
    return "check that libvirt answers on that host, and that this host may connect to it"


def _one_line(error: libvirt.libvirtError) -> str:
    return " ".join(str(error).split()) or "libvirt gave no reason"


def _ignore(*_: object) -> None:
    """An error handler that says nothing: the exception carries everything."""
