"""What becomes of an Instance that a scheduler has bound, on a real API server."""

from uuid import uuid4

from tests.support.fleet import Fleet
from tests.support.samples import amounts


def test_an_instance_that_fits_is_accounted_where_it_is_bound(fleet: Fleet) -> None:
    host = fleet.host()
    name = fleet.instance(host.name, vcpus=2, memoryMiB=2048, rootDiskMiB=100, ephemeralDiskMiB=20, swapMiB=3)
    fleet.wait_for_home(name, host.name)
    assert host.free() == amounts(14, 6144, 877)
    assert fleet.instances.get(name)["status"]["resources"] == amounts(2, 2048, 123)
    assert fleet.wait_for_reason(name, "Claimed")["status"] == "True"


def test_what_an_instance_is_told_waits_for_the_ledger_and_is_one_write(fleet: Fleet) -> None:
    host, log = fleet.host(), fleet.cluster.audit_log
    host.wait_settled()
    since = log.position()
    name = fleet.instance(host.name)
    fleet.wait_for_home(name, host.name)
    fleet.wait_for_reason(name, "Claimed")
    requests = log.requests(since=since)
    assert [r.verb for r in requests if r.is_write and r.name == name] == ["patch"], requests


def test_an_instance_that_does_not_fit_is_told_which_amount_is_missing(fleet: Fleet) -> None:
    host = fleet.host()
    name = fleet.instance(host.name, vcpus=1, memoryMiB=10000)
    said = fleet.wait_for_reason(name, "InsufficientResources")
    assert said["status"] == "False"
    assert said["message"] == (
        f"{host.name} has no room: memoryMiB: asked 10000, free 8192. It would fit with memoryMiB 8192. "
        "Set spec.computeNodeName to another, or wait for room."
    )
    assert host.claims() == []


def test_a_refused_binding_may_be_changed_and_is_claimed_elsewhere(fleet: Fleet) -> None:
    small, large = fleet.host(), fleet.host(memoryMiB=20000)
    name = fleet.instance(small.name, memoryMiB=10000)
    fleet.wait_for_reason(name, "InsufficientResources")
    assert fleet.instances.merge(name, {"spec": {"computeNodeName": large.name}}).status == 200
    fleet.wait_for_home(name, large.name)
    assert "refusedComputeNodeName" not in fleet.instances.get(name)["status"]


def test_a_binding_that_is_not_refused_may_not_be_changed(fleet: Fleet) -> None:
    host, other = fleet.host(), fleet.host()
    name = fleet.instance(host.name)
    fleet.wait_for_home(name, host.name)
    answer = fleet.instances.merge(name, {"spec": {"computeNodeName": other.name}})
    assert "refusedComputeNodeName" in answer.refusal


def test_an_instance_bound_to_no_node_or_to_an_unknown_one_says_so(fleet: Fleet) -> None:
    unbound, lost = fleet.instance(""), fleet.instance("no-such-node")
    fleet.wait_for_reason(unbound, "Unbound")
    assert fleet.wait_for_reason(lost, "NodeNotFound")["message"].startswith("There is no ComputeNode no-such-node: ")


def test_an_instance_that_was_too_early_is_claimed_when_its_node_appears(fleet: Fleet) -> None:
    name = fleet.instance("late-host-1")
    fleet.wait_for_reason(name, "NodeNotFound")
    host = fleet.host("late-host")
    assert host.name.startswith("late-host-")
    other = fleet.instance(host.name)
    fleet.wait_for_home(other, host.name)


def test_room_that_becomes_free_is_given_to_who_waits_for_it(fleet: Fleet) -> None:
    host = fleet.host()
    guest = str(uuid4())
    host.run(guest, memoryMiB=8192)
    host.report()
    name = fleet.instance(host.name, memoryMiB=4096)
    assert "free 0" in fleet.wait_for_reason(name, "InsufficientResources")["message"]
    host.lose(guest)
    host.report()
    fleet.wait_for_home(name, host.name)


