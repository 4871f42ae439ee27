"""Nova's known answers for the audit of one node of 512 MiB and 6 GiB, with flavors F1 and F2 as below.

Where Nova's answer is wrong the name says so, and the right one is expected. MiB throughout.
"""

from collections.abc import Callable

import pytest

from hypertally.api.amounts import Amounts, ReservedAmounts
from hypertally.api.compute_node import GuestState, Ledger
from hypertally.api.instance import Instance, InstanceResources, MovePhase, MoveType
from hypertally.api.migration import Outcome
from hypertally.ledger.reconcile import Inputs, next_ledger
from hypertally.ledger.vectors import ZERO, add
from tests.ledger.make import guest, instance, migration, move, node, node_spec
from tests.ledger.scene import PAUSED, SHUTOFF, Scene

GIB = 1024
F1 = Amounts(vcpus=1, memory_mib=128, disk_mib=1 * GIB)
F2 = Amounts(vcpus=2, memory_mib=256, disk_mib=5 * GIB)
BOTH = add(F1, F2)
HOST = Amounts(vcpus=8, memory_mib=512, disk_mib=6 * GIB)

LIVE, COLD, RESIZE, EVACUATION = MoveType.LIVE, MoveType.COLD, MoveType.RESIZE, MoveType.EVACUATION
ACCEPTED, MOVED, ENDED = MovePhase.ACCEPTED, MovePhase.MOVED, MovePhase.ENDED


def audited(*owners: Instance, orphans: tuple[Amounts, ...] = (), reserved: ReservedAmounts | None = None) -> Ledger:
    """The ledger of node `n0` on which `owners` were already granted what they say."""
    spec = node_spec(reserved=reserved) if reserved else None
    guests = [guest(f"orphan-{n}", amounts) for n, amounts in enumerate(orphans)]
    on = node(capacity=HOST, claims=None, guests=guests, spec=spec)
    outcome = next_ledger(Inputs(node=on, owners={o.spec.uuid: o for o in owners}))
    assert outcome is not None
    return outcome.ledger


def moving(type_: MoveType, phase: MovePhase, source: str, target: str, old: Amounts, new: Amounts) -> Instance:
    arrived = phase is not ACCEPTED
    return instance(
        "m", home=target if arrived else source, resources=old, granted=new if arrived else old,
        move=move(type_, phase, source=source, target=target, old=old, new=new),
    )  # fmt: skip


def leaving(type_: MoveType, phase: MovePhase, old: Amounts = F1, new: Amounts = F1) -> Instance:
    return moving(type_, phase, "n0", "elsewhere", old, new)


def coming(type_: MoveType, phase: MovePhase, old: Amounts = F1, new: Amounts = F1) -> Instance:
    return moving(type_, phase, "elsewhere", "n0", old, new)


def staying(phase: MovePhase) -> Instance:
    return moving(RESIZE, phase, "n0", "n0", F1, F2)


ROWS: list[tuple[str, Callable[[], Ledger], Amounts, int]] = [
    ("A1 nothing", audited, ZERO, 0),
    ("A3 an active guest beside a deleted one", lambda: audited(instance("a", home="n0", resources=F1)), F1, 1),
    ("A4 the source of a resize whose guest is gone", lambda: audited(leaving(RESIZE, MOVED, F1, F2)), F1, 1),
    ("A5 the target of a resize before it arrived", lambda: audited(coming(RESIZE, ACCEPTED, F1, F2)), F2, 1),
    ("A7 the target of an evacuation", lambda: audited(coming(EVACUATION, ACCEPTED, F2, F2)), F2, 1),
    ("A9 a resize on one host before the switch", lambda: audited(staying(ACCEPTED)), BOTH, 1),
    ("A9 a resize on one host after the switch", lambda: audited(staying(MOVED)), BOTH, 1),
    ("A13 the source of a move in error", lambda: audited(leaving(COLD, MOVED)), F1, 1),
    ("A14 the source of a live move", lambda: audited(leaving(LIVE, ACCEPTED)), F1, 1),
    ("A15 the target of a live move", lambda: audited(coming(LIVE, ACCEPTED)), F1, 1),
    ("A17 the target of a completed live move", lambda: audited(coming(LIVE, ENDED)), F1, 1),
    ("A21 two resizes towards an empty node", lambda: audited(*two_resizes()), BOTH, 2),
    ("A31 what was never claimed changes nothing", lambda: audited(instance("a", bound="")), ZERO, 0),
    ("A32 orphans; Nova counts an overhead for them", lambda: audited(orphans=tiny()), Amounts(memory_mib=8), 0),
]


