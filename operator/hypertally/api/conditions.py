"""Conditions in the shape of metav1.Condition."""

from enum import StrEnum
from typing import ClassVar

from .base import Wire


class Status(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"

    @classmethod
    def _missing_(cls, value: object) -> "Status | None":
        """Nobody may take what he cannot read for True."""
        return cls.UNKNOWN if isinstance(value, str) else None


class Condition(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One fact with its age: `last_transition_time` (RFC 3339) moves only when `status` does."""

    map_keys: ClassVar[tuple[str, ...]] = ("type",)

    type: str
    status: Status
    reason: str
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


def find(conditions: tuple[Condition, ...], type_: str) -> Condition | None:
    """The condition of that type; None means Unknown to every reader."""
    return next((c for c in conditions if c.type == type_), None)


def is_true(conditions: tuple[Condition, ...], type_: str) -> bool:
    """A missing condition is not True."""
    found = find(conditions, type_)
    return found is not None and found.status is Status.TRUE
