"""PCI and mediated devices for the report, whatever else is wrong with them. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from hypertally.api.inventory import MdevType, PciPool

from .device_spec import DeviceSpec
from .facts import Problem, Unread
from .mdev import mdev_types
from .node_devices import NodeDevice, OtherDevice, UnreadDevice
from .pci import PciView, pci_pools

_NAMED = 8
"""Of the devices that one line of the log is about."""


@dataclass(frozen=True)
class SeenDevices:
    pools: tuple[PciPool, ...] = ()
    mdev_types: tuple[MdevType, ...] = ()
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()


def see_devices(
    found: Sequence[NodeDevice] | Unread | None,
    specs: Sequence[DeviceSpec],
    used: Collection[str],
    last: SeenDevices,
) -> SeenDevices:
    """`used` are the PCI addresses that guests hold; `last` stands in for what could not be read.

    Where devices cannot be listed nothing is said to be gone (Nova would report a host without any).
    """
    if isinstance(found, Unread):
        parts = ["pciPools"] * bool(specs) + ["mdevTypes"]
        return SeenDevices(last.pools, last.mdev_types, tuple(Problem(part, found.reason) for part in parts))
    if found is None:
        return SeenDevices(remarks=("device spec: this driver lists no devices, so none is offered",) * bool(specs))
    view = pci_pools(found, specs, used, last.pools)
    return SeenDevices(
        view.pools, mdev_types(found, last.mdev_types), tuple(_problems(found)), tuple(_remarks(found, view))
    )


def _problems(found: Sequence[NodeDevice]) -> Iterator[Problem]:
    for device in sorted((each for each in found if isinstance(each, UnreadDevice)), key=lambda each: each.name):
        yield Problem(f"device {device.name}", device.reason)


def _remarks(found: Sequence[NodeDevice], view: PciView) -> Iterator[str]:
    nameless = sorted(each.name for each in found if isinstance(each, OtherDevice) and each.reason)
    if nameless:
        yield f"devices at addresses that no guest can be given are left out: {_some(nameless)}"
    if view.used_unoffered:
        yield f"devices that no device spec offers any more stay listed while used: {_some(view.used_unoffered)}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
