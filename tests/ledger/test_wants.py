"""What should be held on a node, row by row of the design's table."""

from hypertally.api.amounts import Amounts
from hypertally.api.instance import Instance, MovePhase, MoveType
from hypertally.ledger.wants import Want, names, owner, wants
from tests.ledger.make import INCOMING, RESERVED, RUNNING, instance, move, size


def test_an_instance_at_home_holds_running_of_its_granted_size() -> None:
    assert wants(instance(home="n0", resources=3, granted=2), "n0") == {RUNNING: Want(size(2))}


def test_without_a_home_the_bound_node_holds_running_for_this_binding() -> None:
    assert wants(instance(bound="n0", resources=2, generation=7), "n0") == {RUNNING: Want(size(2), binding=7)}


def test_once_it_has_a_home_the_first_binding_means_nothing() -> None:
    assert wants(instance(bound="n0", home="n1"), "n0") == {}


def test_an_unbound_instance_holds_nothing_anywhere() -> None:
    assert wants(instance(bound=""), "n0") == {}


def test_an_accepted_move_holds_incoming_at_its_target_the_greater_of_both_sizes_per_amount() -> None:
    old, new = Amounts(vcpus=4, memory_mib=1, disk_mib=5), Amounts(vcpus=2, memory_mib=3, disk_mib=5)
    moving = instance(home="n0", move=move(MoveType.RESIZE, old=old, new=new))
    both = Amounts(vcpus=4, memory_mib=3, disk_mib=5)
    assert wants(moving, "n1") == {INCOMING: Want(both, migration_uid="uid-m", arrives_with=new)}


def test_the_source_of_an_accepted_move_still_holds_running() -> None:
    assert wants(instance(home="n0", move=move()), "n0") == {RUNNING: Want(size(1))}


def test_on_one_node_incoming_is_held_beside_running() -> None:
    moving = instance(home="n0", granted=1, move=move(MoveType.RESIZE, target="n0", old=1, new=3))
    assert wants(moving, "n0") == {
        RUNNING: Want(size(1)),
        INCOMING: Want(size(3), migration_uid="uid-m", arrives_with=size(3)),
    }


def test_a_moved_instance_keeps_its_old_size_reserved_at_the_source() -> None:
    moved = instance(home="n1", granted=3, move=move(MoveType.RESIZE, MovePhase.MOVED, old=1, new=3))
    assert wants(moved, "n0") == {RESERVED: Want(size(1), migration_uid="uid-m")}
    assert wants(moved, "n1") == {RUNNING: Want(size(3))}


def test_on_one_node_the_old_size_is_reserved_beside_running() -> None:
    moved = instance(home="n0", granted=3, move=move(MoveType.RESIZE, MovePhase.MOVED, target="n0", old=1, new=3))
    assert wants(moved, "n0") == {RUNNING: Want(size(3)), RESERVED: Want(size(1), migration_uid="uid-m")}


def test_an_ended_move_holds_nothing_beyond_home() -> None:
    ended = instance(home="n1", move=move(phase=MovePhase.ENDED))
    assert wants(ended, "n0") == {}
    assert wants(ended, "n1") == {RUNNING: Want(size(1))}


def twins(**second: str) -> tuple[Instance, Instance]:
    first = instance("a", name="first", uid="1", born="2026-01-01T00:00:00Z")
    return first, instance("a", **{"name": "second", "uid": "2", "born": "2026-01-02T00:00:00Z", **second})  # type: ignore[arg-type]


def test_of_two_instances_with_one_uuid_the_older_stands_for_the_guest() -> None:
    older, younger = twins()
    assert owner([younger, older]) is older


def test_of_two_instances_with_one_uuid_who_is_accounted_comes_before_the_older() -> None:
    older, younger = twins(home="n1")
    assert owner([older, younger]) is younger


def test_of_two_instances_of_one_age_the_name_decides() -> None:
    first, second = twins(born="2026-01-01T00:00:00Z")
    assert owner([second, first]) is first


def test_nobody_stands_for_a_guest_without_instances() -> None:
    assert owner([]) is None


def test_an_instance_names_its_home_and_both_ends_of_its_move() -> None:
    assert names(instance(bound="n9", home="n0", move=move(target="n2"))) == {"n0", "n2"}
    assert names(instance(bound="n9")) == {"n9"}
    assert names(instance(bound="")) == set()
