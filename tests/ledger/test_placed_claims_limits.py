"""No claim grows beyond what the API server takes of one: it would refuse the ledger as a whole, from then on."""

from msgspec.structs import replace

from hypertally.api.bounds import CLAIM_DEVICES_MAX, CLAIM_MDEVS_MAX, COUNT_MAX, CPU_SET_MAX
from hypertally.api.compute_node import ComputeNode, Role
from hypertally.api.instance import Instance, Move, MovePhase, MoveType
from hypertally.api.inventory import MdevType, PciDevice, PciPool, PciType
from hypertally.api.placement import HeldCell, MdevRequest, PciRequest, PlacementRequest
from hypertally.ledger.places import too_much_of_one
from tests.ledger.make import LEAVING, RUNNING, claim
from tests.ledger.test_placed_claims import after, asks, decide, held, host

EACH = CLAIM_DEVICES_MAX // 2
"""What a guest may ask for at most."""


def product(number: int) -> PlacementRequest:
    return PlacementRequest(pci_requests=(PciRequest(name="net", product_id=f"{number:04x}", count=EACH),))


POOLS = tuple(
    PciPool(
        vendor_id="8086",
        product_id=f"{number:04x}",
        type=PciType.VF,
        devices=tuple(PciDevice(address=f"0000:{number:02x}:{n // 8:02x}.{n % 8}") for n in range(EACH)),
    )
    for number in range(3)
)


def resized(number: int, phase: MovePhase) -> Instance:
    """A Resize towards n0, with devices of that product."""
    plain = asks("a", product(0), home="n9")
    size = plain.status.resources
    assert size is not None
    move = Move(
        type=MoveType.RESIZE,
        phase=phase,
        source="n9",
        target="n0",
        old_resources=size,
        new_resources=size,
        old_placement=product(0),
        new_placement=product(number),
    )
    return replace(plain, status=replace(plain.status, move=move))


def cancelled(on: ComputeNode, number: int) -> ComputeNode:
    for phase in (MovePhase.ACCEPTED, MovePhase.ENDED):
        on = after(on, decide(on, resized(number, phase)).ledger)
    return on


def test_moves_without_proof_between_them_pile_up_no_more_than_one_claim_can_have() -> None:
    on = cancelled(cancelled(host(pci_pools=POOLS), 0), 1)
    assert on.status.ledger is not None
    assert len(held(on.status.ledger, "a", LEAVING).devices) == CLAIM_DEVICES_MAX
    outcome = decide(on, resized(2, MovePhase.ACCEPTED))
    assert [c.role for c in outcome.ledger.claims] == [Role.LEAVING]
    text = f"PCI devices of one guest: asked {3 * EACH}, free {CLAIM_DEVICES_MAX}"
    assert [str(refusal) for refusal in outcome.refusals["a"]] == [text]


def test_mediated_devices_of_more_kinds_and_parents_than_a_claim_can_name_are_refused() -> None:
    def made(parents: int) -> tuple[MdevType, ...]:
        return tuple(
            MdevType(parent_address=f"0000:{p:02x}:00.0", type=f"t{t}", instances=(f"u{p}-{t}",))
            for p in range(parents)
            for t in range(3)
        )

    def want(each: int) -> PlacementRequest:
        return PlacementRequest(mdev_requests=tuple(MdevRequest(type=f"t{t}", count=each) for t in range(3)))

    fits, beyond = CLAIM_MDEVS_MAX // 3, CLAIM_MDEVS_MAX // 3 + 1
    assert len(held(decide(host(mdev_types=made(fits)), asks("a", want(fits))).ledger, "a").mdevs) == 3 * fits
    outcome = decide(host(mdev_types=made(beyond)), asks("a", want(beyond)))
    assert outcome.ledger.claims == ()
    text = f"kinds of mediated devices of one guest: asked {3 * beyond}, free {CLAIM_MDEVS_MAX}"
    assert [str(refusal) for refusal in outcome.refusals["a"]] == [text]


def test_cpu_sets_of_two_roles_are_put_together_before_their_length_is_measured() -> None:
    def holding(first: int) -> tuple[HeldCell, ...]:
        cpus = ",".join(str(cpu) for cpu in range(first, first + 4 * (CPU_SET_MAX // 8), 4))
        return (HeldCell(id=0, cpus=cpus),)

    one, other = (replace(claim("a", role), cells=holding(first)) for first, role in ((1000, RUNNING), (1002, LEAVING)))
    assert too_much_of_one([one]) is None
    found = too_much_of_one([one, other])
    assert found is not None
    assert (found.amount, found.free) == ("characters of a CPU set in a claim", CPU_SET_MAX)


def test_more_mediated_devices_than_the_api_can_count_are_shown_as_many_as_it_can() -> None:
    most = MdevType(parent_address="0000:65:00.0", type="t", available=COUNT_MAX, instances=("u",))
    assert [each.free for each in decide(host(mdev_types=(most,))).ledger.free_mdevs] == [COUNT_MAX]
