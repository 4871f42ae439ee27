"""What is missing for a claim."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shortage:
    """One amount that is missing: how much was asked for, how much is free for it (negative when over-committed)."""

    amount: str
    asked: int
    free: int

    def __str__(self) -> str:
        return f"{self.amount}: asked {self.asked}, free {self.free}"
