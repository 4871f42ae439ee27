"""The shortest traces that broke a first, naive form of the rules; each ends where those went wrong."""

import pytest

from hypertally.api.compute_node import Role
from hypertally.api.instance import MovePhase, MoveType
from hypertally.api.migration import Outcome
from tests.ledger.books import Memory, decide_ledger
from tests.ledger.make import migration, size
from tests.ledger.scene import PAUSED, SHUTOFF, Scene

LIVE, COLD, RESIZE, EVACUATION = MoveType.LIVE, MoveType.COLD, MoveType.RESIZE, MoveType.EVACUATION
RUNNING, INCOMING, LEAVING = Role.RUNNING, Role.INCOMING, Role.LEAVING
CANCELLED, CONFIRMED, REVERTED = Outcome.CANCELLED, Outcome.CONFIRMED, Outcome.REVERTED


def generation(scene: Scene, node: str) -> int:
    report = scene.world.nodes[node].status.report
    assert report is not None
    return report.generation


def test_01_on_a_host_that_never_changes_a_claim_that_leaves_is_proven_gone_all_the_same() -> None:
    scene = Scene().declare(LIVE)
    before = generation(scene, "n1")
    scene.decide(CANCELLED).prove()
    assert scene.roles("n1") == {}
    assert scene.reason("Completed") == "Completed"
    assert generation(scene, "n1") == before, "no report was written for it"


def test_02_a_report_in_flight_when_the_claim_was_written_proves_nothing() -> None:
    scene = Scene(room=2)
    scene.world.run("n1", "other", 1)
    scene.world.begin("n1")
    scene.declare(LIVE).put("n1", 1, PAUSED).decide(CANCELLED)
    scene.world.publish("n1")
    scene.world.renew("n1")
    assert scene.follow().charged("n1") == size(1)


def test_03_what_waited_behind_a_cancelled_move_is_admitted() -> None:
    scene = Scene(old=2, room=2).declare(LIVE)
    scene.world.declare("b", "b", "n1", 2)
    assert scene.prove().charged("n1", "b") == size(0)
    assert scene.decide(CANCELLED).prove().charged("n1", "b") == size(2)


def test_04_a_migration_deleted_in_the_middle_of_a_move_uncovers_no_guest() -> None:
    scene = Scene().declare(LIVE).put("n1", 1, PAUSED)
    del scene.world.migrations["m"]
    assert scene.follow().charged("n1") == size(1)


def test_04b_and_the_guest_is_accounted_where_it_went() -> None:
    scene = Scene().declare(LIVE).put("n1", 1, PAUSED)
    del scene.world.migrations["m"]
    scene.follow().put("n0", 1, PAUSED).put("n1", 1)
    assert scene.prove().home == "n1"


def test_04c_a_source_that_keeps_its_definition_does_not_hide_the_arrival() -> None:
    scene = Scene().declare(LIVE).put("n0", 1, SHUTOFF).put("n1", 1)
    assert scene.prove().home == "n1"


def test_05_the_first_binding_does_not_call_a_moved_instance_back() -> None:
    scene = Scene().declare(LIVE).lose("n0").put("n1", 1).prove()
    assert scene.world.instances["a"].spec.compute_node_name == "n0"
    assert (scene.home, scene.both()) == ("n1", (0, 1))


def test_05b_a_confirmed_resize_is_charged_the_new_size_whatever_spec_says() -> None:
    scene = Scene().declare(RESIZE, 2).lose("n0").put("n1", 2, SHUTOFF).decide(CONFIRMED).prove()
    assert scene.roles("n1") == {RUNNING: 2}


def test_06_a_cache_that_has_not_seen_the_instance_yet_does_not_take_its_claim_away() -> None:
    scene = Scene()
    node = scene.world.nodes["n0"]
    scene.world.run("n0", "other", 1)
    scene.world.audit("n0")
    new = decide_ledger(scene.world, Memory(), scene.world.nodes["n0"])
    assert new is not None
    assert node.status.ledger is not None
    assert new.claims == node.status.ledger.claims


def test_07_a_cache_from_before_the_move_does_not_take_its_claim_away() -> None:
    scene = Scene()
    memory = Memory()
    memory.catch_up(scene.world)
    scene.declare(LIVE)
    assert decide_ledger(scene.world, memory, scene.world.nodes["n1"]) is None
    assert scene.roles("n1") == {INCOMING: 1}


def test_08_a_claim_decided_on_an_old_report_is_not_written() -> None:
    scene = Scene(room=2)
    scene.world.declare("b", "b", "n1", 2)
    memory = Memory()
    memory.catch_up(scene.world)
    read = scene.world.nodes["n1"]
    new = decide_ledger(scene.world, memory, read)
    scene.world.run("n1", "other", 1)
    scene.world.audit("n1")
    assert new is not None
    assert not scene.world.swap_ledger(read, new)


