"""Moves that are not over: how many of which type, and since when the oldest one is."""

from msgspec.structs import replace

from hypertally.api.conditions import Condition, Status
from hypertally.api.instance import MoveType
from hypertally.api.migration import Migration
from hypertally.controller.move_counts import MoveCounts
from tests.ledger.make import migration


def made(type_: MoveType, created: str = "2026-01-01T00:00:00Z", *, over: bool = False) -> Migration:
    one = migration()
    ends = (Condition(type="Completed", status=Status.TRUE, reason="Completed"),) if over else ()
    return replace(
        one,
        metadata=replace(one.metadata, creation_timestamp=created),
        spec=replace(one.spec, type=type_),
        status=replace(one.status, conditions=ends),
    )


def shown(counts: MoveCounts) -> dict[tuple[str, str], float]:
    """By the end of the family's name and type."""
    return {
        (family.name.removeprefix("hypertally_fleet_"), sample.labels["type"]): sample.value
        for family in counts.collect()
        for sample in family.samples
    }


def test_moves_are_counted_by_type_until_they_are_over_or_gone() -> None:
    counts = MoveCounts()
    for key, type_ in (("a", MoveType.LIVE), ("b", MoveType.LIVE), ("c", MoveType.COLD)):
        counts.hear(key, made(type_))
    assert shown(counts)["open_migrations", "Live"] == 2
    assert shown(counts)["open_migrations", "Cold"] == 1
    assert shown(counts)["open_migrations", "Resize"] == 0
    counts.hear("a", made(MoveType.LIVE, over=True))
    counts.hear("b", None)
    assert shown(counts)["open_migrations", "Live"] == 0


def test_the_oldest_of_each_type_says_since_when() -> None:
    counts = MoveCounts()
    counts.hear("young", made(MoveType.LIVE, "2026-01-01T01:00:00Z"))
    counts.hear("old", made(MoveType.LIVE, "2026-01-01T00:00:00Z"))
    old = ("oldest_open_migration_timestamp_seconds", "Live")
    assert shown(counts)[old] == 1767225600
    counts.hear("old", made(MoveType.LIVE, over=True))
    assert shown(counts)[old] == 1767225600 + 3600


def test_without_an_open_move_there_is_no_oldest() -> None:
    counts = MoveCounts()
    counts.hear("over", made(MoveType.RESIZE, over=True))
    assert not any(name.startswith("oldest") for name, _ in shown(counts))
