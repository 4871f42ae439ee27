"""Moves that somebody else makes: both ends are charged from acceptance to proof."""

from uuid import uuid4

from tests.support.fleet import Fleet, Host, find_condition
from tests.support.samples import amounts, fresh_name


def _placed(fleet: Fleet, host: Host) -> tuple[str, str]:
    """An Instance of 1 vcpu and 1 GiB that is accounted on the host, where its guest runs."""
    uuid = str(uuid4())
    name = fleet.instance(host.name, uuid=uuid)
    fleet.wait_for_home(name, host.name)
    host.run(uuid)
    host.report()
    fleet.wait_for_reason(name, "Running", "Placed")
    return name, uuid


def _look_until_stamped_and_proven(host: Host, uuid: str, role: str) -> None:
    """The agent goes on auditing; what it publishes after the claim was stamped is proof."""

    def stamped() -> bool:
        return any(c["uuid"] == uuid and c["role"] == role and "since" in c for c in host.ledger["claims"])

    host.fleet.until(stamped, f"{role} of {uuid} on {host.name} to be stamped")
    host.look()
    host.look()


def _completed(fleet: Fleet, migration: str) -> bool:
    return find_condition(fleet.migrations.get(migration), "Completed").get("status") == "True"


def test_a_live_move_charges_both_ends_until_the_target_reports_the_guest(fleet: Fleet) -> None:
    source, target = fleet.host("source"), fleet.host("target")
    name, uuid = _placed(fleet, source)
    migration = fleet.migration(name, "Live", target.name)
    target.wait_roles(uuid, "Incoming")
    assert source.roles(uuid) == {"Running"}
    assert fleet.instances.get(name)["status"]["move"]["phase"] == "Accepted"
    target.run(uuid)
    target.report()
    source.lose(uuid)
    source.report()
    _look_until_stamped_and_proven(target, uuid, "Incoming")
    fleet.wait_for_home(name, target.name)
    target.wait_roles(uuid, "Running")
    source.wait_roles(uuid, "Leaving")
    _look_until_stamped_and_proven(source, uuid, "Leaving")
    source.wait_roles(uuid)
    fleet.until(lambda: _completed(fleet, migration), "the Migration to be Completed")
    fleet.until(lambda: "move" not in fleet.instances.get(name)["status"], "the move to be forgotten")
    status = fleet.migrations.get(migration)["status"]
    assert (status["uuid"], status["source"], status["target"]) == (uuid, source.name, target.name)


def test_a_cold_move_reserves_the_source_until_it_is_confirmed(fleet: Fleet) -> None:
    source, target = fleet.host("source"), fleet.host("target")
    name, uuid = _placed(fleet, source)
    migration = fleet.migration(name, "Cold", target.name)
    target.wait_roles(uuid, "Incoming")
    target.run(uuid, "Shutoff")
    target.report()
    _look_until_stamped_and_proven(target, uuid, "Incoming")
    source.wait_roles(uuid, "ReservedForRevert")
    target.wait_roles(uuid, "Running")
    assert fleet.migrations.merge(migration, {"spec": {"outcome": "Confirmed"}}).object
    source.wait_roles(uuid, "Leaving")
    fleet.until(lambda: _completed(fleet, migration), "the Migration to be Completed")


def test_a_resize_that_is_reverted_gives_the_old_size_back(fleet: Fleet) -> None:
    source, target = fleet.host("source"), fleet.host("target")
    name, uuid = _placed(fleet, source)
    larger = {"vcpus": 2, "memoryMiB": 512}
    migration = fleet.migration(name, "Resize", target.name, resources=larger)
    target.wait_roles(uuid, "Incoming")
    assert target.ledger["claims"][0]["resources"] == amounts(2, 1024, 0)
    target.run(uuid, "Shutoff", **larger)
    target.report()
    _look_until_stamped_and_proven(target, uuid, "Incoming")
    fleet.wait_for_home(name, target.name)
    assert fleet.instances.get(name)["status"]["resources"] == amounts(2, 512, 0)
    assert fleet.migrations.merge(migration, {"spec": {"outcome": "Reverted"}}).object
    fleet.wait_for_home(name, source.name)
    source.wait_roles(uuid, "Running")
    assert fleet.instances.get(name)["status"]["resources"] == amounts(1, 1024, 0)