def two_resizes() -> tuple[Instance, Instance]:
    arriving = {"source": "elsewhere", "target": "n0", "old": F1}
    return (
        instance("x", home="elsewhere", granted=F1, move=move(RESIZE, new=F2, **arriving)),  # type: ignore[arg-type]
        instance("y", home="elsewhere", granted=F1, move=move(RESIZE, new=F1, **arriving)),  # type: ignore[arg-type]
    )


def tiny() -> tuple[Amounts, Amounts]:
    return Amounts(memory_mib=4), Amounts(memory_mib=4)


@pytest.mark.parametrize(("made", "charged", "instances"), [pytest.param(*row, id=name) for name, *row in ROWS])
def test_one_node_is_charged(made: Callable[[], Ledger], charged: Amounts, instances: int) -> None:
    books = made()
    assert books.allocated == charged
    assert add(books.free, charged) == HOST
    assert books.instances == instances


def test_a2_a_reserve_is_taken_from_what_may_be_given_and_not_called_used() -> None:
    books = audited(reserved=ReservedAmounts(vcpus=1, memory_mib=512, disk_mib=GIB))
    assert books.allocated == ZERO
    assert books.free == Amounts(vcpus=7, memory_mib=0, disk_mib=5 * GIB)


def test_a8_free_disk_goes_below_zero_and_stays_there() -> None:
    books = audited(instance("a", home="n0", resources=F1), staying(MOVED))
    assert books.allocated == Amounts(vcpus=4, memory_mib=512, disk_mib=7 * GIB)
    assert (books.free.memory_mib, books.free.disk_mib) == (0, -1 * GIB)
    assert books.instances == 2


@pytest.mark.parametrize("state", list(GuestState))
def test_a27_a_guest_is_charged_in_full_whatever_its_state(state: GuestState) -> None:
    scene = Scene(F1, HOST).put("n0", F1, state).prove()
    assert scene.charged("n0") == F1


def test_a28_a_deleted_or_unbound_instance_is_not_charged() -> None:
    assert audited(instance("a", bound=""), instance("b", bound="elsewhere")).allocated == ZERO


def test_a29_a_root_on_a_volume_is_no_local_disk() -> None:
    sizes = InstanceResources(vcpus=1, memory_mib=128, root_disk_mib=0)
    assert sizes.amounts() == Amounts(vcpus=1, memory_mib=128, disk_mib=0)


def test_a29_ephemeral_disk_and_swap_are_local_disk_to_the_mebibyte() -> None:
    """Nova truncates swap to whole GiB at each addition and drifts."""
    sizes = InstanceResources(vcpus=1, memory_mib=1, root_disk_mib=10, ephemeral_disk_mib=5, swap_mib=512)
    assert sizes.amounts().disk_mib == 527


