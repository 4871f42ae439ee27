"""A report that contradicts itself and a ledger edited by hand: shown, put right, and nobody else's business."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.support import samples
from tests.support.fleet import Fleet, Host, find_condition
from tests.support.samples import Object, amounts

SUM_MAX = 2**53 - 1


@pytest.fixture
def host(fleet: Fleet) -> Host:
    return fleet.host()


def doubt(host: Host) -> str:
    """The message of Doubtful, once it is True."""
    host.fleet.until(lambda: find_condition(host.object, "Doubtful").get("status") == "True", "a doubt")
    return str(find_condition(host.object, "Doubtful")["message"])


def assert_others_go_on(fleet: Fleet) -> None:
    other = fleet.host()
    fleet.wait_for_home(fleet.instance(other.name), other.name)


class TestReport:
    def test_what_it_contradicts_itself_in_is_named_and_the_host_is_accounted_all_the_same(
        self, fleet: Fleet, host: Host
    ) -> None:
        uuid = str(uuid4())
        host.inventory = {
            "measured": amounts(99, 9000, 5),
            "numaCells": [{"id": 0, "memoryMiB": 9999, "pages": [{"sizeKiB": 1048576, "total": 11, "reserved": 0}]}],
        }
        host.run(uuid)
        host.guests[uuid]["cells"] = [7]
        host.report()
        assert doubt(host).startswith(
            "Taken as it is told, though it cannot be so: memoryMiB in use 9000 is more than the capacity 8704; "
            "memoryMiB of all NUMA cells 9999 is more than the host's 8704; "
            "pages of NUMA cell 0 take 11264 MiB, and it has 9999; "
            "guests are bound to NUMA cells that the host does not have: 7; "
            "NUMA cell 7: the host has no such cell (held by "
        )
        host.wait_settled()
        assert host.free() == amounts(15, 7168, 1000)
        fleet.wait_for_home(fleet.instance(host.name), host.name)
        assert_others_go_on(fleet)
        host.inventory = {}
        host.guests[uuid].pop("cells")
        host.report()
        fleet.until(lambda: find_condition(host.object, "Doubtful").get("status") == "False", "no doubt")

    def test_one_that_lists_a_guest_twice_is_refused_and_the_last_one_stands(self, fleet: Fleet, host: Host) -> None:
        host.wait_settled()
        report = {**host.object["status"]["report"], "generation": host.generation + 1}
        twice = {**report, "guests": [samples.guest(1), samples.guest(1, name="twin")]}
        answer = fleet.nodes.merge_status(host.name, {"status": {"report": twice}})
        assert "status.report.guests[1]: Duplicate value" in answer.refusal
        fleet.wait_for_home(fleet.instance(host.name), host.name)
        assert_others_go_on(fleet)

    def test_sums_near_the_largest_number_of_the_api_leave_a_ledger_that_can_be_written(
        self, fleet: Fleet, host: Host
    ) -> None:
        largest = amounts(SUM_MAX, SUM_MAX, SUM_MAX)
        host.inventory = {"guestsOmitted": 2**31 - 1, "omittedResources": largest}
        host.run(str(uuid4()), vcpus=2**40, memoryMiB=2**40, diskMiB=2**40)
        host.report()
        host.wait_settled()
        assert host.ledger["allocated"] == largest | {"pcpus": 0}
        assert host.free() == amounts(16 - SUM_MAX, 8192 - SUM_MAX, 1000 - SUM_MAX)
        assert "diskMiB allocated is more than can be counted" in doubt(host)
        name = fleet.instance(host.name)
        assert (
            f"vcpus: asked 1, free {16 - 2**40 - SUM_MAX}"
            in (fleet.wait_for_reason(name, "InsufficientResources")["message"])
        )
        assert_others_go_on(fleet)
        host.inventory, host.guests = {}, {}
        host.report()
        fleet.wait_for_home(name, host.name)

    def test_guests_that_were_left_out_and_are_not_charged_are_doubted(self, fleet: Fleet, host: Host) -> None:
        host.inventory = {"guestsOmitted": 3}
        host.report()
        assert "guestsOmitted is 3 without omittedResources" in doubt(host)
        assert_others_go_on(fleet)


def change_claim(**changed: Any) -> Callable[[Object], Object]:
    def forge(ledger: Object) -> Object:
        return {**ledger, "claims": [{**ledger["claims"][0], **changed}]}

    return forge


def add_claim(**changed: Any) -> Callable[[Object], Object]:
    """Beside the one that is there."""

    def forge(ledger: Object) -> Object:
        mine = ledger["claims"][0]
        return {**ledger, "claims": [mine, {**mine, **changed}]}

    return forge


FORGERIES: dict[str, Callable[[Object], Object]] = {
    "a claim removed": lambda ledger: {**ledger, "claims": []},
    "a claim removed and the sums with it": lambda ledger: {
        **ledger, "claims": [], "allocated": amounts(0, 0, 0), "free": ledger["allocatable"], "instances": 0,
    },
    "a claim made smaller": change_claim(resources=amounts(1, 1, 0)),
    "a claim made larger": change_claim(resources=amounts(9, 8000, 900)),
    "another role": change_claim(role="ReservedForRevert"),
    "let go": change_claim(role="Leaving"),
    "given to another Instance": change_claim(instanceUID=samples.uuid(77), name="another"),
    "given to another guest": change_claim(uuid=samples.uuid(78)),
    "marked as taken without room": change_claim(overcommitted=True),
    "a second claim": add_claim(role="Incoming"),
    "a claim of nobody": add_claim(uuid=samples.uuid(79), instanceUID=samples.uuid(80), name="nobody"),
    "a claim that would take years to be proven gone": add_claim(
        role="Leaving", since={"holder": "first", "audit": 10**9}
    ),
    "other sums": lambda ledger: {**ledger, "free": amounts(99, 99, 99), "allocatable": amounts(99, 99, 99)},
    "other counters": lambda ledger: {
        **ledger, "instances": 9, "orphans": {"count": 9, "resources": amounts()}, "states": {"crashed": 9},
        "workload": {"leaving": 9},
    },
    "numbers of a report and a spec that were never seen": lambda ledger: {
        **ledger, "observedReportGeneration": SUM_MAX, "observedGeneration": SUM_MAX,
    },
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_ledger_edited_by_hand_is_put_right(fleet: Fleet, host: Host, forge: Callable[[Object], Object]) -> None:
    uuid = str(uuid4())
    name = fleet.instance(host.name, uuid=uuid)
    fleet.wait_for_home(name, host.name)
    host.run(uuid)
    host.report()
    host.wait_settled()
    right = without_generation(host.ledger)
    forged = {**forge(host.ledger), "generation": host.ledger["generation"] + 1}
    fleet.nodes.merge_status(host.name, {"status": {"ledger": forged}}).check()

    def is_right() -> bool:
        host.look()
        return without_generation(host.ledger) == right

    fleet.until(is_right, "the ledger to be put right")
    fleet.wait_for_reason(name, "Claimed")
    assert_others_go_on(fleet)


def without_generation(ledger: Object) -> Object:
    """A claim that was made anew for an Instance that has its home is not made for a binding."""
    claims = [{k: v for k, v in claim.items() if k != "instanceGeneration"} for claim in ledger["claims"]]
    return {key: value for key, value in ledger.items() if key != "generation"} | {"claims": claims}


@pytest.mark.parametrize("step", [0, 2])
def test_an_edit_that_does_not_count_on_is_refused(fleet: Fleet, host: Host, step: int) -> None:
    host.wait_settled()
    edited = {**host.ledger, "generation": host.ledger["generation"] + step, "instances": 9}
    refusal = fleet.nodes.merge_status(host.name, {"status": {"ledger": edited}}).refusal
    assert "generation must be the present one + 1" in refusal


def test_a_claim_twice_is_refused(fleet: Fleet, host: Host) -> None:
    name = fleet.instance(host.name)
    fleet.wait_for_home(name, host.name)
    mine = host.ledger["claims"][0]
    edited = {**host.ledger, "generation": host.ledger["generation"] + 1, "claims": [mine, mine]}
    refusal = fleet.nodes.merge_status(host.name, {"status": {"ledger": edited}}).refusal
    assert "status.ledger.claims[1]: Duplicate value" in refusal
    assert host.roles(fleet.uuid_of(name)) == {"Running"}


def test_a_ledger_whose_number_is_at_its_end_says_so_and_a_new_object_begins_anew(fleet: Fleet, host: Host) -> None:
    host.wait_settled()
    bare = {key: host.object[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": host.name}}
    last = {**host.ledger, "generation": SUM_MAX}
    fleet.nodes.delete(host.name)
    fleet.nodes.create(bare).check()
    fleet.nodes.merge_status(host.name, {"status": {"ledger": last}}).check()
    host.generation = 0
    host.report()
    assert "status.ledger.generation is at its end: delete the ComputeNode" in doubt(host)
    assert_others_go_on(fleet)
    fleet.nodes.delete(host.name)
    host.create()
    fleet.wait_for_home(fleet.instance(host.name), host.name)
