"""What an Instance's owner is told: enough to act on."""

from collections.abc import Sequence

from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import ComputeNode, GuestState
from hypertally.api.conditions import Status
from hypertally.api.instance import Instance, MoveType
from hypertally.ledger.conditions import Finding
from hypertally.ledger.instance_conditions import findings
from hypertally.ledger.shortage import Shortage
from tests.ledger.make import INCOMING, LEAVING, RUNNING, claim, guest, instance, move, node


def said(
    of: Instance,
    on: ComputeNode | None,
    missing: Sequence[Shortage] = (),
    twin: Instance | None = None,
    seen_on: Sequence[str] = (),
) -> dict[str, Finding]:
    found = findings(of, of.status, on, missing=missing, twin=twin, seen_on=seen_on)
    return {finding.type: finding for finding in found}


def claimed(of: Instance, on: ComputeNode | None, **more: object) -> tuple[Status, str]:
    found = said(of, on, **more)["Claimed"]  # type: ignore[arg-type]
    return found.status, found.reason


HOME = instance("a", home="n0")


class TestClaimed:
    def test_what_no_scheduler_has_bound(self) -> None:
        assert claimed(instance(bound=""), None) == (Status.FALSE, "Unbound")

    def test_what_is_bound_to_a_node_that_is_not_there(self) -> None:
        found = said(instance(bound="nowhere"), None)["Claimed"]
        assert (found.status, found.reason) == (Status.FALSE, "NodeNotFound")
        assert found.message == (
            "There is no ComputeNode nowhere: set spec.computeNodeName to one that kubectl get computenodes lists."
        )

    def test_what_is_accounted_on_a_node_that_is_gone_cannot_be_bound_elsewhere(self) -> None:
        found = said(HOME, None)["Claimed"]
        assert (found.status, found.reason) == (Status.FALSE, "NodeNotFound")
        assert found.message.startswith("There is no ComputeNode n0 any more")
        assert "spec.computeNodeName" not in found.message

    def test_what_has_no_room_says_the_amount_asked_and_free(self) -> None:
        found = said(instance(), node(), [Shortage("vcpus", 4, 1), Shortage("diskMiB", 9, -2)])["Claimed"]
        assert (found.status, found.reason) == (Status.FALSE, "InsufficientResources")
        assert found.message == (
            "n0 has no room: vcpus: asked 4, free 1; diskMiB: asked 9, free -2. No diskMiB is left there. "
            "Set spec.computeNodeName to another, or wait for room."
        )

    def test_what_has_a_home_waits_for_room_there_and_cannot_be_bound_elsewhere(self) -> None:
        found = said(HOME, node(), [Shortage("vcpus", 4, 1)])["Claimed"]
        assert found.message == (
            "n0 has no room: vcpus: asked 4, free 1. It would fit with vcpus 1. It waits for room."
        )  # fmt: skip

    def test_what_was_not_looked_at_yet(self) -> None:
        assert claimed(instance(), node()) == (Status.FALSE, "Pending")
        assert claimed(instance(), node(claims=None)) == (Status.FALSE, "Pending")

    def test_what_waits_for_a_host_whose_capacity_is_unknown_is_told_where_to_look(self) -> None:
        unreported = node(claims=None)
        unreported = replace(unreported, status=replace(unreported.status, report=None))
        for on in (node(capacity=None, claims=None), unreported):
            found = said(instance(), on)["Claimed"]
            assert (found.reason, found.message) == (
                "Pending", "n0 has no known capacity yet: the condition Ready of that ComputeNode says why.",
            )  # fmt: skip
        assert said(instance(), node())["Claimed"].message == "n0 has not accounted it yet."

    def test_what_is_accounted(self) -> None:
        assert claimed(HOME, node(claims=[claim("a")])) == (Status.TRUE, "Claimed")

    def test_what_only_leaves_is_not_accounted(self) -> None:
        assert claimed(HOME, node(claims=[claim("a", LEAVING)])) == (Status.FALSE, "Pending")

    def test_what_another_instance_holds_is_not_its_own(self) -> None:
        assert claimed(HOME, node(claims=[claim("a", owner="uid-earlier"), claim("b")])) == (Status.FALSE, "Pending")

    def test_what_was_taken_without_room(self) -> None:
        assert claimed(HOME, node(claims=[claim("a", overcommitted=True)])) == (Status.TRUE, "Overcommitted")

    def test_what_was_taken_without_room_is_told_by_how_much_the_host_is_above(self) -> None:
        on = node(claims=[claim("a", overcommitted=True)])
        assert on.status.ledger is not None
        short = replace(on.status.ledger, free=Amounts(vcpus=-3, memory_mib=5, disk_mib=-1))
        found = said(HOME, replace(on, status=replace(on.status, ledger=short)))["Claimed"]
        assert found.message == (
            "n0 has no room for it, but its guest is there and charged as it is listed; "
            "the host is above what is allocatable: vcpus by 3, diskMiB by 1."
        )

    def test_a_size_that_differs_from_spec_is_shown_with_what_is_accounted(self) -> None:
        wants_more = instance("a", home="n0", resources=4, granted=1)
        held = claim("a", resources=Amounts(vcpus=1, memory_mib=2, disk_mib=3))
        found = said(wants_more, node(claims=[held]))["Claimed"]
        assert (found.status, found.reason) == (Status.TRUE, "SizeDiffersFromSpec")
        assert "vcpus 1, memoryMiB 2, diskMiB 3" in found.message
        assert "Resize" in found.message

    def test_a_resize_on_its_node_is_no_difference_while_its_larger_claim_stands(self) -> None:
        resizing = instance("a", home="n0", move=move(MoveType.RESIZE, target="n0", new=3))
        claims = [claim("a", INCOMING, 3), claim("a", RUNNING, 1)]
        assert claimed(resizing, node(claims=claims)) == (Status.TRUE, "Claimed")

    def test_a_younger_twin_is_told_whose_the_uuid_is(self) -> None:
        found = said(instance(), node(), twin=instance(name="first", uid="uid-first"))["Claimed"]
        assert (found.status, found.reason) == (Status.FALSE, "UUIDInUse")
        assert found.message == "uuid a already belongs to Instance default/first: delete one of the two."