class TestMoves:
    """The same through the controller, from acceptance on. Source n0, target n1."""

    def scene(self, type_: MoveType = RESIZE, new: Amounts | None = F2, target: str = "n1") -> Scene:
        return Scene(F1, HOST).declare(type_, new, target)

    def test_a6_a_failed_move_is_charged_until_it_has_an_outcome(self) -> None:
        assert self.scene().put("n0", F1, GuestState.CRASHED).prove().charged("n1") == F2

    def test_a10_a_guest_that_arrived_with_its_old_size_is_charged_the_new_one_nova_too_little(self) -> None:
        assert self.scene().lose("n0").put("n1", F1, SHUTOFF).prove().charged("n1") == F2

    def test_a11_the_target_of_a_guest_in_error_is_charged_where_nova_forgets_it(self) -> None:
        assert self.scene().put("n0", F1, GuestState.CRASHED).prove().charged("n1") == F2

    def test_a12_the_target_of_an_abandoned_move_is_charged_where_nova_forgets_it(self) -> None:
        assert self.scene().prove().charged("n1") == F2

    def test_a16_the_source_is_charged_while_a_guest_switched_over(self) -> None:
        scene = self.scene(LIVE, None).put("n0", F1, PAUSED).put("n1", F1).prove()
        assert scene.home == "n1"
        assert scene.charged("n0") == F1

    def test_a18_a_stopped_guest_being_rebuilt_is_charged(self) -> None:
        assert self.scene(EVACUATION, None).kill("n0").put("n1", F1, SHUTOFF).prove().charged("n1") == F1

    def test_a19_a_guest_in_error_being_rebuilt_is_charged_where_nova_forgets_it(self) -> None:
        assert self.scene(EVACUATION, None).kill("n0").prove().charged("n1") == F1

    def test_a20_the_source_of_a_confirmed_move_is_charged_until_its_guest_is_proven_gone(self) -> None:
        scene = self.scene().put("n0", F1, SHUTOFF).put("n1", F2).prove().decide(Outcome.CONFIRMED).lose("n0")
        assert scene.charged("n0") == F1, "Nova may charge nothing here"
        assert scene.prove().charged("n0") == ZERO

    def test_a22_a_resize_on_one_host_confirmed_and_reverted(self) -> None:
        assert self.scene(target="n0").charged("n0") == BOTH
        confirmed = self.scene(target="n0").put("n0", F2).prove().decide(Outcome.CONFIRMED).prove()
        assert confirmed.charged("n0") == F2
        reverted = self.scene(target="n0").put("n0", F2).prove().decide(Outcome.REVERTED).put("n0", F1).prove()
        assert reverted.charged("n0") == F1

    def test_a23_a30_a_deleted_instance_is_released_once(self) -> None:
        scene = Scene(F1, HOST)
        assert scene.charged("n0") == F1
        del scene.world.instances["a"]
        assert scene.lose("n0").prove().charged("n0") == ZERO
        ledger = scene.world.nodes["n0"].status.ledger
        assert ledger is not None
        assert (ledger.allocated, ledger.free, ledger.claims) == (ZERO, HOST, ())

    def test_a24_of_two_moves_of_one_instance_the_first_counts_nova_takes_the_last_touched(self) -> None:
        scene = Scene(F1, HOST, nodes=3).declare(RESIZE, F2, "n1").declare(COLD, None, "n2", name="second")
        assert (scene.charged("n1"), scene.charged("n2")) == (F2, ZERO)
        assert scene.reason(name="second") == "MoveInProgress"

    def test_a25_a_move_that_is_not_the_one_under_way_is_not_counted_and_told_so(self) -> None:
        scene = self.scene().declare(COLD, None, "n1", name="second")
        assert scene.charged("n1") == F2
        assert scene.reason(name="second") == "MoveInProgress"

    def test_a26_a_move_of_an_instance_that_is_not_there_is_skipped_and_told_so(self) -> None:
        scene = Scene(F1, HOST)
        scene.world.move(migration(COLD, "n1", name="lost", instance="nobody"))
        assert scene.follow().charged("n1") == ZERO
        assert scene.reason(name="lost") == "InstanceNotFound"

    def test_a33_a_resize_on_one_host_is_charged_both_sizes_and_the_old_one_after_it_was_cancelled(self) -> None:
        """Nova's figures have an overhead of 1 MiB for each guest; there is none here yet."""
        old = Amounts(vcpus=1, memory_mib=1, disk_mib=1 * GIB)
        new = Amounts(vcpus=2, memory_mib=2, disk_mib=3 * GIB)
        scene = Scene(old, HOST).declare(RESIZE, new, "n0")
        assert scene.charged("n0") == Amounts(vcpus=3, memory_mib=3, disk_mib=4 * GIB)
        assert scene.decide(Outcome.CANCELLED).prove().charged("n0") == old
