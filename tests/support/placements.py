"""Placement requests and what claims hold of them, as Hypothesis makes them."""

from hypothesis import strategies as st

from hypertally.api.bounds import AMOUNT_MAX, COUNT_MAX, ORDINAL_MAX, SUM_MAX
from hypertally.api.inventory import PciType
from hypertally.api.placement import (
    CellFree,
    CpuPolicy,
    GuestCell,
    HeldCell,
    HeldDevice,
    HeldMdev,
    MdevFree,
    MdevRequest,
    NumaPolicy,
    PagesFree,
    PageSize,
    PciRequest,
    PlacementRequest,
    PoolFree,
    ThreadPolicy,
)
from tests.support.strategies import cpu_sets, few, labels, ordinals, pages, pci_addresses, tags, words

_HEX = "0123456789abcdef"

ids = st.text(_HEX, min_size=4, max_size=4)
types = st.sampled_from([type_ for type_ in PciType if type_ is not PciType.UNKNOWN])
digests = st.text(_HEX, min_size=16, max_size=16)

pci_requests = st.builds(
    PciRequest,
    name=labels,
    count=st.integers(1, 8),
    vendor_id=st.just("") | ids,
    product_id=st.just("") | ids,
    type=st.none() | types,
    tags=tags,
    numa_policy=st.sampled_from(NumaPolicy),
)
mdev_requests = st.builds(MdevRequest, type=words, count=st.integers(1, 16))


@st.composite
def requests(draw: st.DrawFn, cells: st.SearchStrategy[tuple[GuestCell, ...]] | None = None) -> PlacementRequest:
    """Such as the API server takes beside a size that its cells add up to."""
    dedicated = draw(st.booleans())
    size = draw(st.none() | st.sampled_from(PageSize))
    return PlacementRequest(
        cpu_policy=CpuPolicy.DEDICATED if dedicated else CpuPolicy.SHARED,
        thread_policy=draw(st.none() | st.sampled_from(ThreadPolicy)) if dedicated else None,
        page_size=size,
        page_size_kib=draw(pages) if size is PageSize.EXPLICIT else None,
        cells=draw(cells) if cells is not None else (),
        pci_requests=draw(few(pci_requests, lambda request: request.name)),
        mdev_requests=draw(few(mdev_requests, lambda request: request.type)),
    )


guest_cells = st.lists(
    st.builds(GuestCell, vcpus=st.integers(1, ORDINAL_MAX), memory_mib=st.integers(1, AMOUNT_MAX // 8)),
    min_size=1,
    max_size=8,
).map(tuple)

held_cells = st.builds(
    HeldCell,
    id=ordinals,
    vcpus=ordinals,
    memory_mib=st.integers(0, AMOUNT_MAX),
    page_size_kib=st.just(0) | pages,
    cpus=cpu_sets,
)
held_devices = st.builds(HeldDevice, request=st.just("") | labels, address=pci_addresses)
held_mdevs = st.builds(HeldMdev, type=words, parent_address=words, count=st.integers(1, 64))

_signed = st.integers(-SUM_MAX, SUM_MAX)
free_cells = st.builds(
    CellFree,
    id=ordinals,
    memory_mib=_signed,
    shared_vcpus=st.integers(0, SUM_MAX),
    cpus=cpu_sets,
    pages=few(st.builds(PagesFree, size_kib=pages, free=_signed), lambda each: each.size_kib),
)
free_devices = st.builds(
    PoolFree,
    vendor_id=ids,
    product_id=ids,
    type=types,
    free=st.integers(0, 1024),
    numa_cell=st.none() | ordinals,
    tags=tags,
)
free_mdevs = st.builds(MdevFree, parent_address=words, type=words, free=st.integers(0, COUNT_MAX))
