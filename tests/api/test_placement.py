"""The digest of a placement request: what means the same has the same, and what does not has another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hypertally.api.base import to_wire
from hypertally.api.decode import decode
from hypertally.api.placement import (
    CpuPolicy,
    GuestCell,
    MdevRequest,
    NumaPolicy,
    PageSize,
    PciRequest,
    PlacementRequest,
    ThreadPolicy,
    digest,
)
from tests.support import placements

NET, DISK = PciRequest(name="net"), PciRequest(name="disk", tags={"a": "1", "b": "2"})
WHOLE = PlacementRequest(cpu_policy=CpuPolicy.DEDICATED, pci_requests=(NET, DISK))


def test_one_that_asks_for_nothing_has_none() -> None:
    assert digest(None) == digest(PlacementRequest()) == digest(decode({"cpuPolicy": "Shared"}, PlacementRequest)) == ""


def test_it_never_changes_since_claims_of_earlier_versions_carry_it() -> None:
    assert digest(PlacementRequest(cpu_policy=CpuPolicy.DEDICATED)) == "b7bd2f5b18a51b01"


@pytest.mark.parametrize(
    "same",
    [
        replace(WHOLE, pci_requests=(DISK, NET)),
        replace(WHOLE, thread_policy=ThreadPolicy.PREFER),
        replace(WHOLE, pci_requests=(replace(NET, count=1, numa_policy=NumaPolicy.LEGACY), DISK)),
        replace(WHOLE, pci_requests=(NET, replace(DISK, tags={"b": "2", "a": "1"}))),
    ],
    ids=["another order", "a default spelt out", "defaults of a request", "tags in another order"],
)
def test_what_means_the_same_has_the_same(same: PlacementRequest) -> None:
    assert digest(same) == digest(WHOLE)


@pytest.mark.parametrize(
    "other",
    [
        replace(WHOLE, cpu_policy=CpuPolicy.SHARED),
        replace(WHOLE, thread_policy=ThreadPolicy.REQUIRE),
        replace(WHOLE, page_size=PageSize.SMALL),
        replace(WHOLE, page_size=PageSize.EXPLICIT, page_size_kib=2048),
        replace(WHOLE, cells=(GuestCell(vcpus=1, memory_mib=1),)),
        replace(WHOLE, pci_requests=(NET,)),
        replace(WHOLE, pci_requests=(replace(NET, count=2), DISK)),
        replace(WHOLE, mdev_requests=(MdevRequest(type="t"),)),
    ],
)
def test_what_means_something_else_has_another(other: PlacementRequest) -> None:
    assert digest(other) != digest(WHOLE)


def test_the_order_of_a_guests_cells_means_something() -> None:
    cells = (GuestCell(vcpus=1, memory_mib=1), GuestCell(vcpus=2, memory_mib=2))
    assert digest(PlacementRequest(cells=cells)) != digest(PlacementRequest(cells=cells[::-1]))


@given(st.none() | placements.requests(placements.guest_cells))
def test_it_survives_the_way_through_the_server(request: PlacementRequest | None) -> None:
    again = decode(to_wire(request), PlacementRequest) if request else None
    assert digest(again) == digest(request)
