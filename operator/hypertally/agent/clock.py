"""Two clocks: one that only counts, for every interval, and the wall's, for what others read."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """Whole seconds, as conditions carry them."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_time(moment: datetime) -> str:
    """Microseconds, as Leases carry them."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wall() -> datetime:
    """May jump: never used to measure how long something takes."""
    return datetime.now(UTC)
