"""A card of which guests hold mediated devices is nobody's as a whole, and the other way round."""

from hypertally.api.amounts import Amounts
from hypertally.api.inventory import MdevType
from hypertally.api.placement import MdevRequest, Placement, PlacementRequest
from hypertally.ledger.mdev_free import free_mdevs
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.numa_free import Holding
from hypertally.ledger.pci_free import PciConflict, PciConflictKind
from hypertally.ledger.placement import Inventory, place
from tests.ledger.pci_make import (
    PF,
    VF1,
    VF2,
    addresses_of,
    counts,
    has,
    left,
    lists,
    mdev_type,
    physical,
    pool,
    request,
    take,
    virtual,
    with_mdevs,
)  # fmt: skip

GPU, OTHER = "0000:3b:00.0", "0000:5e:00.0"
SMALL = "nvidia-35"
CARDS = (pool(GPU, OTHER, vendor="10de", product="20b5"),)
A_CARD = request("gpu", vendor="10de")


def _has_mdevs(owner: str, parent: str, count: int = 1) -> Holding:
    return Holding(owner, stays=(with_mdevs((parent, SMALL, count)),))


def _place(holdings: list[Holding], owner: str = "new", types: tuple[str, ...] = (GPU, OTHER)) -> Placement | Misfit:
    asked = PlacementRequest(pci_requests=(A_CARD,), mdev_requests=(MdevRequest(type=SMALL),))
    inventory = Inventory(pools=CARDS, mdev_types=tuple(_mdev_type(parent) for parent in types))
    ratios = Amounts(vcpus=1000, memory_mib=1000)
    return place(asked, Amounts(vcpus=1, memory_mib=1), inventory, holdings, owner=owner, ratios=ratios)


def _mdev_type(parent: str) -> MdevType:
    return mdev_type(parent, SMALL, 4)


def test_a_card_of_which_somebody_holds_mediated_devices_is_given_to_nobody() -> None:
    assert counts(CARDS, _has_mdevs("a", GPU)) == (1,)
    assert addresses_of(take(A_CARD, CARDS, _has_mdevs("a", GPU), owner="b")) == [OTHER]
    assert isinstance(take(A_CARD, CARDS, _has_mdevs("a", GPU), _has_mdevs("a", OTHER), owner="b"), Misfit)


def test_also_not_to_the_guest_that_holds_them() -> None:
    assert addresses_of(take(A_CARD, CARDS, _has_mdevs("a", GPU), owner="a")) == [OTHER]


def test_a_guest_that_leaves_or_is_listed_with_them_holds_them_too() -> None:
    leaves = Holding("a", leaves=(with_mdevs((GPU, SMALL, 1)),))
    listed = Holding("a", listed=with_mdevs((GPU, SMALL, 1)))
    assert counts(CARDS, leaves) == counts(CARDS, listed) == (1,)


def test_mediated_devices_of_a_virtual_function_take_its_physical_one_away() -> None:
    card = (physical(PF), virtual(PF, VF1, VF2))
    assert counts(card, _has_mdevs("a", VF1)) == (0, 1)
    assert counts(card, _has_mdevs("a", PF)) == (0, 0)


def test_a_card_that_somebody_holds_has_no_mediated_devices_left() -> None:
    types = [_mdev_type(GPU), _mdev_type(OTHER)]
    assert list(free_mdevs(types, [has("a", GPU)]).free.values()) == [0, 4]
    assert list(free_mdevs(types, [lists("a", OTHER)]).free.values()) == [4, 0]


def test_a_guest_keeps_its_own_mediated_devices_of_a_card_that_another_holds() -> None:
    types = [mdev_type(GPU, SMALL, 0, "u1", "u2")]
    both = Holding("a", stays=(with_mdevs((GPU, SMALL, 1)),), listed=with_mdevs((GPU, SMALL, 1)))
    assert list(free_mdevs(types, [both, has("b", GPU)]).free.values()) == [0]


def test_one_guest_gets_a_card_and_a_part_of_another_never_of_the_same() -> None:
    both = _place([])
    assert isinstance(both, Placement)
    assert {each.address for each in both.devices} == {GPU, OTHER} - {each.parent_address for each in both.mdevs}
    assert isinstance(_place([has("a", OTHER)]), Misfit)


def test_what_is_missing_is_told_of_one_who_asks_for_both() -> None:
    missing = _place([], types=())
    assert isinstance(missing, Misfit)
    assert SMALL in str(missing)


def test_both_at_once_is_told_as_too_much() -> None:
    found = left(CARDS, has("a", GPU), _has_mdevs("b", GPU), _has_mdevs("c", GPU)).conflicts
    what = "mediated devices of it are held by b, c"
    assert found == (PciConflict(GPU, PciConflictKind.DIVIDED, what, ("a",)),)
    (one,) = left(CARDS, has("a", GPU), _has_mdevs("b", GPU)).conflicts
    assert str(one) == f"PCI device {GPU}: mediated devices of it are held by b (held by a)"
    assert left(CARDS, has("a", GPU), _has_mdevs("a", GPU)).conflicts == ()
