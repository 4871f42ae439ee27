"""Charge of one guest = max(sum of its claims that stay, its Leaving, what the report lists)."""

import pytest

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim
from hypertally.ledger.charges import allocated, charge, sizes
from tests.ledger.make import INCOMING, LEAVING, RESERVED, RUNNING, claim, guest, size


def c(role: str, number: int, *, overcommitted: bool = False) -> Claim:
    roles = {"R": RUNNING, "I": INCOMING, "V": RESERVED, "L": LEAVING}
    return claim("a", roles[role], number, overcommitted=overcommitted)


@pytest.mark.parametrize(
    ("claims", "listed", "charged"),
    [
        pytest.param([], 0, 0, id="a guest that is nowhere"),
        pytest.param([], 3, 3, id="an orphan: what the report lists"),
        pytest.param([c("R", 2)], 0, 2, id="a claim before its guest is there"),
        pytest.param([c("R", 2)], 2, 2, id="claimed and listed is one guest, not two"),
        pytest.param([c("R", 2)], 5, 5, id="a guest greater than its claim"),
        pytest.param([c("R", 2), c("I", 3)], 2, 5, id="both ends of a resize on one node"),
        pytest.param([c("R", 3), c("V", 2)], 3, 5, id="a revert is kept beside what runs"),
        pytest.param([c("L", 2)], 0, 2, id="what leaves is charged until it is proven gone"),
        pytest.param([c("R", 2), c("L", 3)], 0, 3, id="what leaves is no second guest"),
        pytest.param([c("R", 2), c("I", 3), c("L", 4)], 1, 5, id="the sum of what stays outweighs what leaves"),
        pytest.param([c("R", 4, overcommitted=True)], 2, 2, id="taken without room: what the report lists"),
        pytest.param([c("R", 4, overcommitted=True)], 0, 0, id="taken without room and not listed any more"),
        pytest.param([c("R", 4, overcommitted=True), c("L", 3)], 2, 3, id="taken without room beside what leaves"),
    ],
)
def test_charge_of_one_guest(claims: list[Claim], listed: int, charged: int) -> None:
    assert charge(claims, size(listed)) == size(charged)


def test_each_amount_is_compared_by_itself() -> None:
    held = claim("a", resources=Amounts(vcpus=4, memory_mib=1, disk_mib=0))
    leaves = claim("a", LEAVING, Amounts(vcpus=1, memory_mib=3, disk_mib=2))
    listed = Amounts(vcpus=2, memory_mib=2, disk_mib=5)
    assert charge([held, leaves], listed) == Amounts(vcpus=4, memory_mib=3, disk_mib=5)


def test_cpus_that_an_orphan_has_to_itself_are_charged_apart_from_those_it_shares() -> None:
    """It has four virtual CPUs, three of which are pinned to one CPU each."""
    listed = sizes([guest("orphan", Amounts(vcpus=1, pcpus=3, memory_mib=1))])
    assert allocated([claim("a", resources=1)], listed) == Amounts(vcpus=2, pcpus=3, memory_mib=2, disk_mib=1)


def test_a_node_is_charged_for_each_guest_once() -> None:
    claims = [claim("a", resources=2), claim("a", LEAVING, 3), claim("b", resources=1)]
    assert allocated(claims, {"a": size(1), "orphan": size(4)}) == size(3 + 1 + 4)


def test_guests_that_did_not_fit_into_the_list_are_charged_beside_it() -> None:
    assert allocated([claim("a", resources=2)], {"a": size(2)}, omitted=size(7)) == size(9)


def test_sizes_are_by_guest() -> None:
    assert sizes([guest("a", 2), guest("b", 3)]) == {"a": size(2), "b": size(3)}