class TestPlaced:
    def place(self, of: Instance, on: ComputeNode | None, *seen_on: str) -> tuple[Status, str]:
        found = said(of, on, seen_on=seen_on)["Placed"]
        return found.status, found.reason

    def test_a_guest_that_runs_at_home(self) -> None:
        assert self.place(HOME, node(guests=[guest("a")]), "n0") == (Status.TRUE, "Running")

    def test_a_guest_that_is_at_home_and_does_not_run(self) -> None:
        on = node(guests=[guest("a", state=GuestState.SHUTOFF)])
        assert self.place(HOME, on, "n0") == (Status.TRUE, "Defined")

    def test_a_guest_that_is_where_it_is_not_accounted(self) -> None:
        found = said(HOME, node(), seen_on=["n2", "n1"])["Placed"]
        assert (found.status, found.reason) == (Status.FALSE, "Misplaced")
        assert found.message == "Its guest is on n1, n2. It is accounted on n0."

    def test_a_guest_that_is_elsewhere_and_accounted_nowhere(self) -> None:
        found = said(instance(), node(), seen_on=["n2"])["Placed"]
        assert found.message == "Its guest is on n2. It is accounted nowhere."

    def test_a_guest_that_is_not_what_is_accounted_is_told_with_both_values(self) -> None:
        on = node(claims=[claim("a"), claim("b")], guests=[guest("a", Amounts(vcpus=4, memory_mib=1, disk_mib=7))])
        found = said(HOME, on)["Placed"]
        assert (found.status, found.reason) == (Status.TRUE, "Drifted")
        assert found.message == (
            "Its guest runs on n0 with vcpus 4 (accounted 1), diskMiB 7 (accounted 1). The larger is charged."
        )

    def test_a_guest_that_differs_and_does_not_run_is_told_so(self) -> None:
        on = node(claims=[claim("a")], guests=[guest("a", 2, GuestState.SHUTOFF)])
        assert said(HOME, on)["Placed"].message.startswith("Its guest is on n0 with vcpus 2 (accounted 1)")

    def test_a_guest_on_the_bound_node_is_not_accounted_yet(self) -> None:
        assert self.place(instance(), node(guests=[guest("a")]), "n0") == (Status.FALSE, "NotAccounted")

    def test_a_younger_twins_guest_is_the_elders_wherever_it_is(self) -> None:
        found = said(instance(), node(guests=[guest("a")]), twin=instance(name="first"), seen_on=["n0"])["Placed"]
        assert (found.status, found.reason) == (Status.FALSE, "UUIDInUse")
        assert found.message == "The guest with this uuid is that of Instance default/first."

    def test_a_guest_that_no_host_reports(self) -> None:
        assert self.place(HOME, node()) == (Status.FALSE, "NotSeen")
        assert self.place(HOME, None) == (Status.FALSE, "NotSeen")
        assert said(HOME, node())["Placed"].message == "No host reports guest a: start it on n0."
        assert said(instance(), node())["Placed"].message == "No host reports guest a."

    def test_a_guest_that_may_be_among_those_that_its_home_left_out(self) -> None:
        found = said(HOME, node(omitted=3))["Placed"]
        assert found.message == "No host lists guest a; n0 left 3 guests out of its list."


class TestReady:
    def test_an_instance_whose_guest_is_where_it_is_accounted(self) -> None:
        found = said(HOME, node(claims=[claim("a")], guests=[guest("a")]))["Ready"]
        assert (found.status, found.reason) == (Status.TRUE, "Accounted")
        assert found.message == "Its guest is where it is accounted."

    def test_what_somebody_should_look_at_is_repeated_though_it_is_ready(self) -> None:
        forced = claim("a", overcommitted=True)
        for on, type_ in (
            (node(claims=[forced], guests=[guest("a")]), "Claimed"),
            (node(claims=[claim("a", resources=2)], guests=[guest("a", 2)]), "Claimed"),
            (node(claims=[claim("a")], guests=[guest("a", 2)]), "Placed"),
        ):
            found = said(HOME, on)
            assert (found["Ready"].status, found["Ready"].reason) == (Status.TRUE, "Accounted")
            assert found["Ready"].message == found[type_].message

    def test_the_first_thing_that_is_wrong_is_repeated(self) -> None:
        unclaimed = said(HOME, node(guests=[guest("a")]))
        assert (unclaimed["Ready"].status, unclaimed["Ready"].reason) == (Status.FALSE, "Pending")
        assert unclaimed["Ready"].message == unclaimed["Claimed"].message
        absent = said(HOME, node(claims=[claim("a")]))
        assert (absent["Ready"].status, absent["Ready"].reason) == (Status.FALSE, "NotSeen")
