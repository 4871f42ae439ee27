"""Who holds which PCI devices, what that leaves of each pool, and what cannot be as it is told."""

from hypertally.api.inventory import PciType
from hypertally.api.placement import PoolFree
from hypertally.ledger.numa_free import Holding
from hypertally.ledger.pci_free import PciConflictKind
from tests.ledger.pci_make import CARD, PF, VF1, VF2, counts, device, has, left, lists, pool, with_devices


def said(*holdings: Holding) -> list[str]:
    return [str(each) for each in left(CARD, *holdings).conflicts]


def test_a_pool_is_named_as_the_report_names_it() -> None:
    host = pool("0000:0a:00.1", "0000:0a:00.2", vendor="15b3", product="1018", cell=1, tags={"net": "a"})
    assert left([host], has("a", "0000:0a:00.1")).pools == (
        PoolFree(vendor_id="15b3", product_id="1018", type=PciType.PCI, numa_cell=1, tags={"net": "a"}, free=1),
    )


def test_a_guest_holds_a_device_once_in_however_many_roles() -> None:
    one = with_devices(VF1)
    twofold = Holding("a", stays=(one, one), leaves=(one,), listed=one)
    assert counts(CARD, twofold) == (0, 1)
    assert said(twofold) == []


def test_what_any_role_has_is_held() -> None:
    for held in (has("a", VF1), lists("a", VF1), Holding("a", leaves=(with_devices(VF1),))):
        assert counts(CARD, held) == (0, 1)
        assert left(CARD, held).holders == {VF1: ("a",)}


def test_a_device_held_twice_is_told_with_both_owners() -> None:
    assert said(has("b", VF1), lists("a", VF1)) == [f"PCI device {VF1}: is held twice (held by a, b)"]


def test_a_vf_and_its_pf_held_by_two_guests_are_told() -> None:
    rest = left(CARD, has("a", PF), has("b", VF2))
    assert [(each.address, each.kind) for each in rest.conflicts] == [(VF2, PciConflictKind.SHUT_OUT)]
    assert str(rest.conflicts[0]) == f"PCI device {VF2}: its physical function {PF} is held by a (held by b)"


def test_all_who_hold_the_pf_of_a_vf_are_named() -> None:
    assert f"PCI device {VF2}: its physical function {PF} is held by a, c (held by b)" in said(
        has("a", PF), has("c", PF), has("b", VF2)
    )


def test_a_vf_and_its_pf_held_by_one_guest_in_two_roles_are_no_conflict() -> None:
    assert said(Holding("a", stays=(with_devices(PF), with_devices(VF1)))) == []


def test_a_pf_that_nobody_offers_takes_its_vfs_away_all_the_same() -> None:
    assert counts(CARD[1:], lists("a", PF)) == (0,)


def test_a_device_that_a_guest_has_and_nobody_offers_is_no_conflict() -> None:
    assert said(lists("a", "0000:00:1f.0")) == []
    assert said(has("a", "0000:00:1f.0")) == ["PCI device 0000:00:1f.0: the host no longer offers it (held by a)"]


def test_a_listed_device_that_the_host_lost_is_told() -> None:
    host = [pool(device("0000:0a:00.1", missing=True), "0000:0a:00.2")]
    rest = left(host, lists("a", "0000:0a:00.1"))
    assert [each.free for each in rest.pools] == [1]
    assert [str(each) for each in rest.conflicts] == ["PCI device 0000:0a:00.1: the host no longer has it (held by a)"]


def test_a_missing_device_is_nobodys_to_have() -> None:
    assert counts([pool(device("0000:0a:00.1", missing=True))]) == (0,)
