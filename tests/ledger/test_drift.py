"""Guests that are not what is accounted for them, and guests that are where they are not accounted."""

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import MESSAGE_MAX
from hypertally.api.compute_node import Claim, ComputeNode, Guest, GuestState
from hypertally.api.instance import Instance, MovePhase, MoveType
from hypertally.api.placement import HeldCell, HeldDevice, HeldMdev
from hypertally.ledger.differences import Difference
from hypertally.ledger.drift import drift_of, drifts, enumerated, strays
from tests.ledger.make import INCOMING, LEAVING, RESERVED, claim, guest, instance, move, node

LARGER = Amounts(vcpus=4, memory_mib=1, disk_mib=1)


def texts(on: ComputeNode) -> list[str]:
    return [str(drift) for drift in drifts(on)]


class TestDrift:
    def test_a_guest_as_large_as_its_claim_does_not_drift(self) -> None:
        assert drifts(node(claims=[claim("a", resources=3)], guests=[guest("a", 3)])) == ()

    def test_each_amount_that_differs_is_told_with_both_values(self) -> None:
        real = Amounts(vcpus=4, pcpus=2, memory_mib=1, disk_mib=9)
        on = node(claims=[claim("a")], guests=[guest("a", real)])
        assert texts(on) == [
            "default/a has vcpus 4 (accounted 1), pcpus 2 (accounted 0), diskMiB 9 (accounted 1)",
        ]  # fmt: skip

    def test_a_smaller_guest_differs_as_well(self) -> None:
        assert texts(node(claims=[claim("a", resources=LARGER)], guests=[guest("a")])) == [
            "default/a has vcpus 1 (accounted 4)"
        ]

    @pytest.mark.parametrize("state", GuestState)
    def test_a_guest_differs_whatever_its_state_is(self, state: GuestState) -> None:
        assert drifts(node(claims=[claim("a")], guests=[guest("a", LARGER, state)]))

    def test_guests_come_in_the_order_of_the_claims(self) -> None:
        on = node(claims=[claim("a"), claim("b"), claim("c")], guests=[guest("c", 2), guest("a", 2), guest("b")])
        assert [drift.instance for drift in drifts(on)] == ["default/a", "default/c"]

    @pytest.mark.parametrize(
        ("claims", "why"),
        [
            ([], "an orphan has no claim to differ from"),
            ([claim("a", INCOMING)], "it comes"),
            ([claim("a", RESERVED)], "it has gone"),
            ([claim("a", LEAVING)], "it goes"),
            ([claim("a"), claim("a", INCOMING)], "it is resized where it is"),
            ([claim("a"), claim("a", LEAVING)], "the report may be older than what it is accounted with now"),
            ([claim("a", overcommitted=True)], "it was taken as it is listed"),
        ],
    )
    def test_what_is_not_meant_to_match_does_not_drift(self, claims: list[Claim], why: str) -> None:
        on = node(claims=claims, guests=[guest("a", LARGER)])
        assert drifts(on) == (), why
        assert drift_of(on, "a") == (), why

    def test_a_guest_that_is_not_listed_does_not_drift(self) -> None:
        on = node(claims=[claim("a")], guests=[guest("b", LARGER)])
        assert (drifts(on), drift_of(on, "a")) == ((), ())

    def test_a_node_without_a_ledger_or_a_report_shows_none(self) -> None:
        silent = node(claims=[claim("a")])
        silent = replace(silent, status=replace(silent.status, report=None))
        for on in (node(claims=None, guests=[guest("a")]), silent):
            assert (drifts(on), drift_of(on, "a")) == ((), ())

    def test_one_guest_is_told_as_the_whole_node_tells_it(self) -> None:
        on = node(claims=[claim("a"), claim("b")], guests=[guest("a", LARGER), guest("b")])
        assert drift_of(on, "a") == (Difference("vcpus", "4", "1"),)
        assert drift_of(on, "b") == ()


