"""Numbers as a person reads them."""

from datetime import UTC, datetime, timedelta

import pytest

from hypertally.plugin.tables import age, part, size, table

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("mib", "shown"),
    [(0, "0Mi"), (1023, "1023Mi"), (1024, "1.0Gi"), (-2048, "-2.0Gi"), (2**20, "1.0Ti"), (2**40, "1024.0Pi")],
)
def test_a_size_is_in_the_largest_unit_that_leaves_a_whole(mib: int, shown: str) -> None:
    assert size(mib) == shown


def test_what_is_not_known_is_not_zero() -> None:
    assert size(None) == "<unknown>"
    assert part(None, 5) == part(5, None) == "<unknown>"


def test_a_part_and_its_whole_share_the_unit_of_the_greater() -> None:
    assert part(512, 4096) == "0.5/4.0Gi"
    assert part(4096, 512) == "4.0/0.5Gi"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"), (119, "119s"), (120, "2m"), (330, "5m30s"), (600, "10m"), (10_799, "179m"), (10_800, "3h"),
        (11_100, "3h5m"), (28_800, "8h"), (172_799, "47h"), (172_800, "2d"), (180_000, "2d2h"), (691_200, "8d"),
        (63_072_000, "2y"), (-5, "0s"),
    ],
)  # fmt: skip
def test_an_age_is_written_as_kubectl_writes_it(seconds: int, shown: str) -> None:
    assert age((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == shown


def test_an_age_that_nobody_told_is_unknown() -> None:
    assert age("", NOW) == "<unknown>"


def test_a_column_of_which_no_row_says_anything_is_left_out() -> None:
    assert table(("NAME", "PCPUS", "DISK"), [("a", "<none>", "1"), ("long", "<none>", "22")]) == (
        "NAME   DISK\na      1\nlong   22"
    )
