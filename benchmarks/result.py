"""What a benchmark comes to, and where it is kept."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True, kw_only=True)
class Result:
    """`ours` and `floor` in `unit`; smaller is better, and `ours` may be `budget` times the floor."""

    name: str
    ours: float
    floor: float
    unit: str
    budget: float

    @property
    def ratio(self) -> float:
        return self.ours / self.floor

    @property
    def within(self) -> bool:
        return self.ratio <= self.budget

    def plain(self) -> dict[str, Any]:
        """The entry of results.json."""
        return {
            "name": self.name,
            "ours": self.ours,
            "floor": self.floor,
            "unit": self.unit,
            "ratio": round(self.ratio, 3),
            "budget": self.budget,
            "within": self.within,
        }


def save(results: Iterable[Result], path: Path = RESULTS) -> None:
    """Replaces the entries of the same names and keeps the others."""
    kept = {entry["name"]: entry for entry in _load(path)}
    kept |= {result.name: result.plain() for result in results}
    path.write_text(json.dumps([kept[name] for name in sorted(kept)], indent=2) + "\n")


def _load(path: Path) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return []
    return entries