class TestStrays:
    def strays(self, of: Instance | None, *guests: Guest, claims: tuple[Claim, ...] = ()) -> list[str]:
        found = strays(node(claims=claims, guests=guests), lambda uuid: of if of and of.spec.uuid == uuid else None)
        return [str(stray) for stray in found]

    def test_a_guest_whose_instance_is_accounted_elsewhere(self) -> None:
        assert self.strays(instance(home="n9"), guest("a", state=GuestState.SHUTOFF)) == [
            "guest a (Shutoff) of default/a, which is accounted on n9"
        ]

    def test_a_guest_whose_instance_is_bound_elsewhere_and_accounted_nowhere(self) -> None:
        assert self.strays(instance(bound="n9"), guest("a")) == [
            "guest a (Running) of default/a, which is accounted on no node"
        ]

    def test_a_guest_at_home_and_an_orphan_are_none(self) -> None:
        assert self.strays(instance(home="n0"), guest("a"), guest("orphan")) == []

    def test_a_guest_on_the_bound_node_that_will_account_it_is_none(self) -> None:
        assert self.strays(instance(bound="n0"), guest("a")) == []

    @pytest.mark.parametrize("phase", MovePhase)
    @pytest.mark.parametrize(("source", "target"), [("n0", "n9"), ("n9", "n0")])
    def test_a_guest_in_the_middle_of_a_move_is_none_at_either_end(
        self, phase: MovePhase, source: str, target: str
    ) -> None:
        moving = instance(home="n9", move=move(MoveType.COLD, phase, source=source, target=target))
        assert self.strays(moving, guest("a")) == []

    def test_a_listing_that_may_be_older_than_the_move_is_none_until_it_is_proven(self) -> None:
        assert self.strays(instance(home="n9"), guest("a"), claims=(claim("a", LEAVING),)) == []

    def test_a_node_without_a_ledger_or_a_report_shows_none(self) -> None:
        whole = node(guests=[guest("a")])
        for part in ("ledger", "report"):
            on = replace(whole, status=replace(whole.status, **{part: None}))
            assert strays(on, lambda _: instance(home="n9")) == ()


class TestEnumerated:
    def test_what_fits_is_named_whole(self) -> None:
        assert enumerated(["a", "b"]) == "a; b"
        assert enumerated([]) == ""

    def test_what_does_not_fit_is_counted(self) -> None:
        assert enumerated(["aaa", "bbb", "ccc"], 8) == "aaa; bbb; and 1 more"
        assert enumerated(["aaa", "bbb", "ccc"], 7) == "aaa; and 2 more"

    def test_the_first_is_named_however_long_it_is(self) -> None:
        assert enumerated(["a" * 9, "b"], 1) == "aaaaaaaaa; and 1 more"

    def test_a_ledger_full_of_the_longest_names_still_says_how_many_more(self) -> None:
        names = ["n" * 63 + "/" + "i" * 253] * 320
        assert enumerated(names).endswith("; and 319 more")
        assert len(enumerated(names)) < MESSAGE_MAX - 100


class TestPlaces:
    placed = replace(
        claim("a"),
        request_digest="0" * 16,
        cells=(HeldCell(id=0, memory_mib=1, page_size_kib=2048, cpus="4-5"),),
        devices=(HeldDevice(address="0000:0a:10.0", request="net"),),
        mdevs=(HeldMdev(type="t", parent_address="p", count=1),),
    )
    real = replace(
        guest("a"),
        cells=(0,), page_size_kib=2048, pinned_cpus="4", pci_addresses=("0000:0a:10.0",), mdev_uuids=("m",),
    )  # fmt: skip

    def test_a_guest_that_is_where_it_was_placed_does_not_drift(self) -> None:
        """Of its two CPUs it runs on one: the other is the idle thread of an isolated core."""
        assert drifts(node(claims=[self.placed], guests=[self.real])) == ()

    def test_a_guest_that_should_float_and_does_not_is_told(self) -> None:
        assert texts(node(claims=[claim("a")], guests=[replace(guest("a"), cells=(0,))])) == [
            "default/a has NUMA cells 0 (accounted none)"
        ]

    def test_a_guest_that_should_have_cpus_of_its_own_and_has_none_is_told(self) -> None:
        assert texts(node(claims=[self.placed], guests=[replace(self.real, pinned_cpus="")])) == [
            "default/a has CPUs none (accounted 4-5)"
        ]
