"""Small worlds around the reference model: users, whoever moves guests, agents that lag, guests that come and go.

A state is a value. Every way in which one thing may happen next is a `Step`: a label, and what changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.ledger.reference_model import DEFINED, GONE, RUNNING, Books, Claim, Declared, Move, Value
from tests.ledger.reference_mover import Moving

Rows = tuple[tuple[int, ...], ...]


class Ghost(NamedTuple):
    """What a mover knows, whatever the API says: from where, the old size, and that it was told `Claimed`."""

    source: int
    old: int
    told: bool


class State(NamedTuple):
    """`real`, `report`, `looking` by node and guest; `current`: the ledger has seen the report; `age`: audits published
    since the ledger or the report was written. `seen_*`: what a reader may hold (see reference_search)."""

    real: Rows
    report: Rows
    looking: tuple[tuple[int, ...] | None, ...]
    books: tuple[Books | str | None, ...]
    current: tuple[bool, ...]
    age: tuple[int, ...]
    instances: tuple[Value | int, ...]
    """0: not created yet, -1: deleted."""
    migrations: tuple[tuple[str, bool] | int, ...]
    """(outcome or "", completed); 0 and -1 as above."""
    ghosts: tuple[Ghost | None, ...]
    strayed: bool = False
    """A move that nobody declared was followed: what was granted is no longer where it was."""
    seen_by_nodes: Any = None
    seen_by_instances: Any = None
    caches: Any = None


class Step(NamedTuple):
    label: str
    real: tuple[tuple[int, int, int], ...] = ()
    """(node, guest, what it becomes)."""
    instance: tuple[int, Value | int] | None = None
    migration: tuple[int, tuple[str, bool] | int] | None = None
    books: tuple[int, Books] | None = None
    begin: int | None = None
    publish: int | None = None
    drop: int | None = None


@dataclass(frozen=True)
class Config:
    """`instances`: (uuid, size, bound node) of each; those in `lite` only ever take room. Instances in `guests` are
    started and deleted by their owner; uuids in `wild` become anything anywhere. `dead` nodes may be silent."""

    instances: tuple[tuple[int, int, int], ...]
    migrations: tuple[Declared, ...] = ()
    rooms: tuple[int, ...] = (2, 2)
    outcomes: str = "CR"
    create: tuple[int, ...] = ()
    delete: tuple[int, ...] = ()
    delete_migrations: bool = True
    guests: tuple[int, ...] = ()
    rebind: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()
    wild: tuple[int, ...] = ()
    wild_states: tuple[int, ...] = (DEFINED, RUNNING)
    may_stay_paused: bool = False
    lag: bool = True
    lite: tuple[int, ...] = ()
    dead: tuple[int, ...] = ()
    stale: bool = False
    """Claims are added from caches as old as they like."""
    together: bool = False
    """An Instance may be created beside an older one with its uuid."""

    @property
    def uuids(self) -> tuple[int, ...]:
        return tuple(u for u, _, _ in self.instances)


def put(row: tuple[Any, ...], k: int, value: Any) -> tuple[Any, ...]:
    return (*row[:k], value, *row[k + 1 :])


def exists(value: Value | int) -> bool:
    return isinstance(value, Value)


@dataclass
class Environment:
    """All that is not the controller. Movers keep their word: they move only what `Claimed` allowed."""

    config: Config
    nodes: range = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = range(len(self.config.rooms))

    def steps(self, s: State) -> Iterator[Step]:
        for i in range(len(s.instances)):
            yield from self._user(s, i)
            yield from self._owner(s, i)
        for m in range(len(s.migrations)):
            yield from self._migration(s, m)
            if not self.config.wild:
                yield from self._mover(s, m)
        for n in self.nodes:
            yield from self._agent(s, n)
            if n in self.config.drop and s.books[n] is not GONE:
                yield Step(f"the operator deletes ComputeNode n{n}", drop=n)

    def _user(self, s: State, i: int) -> Iterator[Step]:
        c, value = self.config, s.instances[i]
        uuid, size, spec = c.instances[i]
        older = [j for j in range(i) if c.instances[j][0] == uuid]
        if value == 0 and i in c.create and (c.together or all(s.instances[j] == -1 for j in older)):
            yield Step(f"a user creates i{i} bound to n{spec}", instance=(i, Value(spec, -1, size, size)))
        if not isinstance(value, Value):
            return
        if i in c.delete:
            yield Step(f"a user deletes i{i}", instance=(i, -1))
        for n in c.rebind if value.home < 0 and value.gen < 2 and i == 0 else ():
            if n != value.spec:
                yield Step(f"a user re-binds i{i} to n{n}", instance=(i, value._replace(spec=n, gen=value.gen + 1)))

    def _owner(self, s: State, i: int) -> Iterator[Step]:
        c, value = self.config, s.instances[i]
        u = c.instances[i][0]
        first = u not in [c.instances[j][0] for j in range(i)]
        where = [n for n in self.nodes if s.real[n][u]]
        if i in c.guests and isinstance(value, Value) and not where and not value.move and value.home >= 0:
            yield Step(f"the owner starts u{u} on n{value.home}", real=((value.home, u, value.size * 4 + RUNNING),))
        if i in c.guests and first:
            for n in where:
                yield Step(f"u{u} on n{n} is deleted by hand", real=((n, u, 0),))
        if u in c.wild and first:
            for n in self.nodes:
                for state in (0, *c.wild_states):
                    becomes = c.instances[i][1] * 4 + state if state else 0
                    if becomes != s.real[n][u]:
                        yield Step(f"outside: u{u} on n{n} becomes {becomes & 3}", real=((n, u, becomes),))

    def _migration(self, s: State, m: int) -> Iterator[Step]:
        c, view = self.config, s.migrations[m]
        i = c.migrations[m][0]
        if view == 0 and exists(s.instances[i]) and (m == 0 or s.migrations[m - 1] != 0):
            yield Step(f"a user creates Migration {m}", migration=(m, ("", False)))
        if not isinstance(view, tuple):
            return
        if c.delete_migrations:
            yield Step(f"a user deletes Migration {m}", migration=(m, -1))
        for outcome in c.outcomes if view == ("", False) else "":
            if self._may_decide(s, m, outcome):
                yield Step(f"the mover decides {outcome} on Migration {m}", migration=(m, (outcome, False)))

    def _may_decide(self, s: State, m: int, outcome: str) -> bool:
        """Confirmed only when the guest has arrived; a live move that has switched is not cancelled."""
        i, kind, target, new = self.config.migrations[m]
        ghost = s.ghosts[m]
        there = s.real[target][self.config.uuids[i]]
        if outcome == "C":
            if kind in ("Live", "Evacuation") or ghost is None or not ghost.told:
                return False
            arrived = there >> 2 == new if kind == "Resize" and target == ghost.source else there != 0
            return bool(self.config.wild) or arrived
        if self.config.wild:
            return True
        if kind == "Live":
            here = s.real[ghost.source][self.config.uuids[i]] if ghost else 1
            return there & 3 != RUNNING and (not there or here != 0)
        return kind != "Evacuation" or there == 0

    def _mover(self, s: State, m: int) -> Iterator[Step]:
        view, ghost = s.migrations[m], s.ghosts[m]
        i, kind, target, new = self.config.migrations[m]
        if view == 0 or ghost is None or (isinstance(view, tuple) and view[1]):
            return
        u = self.config.uuids[i]
        here = s.real[ghost.source][u]
        outcome = view[0] if isinstance(view, tuple) else "gone"
        if not exists(s.instances[i]) and outcome in ("", "R"):
            outcome = "nothing more"  # the Instance is gone: the mover only tidies up
        moving = Moving(
            u, ghost.source, target, here, s.real[target][u], old=here >> 2 or ghost.old, before=ghost.old, new=new,
            outcome=outcome, told=ghost.told, may_stay_paused=self.config.may_stay_paused,
        )  # fmt: skip
        for text, changes in moving.steps(kind):
            yield Step(f"the mover of Migration {m}: {text}", real=changes)

    def _agent(self, s: State, n: int) -> Iterator[Step]:
        if s.looking[n] is not None:
            yield Step(f"the agent of n{n} publishes", publish=n)
        elif s.books[n] is GONE or s.real[n] != s.report[n] or asked(s.books[n]):
            begun = Step(f"the agent of n{n} looks", begin=n)
            yield begun if self.config.lag or s.books[n] is GONE else begun._replace(publish=n)


def asked(books: Books | str | None) -> bool:
    """An audit would prove something."""
    return any(isinstance(c, Claim) and c.role in "IL" and 0 <= c.mark < 2 for c in books or ())


def lock(s: State, m: int, i: int) -> Move | None:
    value = s.instances[i]
    return value.move if isinstance(value, Value) and value.move and value.move.m == m else None
