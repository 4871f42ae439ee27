"""Where a guest really is and which devices it really has, against what is held for it."""

from collections.abc import Iterable, Iterator

from hypertally.api.compute_node import Guest
from hypertally.api.placement import Placement

from . import cpu_set
from .differences import Difference

_ORDINARY_KIB = 64
"""The largest page that is an ordinary one on any architecture. A report says 0 for all of them."""


def places(held: Placement, guest: Guest) -> Iterator[Difference]:
    yield from _cells(held, guest)
    yield from _cpus(held, guest)
    yield from _pages(held, guest)
    yield from _devices(held, guest)
    yield from _mdevs(held, guest)


def _cells(held: Placement, guest: Guest) -> Iterator[Difference]:
    real, claimed = set(guest.cells), {cell.id for cell in held.cells}
    if real != claimed:
        yield Difference("NUMA cells", _listed(map(str, sorted(real))), _listed(map(str, sorted(claimed))))


def _cpus(held: Placement, guest: Guest) -> Iterator[Difference]:
    """More may be held than is used: the idle threads of cores that a guest has to itself."""
    claimed = 0
    for cell in held.cells:
        claimed |= cpu_set.parse_or_none(cell.cpus) or 0
    real = cpu_set.parse_or_none(guest.pinned_cpus) or 0
    if real & ~claimed or bool(real) != bool(claimed):
        yield Difference("CPUs", cpu_set.form(real) or "none", cpu_set.form(claimed) or "none")


def _pages(held: Placement, guest: Guest) -> Iterator[Difference]:
    real, claimed = guest.page_size_kib, max((cell.page_size_kib for cell in held.cells), default=0)
    is_ordinary = real == 0 and claimed <= _ORDINARY_KIB
    if real != claimed and not is_ordinary:
        yield Difference("pages of KiB", _size(real), _size(claimed))


def _devices(held: Placement, guest: Guest) -> Iterator[Difference]:
    """Those that both have are left out: a guest may have dozens."""
    real, claimed = set(guest.pci_addresses), {device.address for device in held.devices}
    if real != claimed:
        yield Difference("PCI devices", _listed(sorted(real - claimed)), _listed(sorted(claimed - real)))


def _mdevs(held: Placement, guest: Guest) -> Iterator[Difference]:
    """By number: a guest lists uuids, and a claim is made before the devices are."""
    real, claimed = len(guest.mdev_uuids), sum(mdev.count for mdev in held.mdevs)
    if real != claimed:
        yield Difference("mediated devices", str(real), str(claimed))


def _listed(words: Iterable[str]) -> str:
    return ",".join(words) or "none"


def _size(kib: int) -> str:
    return str(kib) if kib else "ordinary"
