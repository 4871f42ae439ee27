"""Which transitions are worth an Event, and how each is told."""

from msgspec.structs import replace

from hypertally.api.conditions import Condition, Status
from hypertally.api.instance import Instance, InstanceStatus, MovePhase, MoveType
from hypertally.controller.news import News, news
from tests.ledger.make import instance, migration, move, node

TRUE, FALSE, UNKNOWN = Status.TRUE, Status.FALSE, Status.UNKNOWN


def said(type_: str, status: Status, reason: str, message: str = "text") -> Condition:
    return Condition(type=type_, status=status, reason=reason, message=message)


def of_node(before: list[Condition], *after: Condition) -> list[News]:
    on = node()
    was = replace(on, status=replace(on.status, conditions=tuple(before)))
    return list(news(was, replace(on.status, conditions=after)))


def of_instance(before: Instance, *after: Condition) -> list[News]:
    return list(news(before, replace(before.status, conditions=after)))


class TestOfComputeNode:
    def test_a_host_that_becomes_ready_is_good_news(self) -> None:
        assert of_node([], said("Ready", TRUE, "Ready")) == [News("Ready", "text", warns=False)]

    def test_a_host_that_is_not_ready_is_a_warning_by_its_reason(self) -> None:
        was = said("Ready", TRUE, "Ready")
        assert of_node([was], said("Ready", UNKNOWN, "AgentSilent")) == [News("AgentSilent", "text", warns=True)]

    def test_a_host_that_somebody_closed_is_no_warning(self) -> None:
        was = said("Ready", TRUE, "Ready")
        for reason in ("Cordoned", "Maintenance"):
            assert of_node([was], said("Ready", FALSE, reason)) == [News(reason, "text", warns=False)]

    def test_an_identity_conflict_is_told_once(self) -> None:
        was = said("Ready", TRUE, "Ready")
        now = said("Ready", FALSE, "IdentityConflict"), said("IdentityConflict", TRUE, "SharedHostUUID", "why")
        assert of_node([was], *now) == [News("IdentityConflict", "why", warns=True)]

    def test_what_is_wrong_is_told_by_the_name_of_its_condition(self) -> None:
        for type_, reason in (("Overcommitted", "Exceeded"), ("Drifted", "GuestsDiffer")):
            for before in ([], [said(type_, FALSE, "AllWell")]):
                assert of_node(before, said(type_, TRUE, reason)) == [News(type_, "text", warns=True)]

    def test_what_is_wrong_no_longer_is_told_too(self) -> None:
        was = said("Drifted", TRUE, "GuestsDiffer")
        assert of_node([was], said("Drifted", FALSE, "Matches")) == [News("Matches", "text", warns=False)]

    def test_a_host_that_is_as_it_should_be_from_the_beginning_is_no_news(self) -> None:
        assert of_node([], said("Overcommitted", FALSE, "Fits"), said("Drifted", UNKNOWN, "NoLedger")) == []
        unknown = said("Overcommitted", UNKNOWN, "NoLedger")
        assert of_node([unknown], said("Overcommitted", FALSE, "Fits")) == []

    def test_numbers_in_a_message_that_change_are_no_news(self) -> None:
        was = said("Overcommitted", TRUE, "Exceeded", "by 1")
        assert of_node([was], said("Overcommitted", TRUE, "Exceeded", "by 2")) == []


class TestOfInstance:
    def test_a_refusal_warns_and_a_grant_does_not(self) -> None:
        refused, granted = said("Claimed", FALSE, "InsufficientResources"), said("Claimed", TRUE, "Claimed")
        assert of_instance(instance(), refused) == [News("InsufficientResources", "text", warns=True)]
        assert of_instance(instance(conditions=[refused]), granted) == [News("Claimed", "text", warns=False)]

    def test_what_is_held_and_somebody_should_look_at_warns(self) -> None:
        for type_, reason in (
            ("Claimed", "Overcommitted"), ("Claimed", "SizeDiffersFromSpec"), ("Placed", "Drifted"),
            ("Claimed", "PlacementDiffersFromSpec"), ("Claimed", "Unplaced"),
        ):  # fmt: skip
            assert of_instance(instance(), said(type_, TRUE, reason)) == [News(reason, "text", warns=True)]

    def test_ready_and_states_on_the_way_are_no_news(self) -> None:
        on_the_way = said("Claimed", FALSE, "Pending"), said("Placed", FALSE, "NotSeen")
        assert of_instance(instance(), said("Ready", FALSE, "InsufficientResources"), *on_the_way) == []

    def test_a_condition_without_words_is_told_by_its_type(self) -> None:
        assert of_instance(instance(), said("Claimed", TRUE, "Claimed", "")) == [
            News("Claimed", "Claimed", warns=False)
        ]

    def test_another_home_is_told_with_the_one_before(self) -> None:
        was = instance(home="n0")
        there = replace(was.status, compute_node_name="n1")
        assert list(news(was, there)) == [News("Moved", "Accounted on n1 now; it was on n0.", warns=False)]

    def test_a_first_home_and_a_lost_one_are_told_by_the_condition_alone(self) -> None:
        assert list(news(instance(), replace(instance().status, compute_node_name="n1"))) == []
        assert list(news(instance(home="n0"), InstanceStatus())) == []

    def test_a_move_that_nobody_declared_is_told_when_it_begins(self) -> None:
        was, observed = instance(home="n0"), move(MoveType.OBSERVED)
        begun = replace(was.status, move=observed)
        text = "n1 lists its guest, and no Migration declares that: the move is followed."
        assert list(news(was, begun)) == [News("MoveObserved", text, warns=False)]
        assert list(news(replace(was, status=begun), begun)) == []
        ended = replace(begun, move=replace(observed, phase=MovePhase.ENDED))
        assert list(news(replace(was, status=begun), ended)) == []

    def test_a_declared_move_is_told_on_its_migration(self) -> None:
        was = instance(home="n0")
        assert list(news(was, replace(was.status, move=move()))) == []


def test_a_migration_is_told_of_by_its_conditions() -> None:
    was = migration()
    after = replace(was.status, conditions=(said("Claimed", TRUE, "Claimed"), said("Completed", FALSE, "InProgress")))
    assert list(news(was, after)) == [News("Claimed", "text", warns=False)]
