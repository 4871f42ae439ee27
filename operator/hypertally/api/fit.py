"""A report as the API server takes it.

Lists are sorted and cut, names cut, amounts clamped; what cannot be said at all is left out. What was left out is
counted, in `omitted` or, of guests, beside their list. The same content in another order gives the same result, and
what fits is left as it is.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from .amounts import Amounts
from .base import wire_name
from .bounds import (
    AMOUNT_MAX,
    COUNT_MAX,
    GUEST_CELLS_MAX,
    GUEST_CELLS_TOGETHER,
    GUEST_CPUS_TOGETHER,
    GUEST_MDEVS_MAX,
    GUEST_MDEVS_TOGETHER,
    GUEST_NAME_MAX,
    GUEST_PCI_MAX,
    GUEST_PCI_TOGETHER,
    GUESTS_MAX,
    HYPERVISOR_TYPE_MAX,
    ORDINAL_MAX,
    PAGE_SIZE_MAX,
    PCI_ADDRESS_MAX,
    SUM_MAX,
    within,
)
from .compute_node import Guest, Omission, ReportContent
from .cuts import Allowance, Cuts
from .fit_cpu import fit_cells, fit_cpu, fit_guest_types, fit_pages_in_use
from .fit_devices import fit_mdev_types, fit_pci_pools, fit_storage_pools
from .forms import PCI_ADDRESS, UUID, cut, has_form, plain
from .order import by_key


def fit_report(content: ReportContent) -> ReportContent:
    """`content` within all bounds. What its `omitted` says already is kept and added to."""
    cuts = Cuts()
    every = by_key(content.guests, lambda guest: guest.uuid)
    kept, cut_off = every[:GUESTS_MAX], every[GUESTS_MAX:]
    least = content.disk_available_least_mib
    fitted = replace(
        content,
        hypervisor=replace(content.hypervisor, type=cut(content.hypervisor.type, HYPERVISOR_TYPE_MAX)),
        cpu=content.cpu and fit_cpu(content.cpu, cuts),
        guest_types=fit_guest_types(content.guest_types, cuts),
        capacity=content.capacity and _clamp(content.capacity, AMOUNT_MAX),
        measured=content.measured and _clamp(content.measured, AMOUNT_MAX),
        measured_pages=fit_pages_in_use(content.measured_pages, cuts),
        disk_available_least_mib=None if least is None else within(least, SUM_MAX, -SUM_MAX),
        numa_cells=fit_cells(content.numa_cells, cuts),
        pci_pools=fit_pci_pools(content.pci_pools, cuts),
        mdev_types=fit_mdev_types(content.mdev_types, cuts),
        storage_pools=fit_storage_pools(content.storage_pools, cuts),
        guests=_fit_guests(kept, cuts),
        guests_omitted=within(content.guests_omitted + len(cut_off), COUNT_MAX),
        omitted_resources=_sum(content.omitted_resources, cut_off),
    )
    return replace(fitted, omitted=cuts.omissions(content.omitted))


def keep(content: ReportContent, last: ReportContent, *parts: str) -> ReportContent:
    """`content` with `parts` (names of its fields) as `last` has them, and with what `last` left out of them.

    For parts that could not be read: `last` is within all bounds, so nobody would see anew what they kept out.
    """
    fields = {part: getattr(last, part) for part in parts}
    if "guests" in parts:
        fields |= {"guests_omitted": last.guests_omitted, "omitted_resources": last.omitted_resources}
    kept = {wire_name(part) for part in parts}
    omitted = [
        *(omission for omission in content.omitted if _field(omission) not in kept),
        *(omission for omission in last.omitted if _field(omission) in kept),
    ]
    return replace(content, **fields, omitted=tuple(sorted(omitted, key=lambda omission: omission.part)))


def _field(omission: Omission) -> str:
    """`pciPools[].devices` is of `pciPools`."""
    return omission.part.partition(".")[0].removesuffix("[]")


def _fit_guests(guests: Iterable[Guest], cuts: Cuts) -> tuple[Guest, ...]:
    cells = Allowance(cuts, "guests[].cells", GUEST_CELLS_TOGETHER)
    cpus = Allowance(cuts, "guests[].pinnedCPUs", GUEST_CPUS_TOGETHER)
    devices = Allowance(cuts, "guests[].pciAddresses", GUEST_PCI_TOGETHER)
    mdevs = Allowance(cuts, "guests[].mdevUUIDs", GUEST_MDEVS_TOGETHER)

    def fit(guest: Guest) -> Guest:
        known = cuts.fitting("guests[].cells", set(guest.cells), lambda cell: 0 <= cell <= ORDINAL_MAX)
        addresses = cuts.fitting(
            "guests[].pciAddresses", set(guest.pci_addresses), lambda each: has_form(PCI_ADDRESS, each, PCI_ADDRESS_MAX)
        )
        uuids = cuts.fitting("guests[].mdevUUIDs", set(guest.mdev_uuids), lambda each: has_form(UUID, each, len(each)))
        return replace(
            _fit_sizes(guest),
            cells=cells.take(sorted(known), GUEST_CELLS_MAX),
            pinned_cpus=cpus.take_cpus(guest.pinned_cpus),
            pci_addresses=devices.take(sorted(addresses), GUEST_PCI_MAX),
            mdev_uuids=mdevs.take(sorted(uuids), GUEST_MDEVS_MAX),
        )

    return tuple(map(fit, guests))


def _fit_sizes(guest: Guest) -> Guest:
    names = ("vcpus", "pcpus", "memory_mib", "disk_mib", "memory_current_mib")
    return replace(
        guest,
        name=plain(guest.name, GUEST_NAME_MAX),
        page_size_kib=within(guest.page_size_kib, PAGE_SIZE_MAX),
        **{name: within(getattr(guest, name)) for name in names},
    )


def _clamp(amounts: Amounts, most: int) -> Amounts:
    return Amounts(**{key: within(getattr(amounts, key), most) for key in Amounts.__struct_fields__})


def _sum(already: Amounts | None, cut_off: Sequence[Guest]) -> Amounts | None:
    parts = [*([already] if already else []), *(_fit_sizes(guest).amounts() for guest in cut_off)]
    if not parts:
        return None
    total = {key: sum(getattr(part, key) for part in parts) for key in Amounts.__struct_fields__}
    return _clamp(Amounts(**total), SUM_MAX)
