"""Whoever moves a guest, kind by kind: what it may do at both ends. It moves only what `Claimed` allowed."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.ledger.reference_model import DEFINED, RUNNING

Changes = tuple[tuple[int, int, int], ...]
"""(node, guest, what it becomes)."""


class Moving(NamedTuple):
    """`here` and `there`: the guest at both ends. `old` is its present size, `before` that before the move. `outcome`:
    "" while open, C, R, "gone" with a deleted Migration, or else with a deleted Instance."""

    guest: int
    source: int
    target: int
    here: int
    there: int
    old: int
    before: int
    new: int
    outcome: str
    told: bool
    may_stay_paused: bool

    def steps(self, kind: str) -> Iterator[tuple[str, Changes]]:
        if self.source == self.target:
            return self._on_one_node() if kind == "Resize" else iter(())
        return {"Live": self._live, "Evacuation": self._evacuation}.get(kind, self._cold)()

    @property
    def _may_begin(self) -> bool:
        return self.outcome == "" and self.told

    def _at_source(self, size: int, state: int = 0) -> tuple[int, int, int]:
        return (self.source, self.guest, size * 4 + state)

    def _at_target(self, size: int, state: int = 0) -> tuple[int, int, int]:
        return (self.target, self.guest, size * 4 + state)

    def _on_one_node(self) -> Iterator[tuple[str, Changes]]:
        size = self.there >> 2
        if self._may_begin and size == self.old != self.new:
            yield "resizes the guest", (self._at_target(self.new, RUNNING),)
        if self.outcome in ("", "R") and size == self.new != self.before:
            yield "puts the old size back", (self._at_target(self.before, RUNNING),)

    def _live(self) -> Iterator[tuple[str, Changes]]:
        here, there = self.here & 3, self.there & 3
        if self._may_begin and here == RUNNING and not there:
            yield "starts, paused at the target", (self._at_target(self.old, DEFINED),)
        if there == DEFINED and self.outcome in ("", "gone"):
            if here == RUNNING:
                switched = (self._at_source(self.old, DEFINED), self._at_target(self.there >> 2, RUNNING))
                yield "switches over", switched
            if self.may_stay_paused and here:
                yield "ends with the guest paused at the target", (self._at_source(0),)
        if here == DEFINED and there == RUNNING:
            yield "clears the source", (self._at_source(0),)
        if here == RUNNING and there == DEFINED:
            yield "gives up", (self._at_target(0),)

    def _evacuation(self) -> Iterator[tuple[str, Changes]]:
        here = self.here & 3
        if here == RUNNING:
            yield "the source crashes", (self._at_source(self.here >> 2, DEFINED),)
        if self._may_begin and here != RUNNING and not self.there:
            yield "starts the guest at the target", (self._at_target(self.old, RUNNING),)
        if here == DEFINED and self.there:
            yield "clears the source", (self._at_source(0),)

    def _cold(self) -> Iterator[tuple[str, Changes]]:
        here, there = self.here, self.there
        if self._may_begin and here and not there:
            yield "defines it", (self._at_source(self.old, DEFINED), self._at_target(self.new or self.old, DEFINED))
        if here and there and self.outcome in ("", "C", "gone"):
            yield "clears the source", (self._at_source(0),)
        if there and (self.outcome in ("", "R") or (self.outcome == "gone" and here)):
            yield "takes it back", (self._at_target(0), self._at_source(self.before, DEFINED))
        if self.outcome in ("", "C") and there & 3 == DEFINED and here & 3 != RUNNING:
            yield "starts it", (self._at_target(there >> 2, RUNNING),)
