"""What a person sees of what is wrong, on a real API server: conditions, Events, `kubectl describe`."""

import json
from functools import partial
from uuid import uuid4

import pytest

from tests.support.fleet import Fleet, Host, find_condition
from tests.support.samples import amounts, fresh_name


def wait_for_condition(host: Host, type_: str, status: str) -> str:
    """Its message."""
    host.fleet.until(
        lambda: find_condition(host.object, type_).get("status") == status, f"{type_}={status} on {host.name}"
    )
    return str(find_condition(host.object, type_)["message"])


def wait_for_event(fleet: Fleet, kind: str, name: str, *words: str) -> None:
    """`kubectl describe` shows the words in one line of its Events."""

    def told() -> bool:
        lines = fleet.cluster.kubectl("describe", kind, name).partition("Events:")[2].splitlines()
        return any(all(word in line for word in words) for line in lines)

    fleet.until(told, f"an Event of {name} with {words}")


@pytest.fixture
def host(fleet: Fleet) -> Host:
    return fleet.host()


def running(host: Host, vcpus: int = 1) -> tuple[str, str]:
    """An Instance of 1 vcpu and 1 GiB, accounted on the host, whose guest has `vcpus`: its name and uuid."""
    uuid = str(uuid4())
    name = host.fleet.instance(host.name, uuid=uuid)
    host.fleet.wait_for_home(name, host.name)
    host.run(uuid, vcpus=vcpus)
    host.report()
    return name, uuid


def test_a_guest_unlike_its_claim_shows_on_the_host_and_on_the_instance_until_it_is_like_it(
    fleet: Fleet, host: Host
) -> None:
    name, uuid = running(host, vcpus=4)
    assert wait_for_condition(host, "Drifted", "True") == (
        f"Guests that are not what is accounted for them: default/{name} has vcpus 4 (accounted 1)."
    )
    said = fleet.wait_for_reason(name, "Drifted", "Placed")
    assert said["message"] == f"Its guest runs on {host.name} with vcpus 4 (accounted 1). The larger is charged."
    assert host.free()["vcpus"] == 12
    wait_for_event(fleet, "computenode", host.name, "Warning", "Drifted", f"default/{name} has vcpus 4")
    wait_for_event(fleet, "instance", name, "Warning", "Drifted")
    host.run(uuid)
    host.report()
    wait_for_condition(host, "Drifted", "False")
    fleet.wait_for_reason(name, "Running", "Placed")


def test_a_guest_that_a_move_left_behind_shows_where_it_is_and_is_charged_there(fleet: Fleet, host: Host) -> None:
    name, uuid = running(host)
    other = fleet.host()
    other.run(uuid, "Shutoff")
    other.report()
    assert wait_for_condition(other, "Misplaced", "True") == (
        "Charged here too, though accounted elsewhere: "
        f"guest {uuid} (Shutoff) of default/{name}, which is accounted on {host.name}."
    )
    assert other.free()["memoryMiB"] == 7168
    assert other.ledger["orphans"]["count"] == 0
    wait_for_event(fleet, "computenode", other.name, "Warning", "Misplaced", uuid)
    other.lose(uuid)
    other.report()
    wait_for_condition(other, "Misplaced", "False")
    wait_for_event(fleet, "computenode", other.name, "Normal", "AtHome")


def test_a_leftover_stops_being_one_when_its_instance_is_deleted(fleet: Fleet, host: Host) -> None:
    name, uuid = running(host)
    other = fleet.host()
    other.run(uuid, "Shutoff")
    other.report()
    wait_for_condition(other, "Misplaced", "True")
    fleet.instances.delete(name)
    wait_for_condition(other, "Misplaced", "False")
    fleet.until(lambda: other.ledger["orphans"]["count"] == 1, "the guest to be an orphan")


