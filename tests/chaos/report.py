"""What a run threw at the programs, and what came of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from .checker import Checker
from .faults import Log


@dataclass
class Report:
    """`settled`: seconds from the last fault of each round until everything had come to rest."""

    seed: int
    log: Log
    checker: Checker
    done: Counter[str]
    """What users did."""
    seconds: float = 0.0
    settled: list[float] = field(default_factory=list)
    ended: Mapping[str, int] = field(default_factory=dict)
    """How often each program ended by itself, and was started again."""

    def lines(self) -> list[str]:
        return [
            f"seed {self.seed}: {len(self.log.faults)} faults in {self.seconds:.0f} s",
            "",
            *_table(("Fault", "Times", "Seconds"), _by_kind(self.log)),
            "",
            *_table(("What", "How often"), self._counts()),
            "",
            "Actions: " + ", ".join(f"{name.rpartition('.')[2]} {count}" for name, count in sorted(self.done.items())),
        ]

    def _counts(self) -> list[tuple[str, ...]]:
        checker = self.checker
        ended = ", ".join(f"{name} {count}" for name, count in sorted(self.ended.items()) if count) or "none"
        rounds = sorted(self.settled)
        return [
            ("claims made", str(checker.books.claims)),
            ("versions of ledgers checked", str(checker.books.ledgers)),
            ("moments at which everything was listed", str(checker.tally.snapshots)),
            ("guests found charged", str(checker.charged.made)),
            ("granted Instances found held", str(checker.kept.made)),
            ("records collected, each against its guards", str(checker.tally.deletions)),
            ("rounds at whose end nothing was written", str(checker.tally.quiet)),
            ("programs that ended by themselves", ended),
            ("seconds to come to rest, median and most", f"{median(rounds):.1f}, {rounds[-1]:.1f}" if rounds else ""),
        ]


def _by_kind(log: Log) -> list[tuple[str, ...]]:
    kinds = Counter(fault.planned.kind for fault in log.faults)
    return [(kind.value, str(count), f"{_seconds(log, kind):.0f}") for kind, count in kinds.most_common()]


def _seconds(log: Log, kind: str) -> float:
    return sum(fault.ended - fault.began for fault in log.faults if fault.planned.kind == kind)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    every = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(row)} |" for row in every]