def test_09_a_guest_is_charged_where_it_is_though_it_is_bound_elsewhere() -> None:
    scene = Scene()
    scene.world.declare("b", "b", "n0", 1)
    scene.world.run("n1", "b", 1)
    assert scene.audit("n1").charged("n1", "b") == size(1)


def test_09b_a_move_that_nobody_declared_is_followed() -> None:
    scene = Scene().lose("n0").put("n1", 1).prove()
    assert (scene.home, scene.both()) == ("n1", (0, 1))
    assert scene.world.instances["a"].status.move is None


def test_10_a_reverted_resize_on_one_node_comes_to_rest() -> None:
    scene = Scene().declare(RESIZE, 2, "n0").decide(REVERTED).prove()
    assert scene.roles("n0") == {RUNNING: 1}
    assert scene.reason("Completed") == "Completed"


def test_10b_a_guest_that_was_always_there_has_not_arrived_at_its_new_size() -> None:
    scene = Scene(old=2).declare(RESIZE, 1, "n0").prove()
    del scene.world.migrations["m"]
    assert scene.prove().roles("n0") == {RUNNING: 2}


def recreated(room: int) -> Scene:
    scene = Scene(old=2, room=room)
    del scene.world.instances["a"]
    scene.world.declare("again", "a", "n0", 2)
    return scene.follow()


def test_11_the_claim_of_a_deleted_instance_goes_though_its_guest_runs_on_for_another() -> None:
    scene = recreated(room=8).prove()
    ledger = scene.world.nodes["n0"].status.ledger
    assert ledger is not None
    assert [c.name for c in ledger.claims] == ["again"]


def test_11b_an_instance_created_anew_for_its_guest_needs_no_second_room() -> None:
    assert recreated(room=2).charged("n0") == size(2)
    assert recreated(room=2).prove().roles("n0") == {RUNNING: 2}


def test_12_an_evacuated_host_that_stays_dead_holds_nothing_that_stays() -> None:
    scene = Scene().kill("n0").declare(EVACUATION).put("n1", 1).prove()
    assert scene.home == "n1"
    assert scene.roles("n0") == {LEAVING: 1}
    assert scene.reason("Completed") == "Completed"


def test_13_an_instance_bound_anew_before_its_claim_was_seen_is_accounted_once() -> None:
    scene = Scene()
    scene.world.declare("b", "b", "n0", 1)
    scene.controller.keep_ledger("n0")
    scene.world.rebind("b", "n1")
    scene.prove()
    assert scene.world.instances["b"].status.compute_node_name == "n1"
    assert (scene.charged("n0", "b"), scene.charged("n1", "b")) == (size(0), size(1))


def test_14_a_confirmed_source_is_charged_until_it_was_looked_at() -> None:
    scene = Scene().declare(COLD).put("n0", 1, SHUTOFF).put("n1", 1, SHUTOFF).decide(CONFIRMED)
    assert scene.both() == (1, 1)


def test_14b_an_outcome_that_is_edited_after_the_move_is_over_moves_nothing() -> None:
    scene = Scene().declare(COLD).lose("n0").put("n1", 1).decide(CONFIRMED).prove()
    assert scene.decide(REVERTED).prove().home == "n1"


def test_15_a_node_object_made_anew_enters_what_was_granted_before_it_admits() -> None:
    scene = Scene(old=2, room=2).lose("n0")
    scene.world.declare("b", "b", "n0", 2)
    scene.prove()
    scene.world.drop_node("n0")
    scene.world.audit("n0")
    scene.prove()
    assert (scene.charged("n0"), scene.charged("n0", "b")) == (size(2), size(0))


@pytest.mark.parametrize("room", [1, 2])
def test_15b_a_move_declared_before_its_target_had_a_ledger_is_asked_whether_it_fits(room: int) -> None:
    scene = Scene(old=2)
    scene.world.drop_node("n1")
    scene.world.hosts["n1"].capacity = size(room)
    scene.world.move(migration(LIVE, "n1"))
    scene.world.audit("n1")
    scene.controller.keep_instance("a")
    scene.prove()
    assert scene.charged("n1") == size(2 if room == 2 else 0)
    assert scene.reason() == ("Claimed" if room == 2 else "NoRoom")


def test_16_a_move_is_forgotten_only_when_the_source_no_longer_holds_running() -> None:
    scene = Scene().declare(LIVE).put("n0", 1, PAUSED).put("n1", 1)
    for _ in range(6):
        scene.world.audit("n1")
        scene.controller.keep_instance("a")
        scene.controller.keep_ledger("n1")
        scene.controller.keep_migration("m")
    move = scene.world.instances["a"].status.move
    assert move is not None
    assert move.phase is MovePhase.ENDED
    assert RUNNING in scene.roles("n0")
    assert scene.prove().world.instances["a"].status.move is None
    assert RUNNING not in scene.roles("n0")
