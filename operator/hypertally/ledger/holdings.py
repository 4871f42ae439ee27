"""What claims hold beyond amounts, put together."""

from collections.abc import Iterable

from msgspec.structs import replace

from hypertally.api.placement import HeldCell, HeldDevice, HeldMdev, Placement

from . import cpu_set


def union(placements: Iterable[Placement]) -> Placement:
    """The least that covers each: what a guest that leaves may still use. Sorted."""
    cells: dict[tuple[int, int], HeldCell] = {}
    devices: dict[str, HeldDevice] = {}
    mdevs: dict[tuple[str, str], HeldMdev] = {}
    for placement in placements:
        for cell in placement.cells:
            key = (cell.id, cell.page_size_kib)
            cells[key] = _larger(cells[key], cell) if key in cells else cell
        for device in placement.devices:
            devices.setdefault(device.address, device)
        for mdev in placement.mdevs:
            known = mdevs.get((mdev.parent_address, mdev.type))
            mdevs[mdev.parent_address, mdev.type] = mdev if known is None or known.count < mdev.count else known
    return Placement(
        cells=tuple(cells[key] for key in sorted(cells)),
        devices=tuple(devices[key] for key in sorted(devices)),
        mdevs=tuple(mdevs[key] for key in sorted(mdevs)),
    )


def _larger(a: HeldCell, b: HeldCell) -> HeldCell:
    cpus = (cpu_set.parse_or_none(a.cpus) or 0) | (cpu_set.parse_or_none(b.cpus) or 0)
    return replace(a, vcpus=max(a.vcpus, b.vcpus), memory_mib=max(a.memory_mib, b.memory_mib), cpus=cpu_set.form(cpus))