def test_orphans_are_charged_and_an_instance_adopts_its_guest(fleet: Fleet) -> None:
    host = fleet.host()
    guest = str(uuid4())
    host.run(guest, vcpus=2, memoryMiB=512, diskMiB=7)
    host.report()
    host.wait_settled()
    assert host.ledger["orphans"] == {"count": 1, "resources": amounts(2, 512, 7)}
    assert host.free() == amounts(14, 7680, 993)
    name = fleet.instance(host.name, uuid=guest, vcpus=2, memoryMiB=512, rootDiskMiB=7)
    fleet.wait_for_home(name, host.name)
    assert host.ledger["orphans"]["count"] == 0
    assert host.free() == amounts(14, 7680, 993)
    fleet.wait_for_reason(name, "Running", "Placed")
    assert fleet.instances.get(name)["status"]["powerState"] == "Running"


def test_what_runs_is_charged_even_without_room_and_shown(fleet: Fleet) -> None:
    host = fleet.host()
    guest = str(uuid4())
    host.run(guest, memoryMiB=10000)
    host.report()
    name = fleet.instance(host.name, uuid=guest, memoryMiB=10000)
    fleet.wait_for_home(name, host.name)
    fleet.wait_for_reason(name, "Overcommitted")
    assert host.free()["memoryMiB"] == 8192 - 10000
    conditions = {c["type"]: c for c in host.object["status"]["conditions"]}
    assert conditions["Overcommitted"]["message"] == "Charged above allocatable: memoryMiB by 1808."


def test_a_deleted_instance_is_charged_until_a_later_audit_proves_its_guest_absent(fleet: Fleet) -> None:
    host = fleet.host()
    name = fleet.instance(host.name)
    fleet.wait_for_home(name, host.name)
    uuid = fleet.uuid_of(name)
    fleet.instances.delete(name)
    host.wait_roles(uuid, "Leaving")
    fleet.until(lambda: "since" in host.ledger["claims"][0], "the Leaving claim to be stamped")
    seen = host.ledger["claims"][0]["since"]["audit"]
    host.look()
    assert host.audit == seen + 1
    fleet.wait_for_home(fleet.instance(host.name), host.name)  # by a ledger that was decided on that audit
    assert host.roles(uuid) == {"Leaving"}, "that audit may have begun before the claim was written"
    host.look()
    host.wait_roles(uuid)
    assert host.free()["memoryMiB"] == 8192 - 1024


def test_a_younger_instance_with_the_same_uuid_holds_nothing(fleet: Fleet) -> None:
    host = fleet.host()
    elder = fleet.instance(host.name)
    fleet.wait_for_home(elder, host.name)
    younger = fleet.instance(host.name, uuid=fleet.uuid_of(elder))
    said = fleet.wait_for_reason(younger, "UUIDInUse")
    assert f"default/{elder}" in said["message"]
    fleet.wait_for_home(fleet.instance(host.name), host.name)  # by a ledger that knows of the younger one
    assert host.claims(fleet.uuid_of(elder)) == [(fleet.uuid_of(elder), "Running")]
    assert host.free()["memoryMiB"] == 8192 - 2 * 1024


def test_a_changed_size_is_shown_and_not_taken(fleet: Fleet) -> None:
    host = fleet.host()
    name = fleet.instance(host.name)
    fleet.wait_for_home(name, host.name)
    assert fleet.instances.merge(name, {"spec": {"resources": {"vcpus": 3}}}).object
    assert "vcpus 1" in fleet.wait_for_reason(name, "SizeDiffersFromSpec")["message"]
    fleet.wait_for_home(fleet.instance(host.name), host.name)  # by a ledger that knows of the change
    assert host.free()["vcpus"] == 14


def test_a_describe_of_what_does_not_fit_is_enough_to_act(fleet: Fleet) -> None:
    host = fleet.host()
    name = fleet.instance(host.name, vcpus=100)
    fleet.wait_for_reason(name, "InsufficientResources")
    told = "vcpus: asked 100, free 16"
    fleet.until(
        lambda: told in fleet.cluster.kubectl("describe", "instance", name).partition("Events:")[2], "the Event"
    )


def test_a_reserve_and_a_ratio_of_the_operator_count_at_once(fleet: Fleet) -> None:
    host = fleet.host()
    host.wait_settled()
    policy = {"reserved": {"memoryMiB": 704}, "allocationRatios": {"vcpus": 1500, "memoryMiB": 500}}
    assert fleet.nodes.merge(host.name, {"spec": policy}).object
    fleet.until(lambda: host.ledger["observedGeneration"] == 2, "the new spec to be seen")
    assert host.ledger["allocatable"] == amounts(6, 4000, 1000)
