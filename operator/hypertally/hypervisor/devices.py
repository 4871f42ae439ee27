"""PCI and mediated devices for the report, whatever else is wrong with them. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hypertally.api.inventory import MdevType, PciPool

from .facts import Absent, Part, Problem, Snapshot, Unread
from .mdev import mdev_types
from .node_devices import NodeDevice, OtherDevice, UnreadDevice
from .pci import PciView, pci_pools

_NAMED = 8
"""Of the devices that one line of the log is about."""


@dataclass(frozen=True)
class SeenDevices:
    """Remarks are for the log only."""

    pools: Part[tuple[PciPool, ...]]
    mdev_types: Part[tuple[MdevType, ...]]
    remarks: tuple[str, ...] = ()


def see_devices(
    snapshot: Snapshot, used: Collection[str], pools: Iterable[PciPool], types: Iterable[MdevType]
) -> SeenDevices:
    """`used` are the PCI addresses that guests hold; `pools` and `types` what was last reported.

    Where devices cannot be listed nothing is said to be gone (Nova would report a host without any).
    """
    specs, found, types = snapshot.settings.device_spec, snapshot.node_devices, tuple(types)
    if isinstance(found, Unread):
        no_loss = isinstance(found, Absent) and not specs and not types
        # Without an allow-list nothing depends on what the host has.
        offered = found if specs else pci_pools((), (), used, pools).pools
        return SeenDevices(Part(offered), Part(() if no_loss else found))
    if found is None:
        remark = f"device spec: the driver {snapshot.driver} lists no devices, so none is offered"
        return SeenDevices(Part(()), Part(()), (remark,) if specs else ())
    view = pci_pools(found, specs, used, pools)
    return SeenDevices(
        Part(view.pools), Part(mdev_types(found, types), tuple(_problems(found))), tuple(_remarks(found, view))
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
