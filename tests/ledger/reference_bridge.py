"""The reference model's numbers as the project's types, and both asked the same: they must answer the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from msgspec.structs import replace

from hypertally.api.compute_node import Claim as RealClaim
from hypertally.api.compute_node import ComputeNode, GuestState, Role
from hypertally.api.conditions import Status
from hypertally.api.instance import Instance, MovePhase, MoveType
from hypertally.api.instance import Move as RealMove
from hypertally.api.migration import Outcome
from hypertally.ledger.evidence import Evidence, Sight, gather
from hypertally.ledger.migration_conditions import findings
from hypertally.ledger.moves import next_status
from hypertally.ledger.reconcile import Inputs, is_lowered, next_ledger
from tests.ledger import reference_model as ref
from tests.ledger import reference_moves as rules
from tests.ledger.make import claim, guest, instance, look, migration, move, node, size
from tests.ledger.reference_model import Books, Claim, Declared, Fact, Move, Value

ROLES = {"I": Role.INCOMING, "L": Role.LEAVING, "R": Role.RUNNING, "V": Role.RESERVED_FOR_REVERT}
LETTERS = {role: letter for letter, role in ROLES.items()}
PHASES = {"A": MovePhase.ACCEPTED, "M": MovePhase.MOVED, "E": MovePhase.ENDED}
PHASE_LETTERS = {phase: letter for letter, phase in PHASES.items()}
OUTCOMES = {"open": None, "C": Outcome.CONFIRMED, "R": Outcome.REVERTED}
AUDIT = 10

OwnerItems = tuple[tuple[int, int, Value], ...]
"""(uuid, Instance, its value) of each who stands for a guest."""


def name(n: int) -> str:
    return f"n{n}" if n >= 0 else ""


@dataclass(eq=False)
class Bridge:
    """`uuids` by Instance, `rooms` by node, `migrations` as declared. Every question is asked once."""

    uuids: tuple[int, ...]
    rooms: tuple[int, ...]
    migrations: tuple[Declared, ...]

    def __post_init__(self) -> None:
        self.books = lru_cache(None)(self._ask_books)
        self.fact = lru_cache(None)(self._ask_fact)
        self.value = lru_cache(None)(self._ask_value)
        self.completes = lru_cache(None)(self._ask_completes)

    # -- to the project's types

    def claim(self, c: Claim) -> RealClaim:
        stamped = c.role in "IL" and c.mark >= 0
        return claim(
            f"u{self.uuids[c.inst]}",
            ROLES[c.role],
            c.size,
            owner=f"uid-{c.inst}",
            generation=c.mark if c.role == "R" else 0,
            since=AUDIT - c.mark if stamped else None,
            overcommitted=c.forced,
        )

    def node(self, n: int, books: Books | str, report: Sequence[int], *, current: bool = True) -> ComputeNode:
        states = {1: GuestState.PAUSED, 2: GuestState.RUNNING}
        guests = [guest(f"u{u}", g >> 2, states[g & 3]) for u, g in enumerate(report) if g]
        claims = None if isinstance(books, str) else [self.claim(c) for c in books]
        return node(name(n), self.rooms[n], claims, guests, seen=1 if current else 0)

    def instance(self, i: int, value: Value) -> Instance:
        return instance(
            f"u{self.uuids[i]}",
            name(value.spec),
            name(value.home),
            value.asked,
            granted=value.size,
            move=None if value.move is None else self.move(value.move),
            uid=f"uid-{i}",
            name=f"i{i}",
            born=f"{i}",
            generation=value.gen,
        )

    def move(self, m: Move) -> RealMove:
        made = move(
            MoveType(m.kind), PHASES[m.phase], source=name(m.source), target=name(m.target), old=m.old, new=m.new
        )
        return replace(made, migration_uid=f"uid-m{m.m}", migration_name=f"m{m.m}") if m.m >= 0 else made

    # -- and back

    def _claim(self, c: RealClaim) -> Claim:
        mark = c.instance_generation
        if c.role in (Role.INCOMING, Role.LEAVING):
            mark = -1 if c.since is None else min(AUDIT - c.since.audit, 2)
        return Claim(
            int(c.instance_uid.removeprefix("uid-")), LETTERS[c.role], c.resources.vcpus, mark, c.overcommitted
        )

    def _value(self, real: Instance, before: Value) -> Value:
        status = real.status
        m = status.move
        made = None
        if m is not None:
            number = int(m.migration_uid.removeprefix("uid-m")) if m.migration_uid else -1
            made = Move(
                number, m.type.value, int(m.source[1:]), int(m.target[1:]), m.old_resources.vcpus,
                m.new_resources.vcpus, PHASE_LETTERS[m.phase],
            )  # fmt: skip
        home = int(status.compute_node_name[1:]) if status.compute_node_name else -1
        granted = status.resources.vcpus if status.resources else before.asked
        return before._replace(home=home, size=granted, move=made)

    # -- both asked the same

    def _ask_books(self, n: int, books: Books | str, report: tuple[int, ...], owners: OwnerItems, lag: int) -> Books:
        standing = {u: (i, value) for u, i, value in owners}
        expected = ref.next_books(n, books, report, standing, room=self.rooms[n], uuids=self.uuids, lag=lag)
        on = self.node(n, books, report)
        inputs = Inputs(
            node=on,
            owners={f"u{u}": self.instance(i, value) for u, i, value in owners},
            look=look(AUDIT - lag, node=name(n)),
        )
        outcome = next_ledger(inputs)
        assert outcome is not None
        told = tuple(sorted(self._claim(c) for c in outcome.ledger.claims))
        assert told == expected, f"n{n} {books} listing {report} for {owners}: {told}, the model says {expected}"
        charged = sum(ref.charges(expected, report, self.uuids))
        assert outcome.ledger.allocated == size(charged), f"{expected} listing {report}: {outcome.ledger.allocated}"
        lowered = {f"u{u}" for u in ref.lowered(books, expected, self.uuids)}
        assert is_lowered(on.status.ledger, outcome.ledger) == lowered, f"{books} -> {expected}: {lowered}"
        return expected

    def _ask_fact(self, i: int, n: int, books: Books | str | None, report: tuple[int, ...], current: bool) -> Fact:
        expected = rules.fact(i, books, report, self.uuids, current=current)
        on = None if books is None else self.node(n, books, report, current=current)
        seen = gather(self.instance(i, Value(0, 0, 1, 1)), on, look(AUDIT, node=name(n)))
        claims = sorted(
            (LETTERS[c.role], c.instance_uid == f"uid-{i}", c.instance_generation, c.resources.vcpus)
            for c in seen.claims
        )
        told = Fact(
            seen.has_ledger, seen.current, tuple(claims), int(seen.sight), seen.settled,
            None if seen.fresh is None else int(seen.fresh), seen.size.vcpus if seen.size else 0,
        )  # fmt: skip
        assert told == expected, f"of i{i} on n{n} {books} listing {report}: {told}, the model says {expected}"
        return expected

    def _evidence(self, i: int, fact: Fact, *, silent: bool) -> Evidence:
        claims = tuple(
            claim("u", ROLES[role], held, owner=f"uid-{i}" if own else "uid-other", generation=gen)
            for role, own, gen, held in fact.claims
        )
        return Evidence(
            has_ledger=fact.has_ledger, current=fact.current, claims=claims, sight=Sight(fact.sight),
            settled=fact.settled, fresh=None if fact.fresh is None else Sight(fact.fresh),
            size=size(fact.size) if fact.size else None, silent=silent,
        )  # fmt: skip

    def _ask_value(
        self, i: int, value: Value, facts: tuple[Fact, ...], views: tuple[str, ...], silent: frozenset[int]
    ) -> Value:
        expected = rules.next_value(i, value, facts, views, self.migrations, silent)
        real = self.instance(i, value)
        evidence = {name(n): self._evidence(i, f, silent=n in silent) for n, f in enumerate(facts)}
        declared = []
        for m, (whose, kind, target, new) in enumerate(self.migrations):
            if whose == i and views[m] != "gone":
                new_size = (new or 1) if kind == "Resize" else None
                declared.append(
                    migration(MoveType(kind), name(target), name=f"m{m}", new=new_size, outcome=OUTCOMES[views[m]])
                )
        told = self._value(replace(real, status=next_status(real, evidence, declared)), value)
        assert told == expected, f"i{i} {value} seeing {facts} and {views}: {told}, the model says {expected}"
        return expected

    def _ask_completes(
        self, m: int, outcome: str, pinned: bool, i: int, value: Value | None, facts: tuple[Fact, ...]
    ) -> bool:
        expected = rules.completes(m, outcome, pinned, value, facts)
        _, kind, target, new = self.migrations[m]
        declared = migration(
            MoveType(kind), name(target), name=f"m{m}", new=(new or 1) if kind == "Resize" else None,
            outcome=OUTCOMES[outcome or "open"], pinned=f"u{self.uuids[i]}" if pinned else "",
        )  # fmt: skip
        evidence = {name(n): self._evidence(i, f, silent=False) for n, f in enumerate(facts)}
        real = None if value is None else self.instance(i, value)
        said = findings(declared, real, evidence, frozenset(evidence))
        told = said[1].status is Status.TRUE
        assert told == expected, f"m{m} {outcome} of {value} seeing {facts}: {told}, the model says {expected}"
        return expected