def test_a_target_without_room_refuses_and_the_source_keeps_the_guest(fleet: Fleet) -> None:
    source, target = fleet.host("source"), fleet.host("target", memoryMiB=1000)
    name, uuid = _placed(fleet, source)
    migration = fleet.migration(name, "Live", target.name)
    # Before the target was asked, its reason is the same.
    fleet.until(lambda: "memoryMiB: asked 1024" in fleet.claimed(migration)[1], "the Migration to be refused")
    assert fleet.claimed(migration)[0] == "NoRoom"
    assert (source.roles(uuid), target.roles(uuid)) == ({"Running"}, set())


def test_a_move_to_a_host_that_has_just_joined_waits_for_its_ledger_and_is_asked_whether_it_fits(fleet: Fleet) -> None:
    source, target = fleet.host("source"), Host(fleet, fresh_name("target"), amounts(4, 1000, 1000))
    name, uuid = _placed(fleet, source)
    target.register()
    migration = fleet.migration(name, "Live", target.name)

    def told(reason: str, *words: str) -> bool:
        why, message = fleet.claimed(migration)
        return why == reason and all(word in message for word in words)

    fleet.until(lambda: told("Pending", f"accounted on {target.name} yet"), "the Migration to wait for the ledger")
    assert "move" not in fleet.instances.get(name)["status"]
    target.report()
    fleet.until(lambda: told("NoRoom", "memoryMiB: asked 1024"), "the Migration to be refused")
    assert (source.roles(uuid), target.roles(uuid)) == ({"Running"}, set())


def test_a_guest_that_somebody_moved_is_followed(fleet: Fleet) -> None:
    source, target = fleet.host("source"), fleet.host("target")
    name, uuid = _placed(fleet, source)
    target.run(uuid)
    target.report()
    source.lose(uuid)
    source.report()
    target.wait_roles(uuid, "Incoming")
    _look_until_stamped_and_proven(target, uuid, "Incoming")
    fleet.wait_for_home(name, target.name)


def test_a_second_migration_and_one_to_where_it_is_are_told_why_not(fleet: Fleet) -> None:
    source, target = fleet.host("source"), fleet.host("target")
    name, uuid = _placed(fleet, source)
    to_itself = fleet.migration(name, "Live", source.name)
    fleet.until(lambda: fleet.claimed(to_itself)[0] == "TargetIsSource", "the move to its own home to be refused")
    nowhere = fleet.migration(name, "Cold", "no-such-node")
    fleet.until(lambda: fleet.claimed(nowhere)[0] == "NodeNotFound", "the move to nowhere to be refused")
    first = fleet.migration(name, "Live", target.name)
    target.wait_roles(uuid, "Incoming")
    second = fleet.migration(name, "Live", target.name)
    fleet.until(lambda: fleet.claimed(second)[0] == "MoveInProgress", "the second move to be refused")
    fleet.until(lambda: fleet.claimed(first)[0] == "Claimed", "the first move to be claimed")


def test_a_migration_deleted_in_the_middle_leaves_the_instance_where_it_was(fleet: Fleet) -> None:
    source, target = fleet.host("source"), fleet.host("target")
    name, uuid = _placed(fleet, source)
    migration = fleet.migration(name, "Live", target.name)
    target.wait_roles(uuid, "Incoming")
    fleet.migrations.delete(migration)
    target.wait_roles(uuid, "Leaving")
    _look_until_stamped_and_proven(target, uuid, "Leaving")
    target.wait_roles(uuid)
    fleet.until(lambda: "move" not in fleet.instances.get(name)["status"], "the move to be forgotten")
    assert source.roles(uuid) == {"Running"}
