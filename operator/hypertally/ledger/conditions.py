"""Conditions keep their transition time as long as their status stays."""

from collections.abc import Iterable
from dataclasses import dataclass

from hypertally.api.bounds import fit_message
from hypertally.api.conditions import Condition, Status, find


@dataclass(frozen=True)
class Finding:
    """What a condition says, before it has an age."""

    type: str
    status: Status
    reason: str
    message: str = ""


def aged(
    findings: Iterable[Finding], before: tuple[Condition, ...], now: str, generation: int
) -> tuple[Condition, ...]:
    """`now` (RFC 3339) dates the conditions whose status differs from `before`."""
    return tuple(_aged(f, find(before, f.type), now, generation) for f in findings)


def _aged(finding: Finding, before: Condition | None, now: str, generation: int) -> Condition:
    since = before.last_transition_time if before and before.status == finding.status else now
    return Condition(
        type=finding.type,
        status=finding.status,
        reason=finding.reason,
        message=fit_message(finding.message),
        last_transition_time=since,
        observed_generation=generation,
    )
