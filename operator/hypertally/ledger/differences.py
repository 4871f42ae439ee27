"""One thing in which what is there and what is accounted differ."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One thing that a guest really has in another measure than its claim says."""

    what: str
    real: str
    claimed: str

    def __str__(self) -> str:
        return f"{self.what} {self.real} (accounted {self.claimed})"
