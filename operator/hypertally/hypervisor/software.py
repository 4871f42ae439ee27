"""Which hypervisor it is and in which versions."""

from hypertally.api.compute_node import Hypervisor

from .errors import InventoryUnreadable
from .facts import Problem, Snapshot, Unread

_MAJOR, _MINOR = 1_000_000, 1_000


def hypervisor(snapshot: Snapshot, last: Hypervisor | None) -> tuple[Hypervisor, list[Problem]]:
    """Raises InventoryUnreadable if type or version never could be read: every report names them."""
    parts = (("type", snapshot.driver), ("version", snapshot.version), ("libvirt version", snapshot.libvirt_version))
    problems = [Problem(f"hypervisor {part}", fact.reason) for part, fact in parts if isinstance(fact, Unread)]
    if problems and last is None:
        raise InventoryUnreadable(f"{snapshot.uri}: {problems[0]}; see libvirtd's log")
    known = last or _NONE
    return Hypervisor(
        type=known.type if isinstance(snapshot.driver, Unread) else snapshot.driver,
        version=_or_last(snapshot.version, known.version),
        libvirt_version=_or_last(snapshot.libvirt_version, known.libvirt_version),
        # A host without a default route has no address of its own choice: that is no gap in the inventory.
        host_ip=known.host_ip if isinstance(snapshot.host_ip, Unread) else snapshot.host_ip,
    ), problems


_NONE = Hypervisor(type="", version="", libvirt_version="")


def _or_last(version: int | Unread, last: str) -> str:
    return last if isinstance(version, Unread) else version_text(version)


def version_text(version: int) -> str:
    """libvirt packs versions as major x 10^6 + minor x 10^3 + micro."""
    return f"{version // _MAJOR}.{version % _MAJOR // _MINOR}.{version % _MINOR}"
