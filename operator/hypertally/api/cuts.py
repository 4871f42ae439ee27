"""What bounds keep out of a report is counted by part: a list that was cut must not pass for a whole one."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import TypeVar

from .bounds import COUNT_MAX, CPU_SET_MAX, OMISSIONS_MAX
from .compute_node import Omission
from .forms import CPU_SET, has_form

T = TypeVar("T")


class Cuts:
    """The count of one report."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def first(self, part: str, entries: Sequence[T], limit: int) -> tuple[T, ...]:
        self._counts[part] += max(len(entries) - limit, 0)
        return tuple(entries[:limit])

    def fitting(self, part: str, entries: Iterable[T], fits: Callable[[T], bool]) -> list[T]:
        """Without entries that the schema has no form for: half of a name would be another name."""
        every = list(entries)
        kept = [entry for entry in every if fits(entry)]
        self._counts[part] += len(every) - len(kept)
        return kept

    def cpu_set(self, part: str, text: str, limit: int) -> str:
        """The first ranges of a CPU set."""
        if has_form(CPU_SET, text, limit):
            return text
        ranges = self.fitting(part, filter(None, text.split(",")), lambda each: has_form(CPU_SET, each, limit))
        ends = list(accumulate((len(each) + 1 for each in ranges), initial=-1))
        return ",".join(self.first(part, ranges, bisect_right(ends, limit) - 1))

    def omissions(self, before: Iterable[Omission]) -> tuple[Omission, ...]:
        """With what whoever made the report had left out himself."""
        every = self._counts + Counter({omission.part: omission.entries for omission in before})
        found = [Omission(part=part, entries=min(every[part], COUNT_MAX)) for part in sorted(every)]
        return tuple(found[:OMISSIONS_MAX])


class Allowance:
    """What the entries of a list may have together of a part of theirs; the first ones take what they need."""

    def __init__(self, cuts: Cuts, part: str, together: int) -> None:
        self._cuts, self._part, self._left = cuts, part, together

    def take(self, entries: Sequence[T], most: int) -> tuple[T, ...]:
        kept = self._cuts.first(self._part, entries, min(most, self._left))
        self._left -= len(kept)
        return kept

    def take_cpus(self, text: str) -> str:
        kept = self._cuts.cpu_set(self._part, text, min(CPU_SET_MAX, self._left))
        self._left -= len(kept)
        return kept