def test_what_becomes_of_a_host_is_told_as_events_of_it(fleet: Fleet, host: Host) -> None:
    wait_for_event(fleet, "computenode", host.name, "Normal", "Ready", "audited")
    wait_for_event(fleet, "computenode", host.name, "Warning", "AgentSilent", "no longer renews")
    host.run(str(uuid4()), memoryMiB=10000)
    host.report()
    wait_for_event(fleet, "computenode", host.name, "Warning", "Overcommitted", "memoryMiB by 1808")


def test_a_host_that_falls_silent_and_comes_back_is_told_each_time(fleet: Fleet, host: Host) -> None:
    def reasons() -> list[str]:
        arguments = ("--field-selector", f"involvedObject.name={host.name}", "-o", "json")
        events = json.loads(fleet.cluster.kubectl("get", "events", "--namespace=default", *arguments))["items"]
        return [event["reason"] for event in events]

    fleet.until(lambda: "AgentSilent" in reasons(), "the Event of its silence")
    host.look()
    fleet.until(lambda: reasons().count("Ready") == 2, "the Event of its return")


def test_a_host_that_somebody_closes_is_told_without_a_warning(fleet: Fleet, host: Host) -> None:
    def becomes(reason: str) -> bool:
        host.look()
        return host.ready()[1] == reason

    for word, reason in (("Disabled", "Cordoned"), (None, "Ready")):
        assert fleet.nodes.merge(host.name, {"spec": {"schedulable": word}}).object
        fleet.until(partial(becomes, reason), reason)
        wait_for_event(fleet, "computenode", host.name, "Normal", reason)


def test_two_records_of_one_host_are_told_on_both(fleet: Fleet, host: Host) -> None:
    twin = Host(fleet, fresh_name("twin"), host.capacity, host_uuid=host.host_uuid)
    twin.create()
    for one, other in ((host, twin), (twin, host)):
        wait_for_event(fleet, "computenode", one.name, "Warning", "IdentityConflict", other.name)


def test_a_target_without_room_says_to_the_mover_what_is_missing(fleet: Fleet, host: Host) -> None:
    name, _ = running(host)
    target = fleet.host(memoryMiB=1000)
    migration = fleet.migration(name, "Live", target.name)
    fleet.until(lambda: fleet.claimed(migration)[0] == "NoRoom", "NoRoom")
    text = f"{target.name} has no room: memoryMiB: asked 1024, free 488. It would fit with memoryMiB 488."
    fleet.until(lambda: fleet.claimed(migration)[1].startswith(text), "the amount that is missing")
    wait_for_event(fleet, "migration", migration, "Warning", "NoRoom")


def test_a_guest_that_somebody_moved_is_told_as_events_of_its_instance(fleet: Fleet, host: Host) -> None:
    name, uuid = running(host)
    fleet.wait_for_reason(name, "Running", "Placed")
    target = fleet.host()
    target.run(uuid)
    target.report()
    host.lose(uuid)
    host.report()
    target.wait_roles(uuid, "Incoming")
    for _ in range(3):
        fleet.until(lambda: "since" in target.ledger["claims"][0] or target.roles(uuid) == {"Running"}, "the stamp")
        target.look()
    fleet.wait_for_home(name, target.name)
    # Not before: meanwhile nobody renews for the target, and where it counts as silent the move would be over.
    wait_for_event(fleet, "instance", name, "Normal", "MoveObserved", target.name)
    wait_for_event(fleet, "instance", name, "Normal", "Moved", f"it was on {host.name}")


def test_a_ledger_counts_what_a_scheduler_weighs_hosts_by(fleet: Fleet, host: Host) -> None:
    running(host)
    _, paused = running(host)
    host.run(paused, "Paused")
    host.report()
    fleet.wait_for_home(fleet.instance(host.name), host.name)
    fleet.until(lambda: host.ledger.get("states") == {"running": 1, "paused": 1, "notListed": 1}, "the states")
    assert host.ledger["workload"] == {"starting": 1}
    assert host.ledger["instances"] == 3
    assert host.free()["memoryMiB"] == 8192 - 3 * amounts()["memoryMiB"]
