"""The ledger's rules once more, restated from the design on small numbers. Shares no code with hypertally.ledger.

A guest as listed is 0 (not at all) or size * 4 + state, state 1 defined or paused, 2 running. A node's books are GONE
(no object), NEW (an object without a ledger) or a sorted tuple of claims. Instances and Migrations are known by their
place in the configuration; the older of two Instances with one uuid comes first.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

GONE, NEW = None, "new"
DEFINED, RUNNING = 1, 2
ELSEWHERE = 9
STAY = "IRV"


class Claim(NamedTuple):
    """Role I, L, R or V. `forced`: taken without room. `mark`: of R the generation (0 with a home); of I and L
    the audits published since it was stamped, at most 2, or -1 unstamped."""

    inst: int
    role: str
    size: int
    mark: int = 0
    forced: bool = False


class Move(NamedTuple):
    """`m` is the Migration, -1 where nobody declared it; phase A (accepted), M (moved) or E (ended)."""

    m: int
    kind: str
    source: int
    target: int
    old: int
    new: int
    phase: str


class Value(NamedTuple):
    """An Instance. `size` is what is granted, `asked` its spec's; `gen` the generation of its binding."""

    spec: int
    home: int
    size: int
    asked: int
    move: Move | None = None
    gen: int = 0


class Fact(NamedTuple):
    """What one node shows of one Instance's guest. `claims`: (role, its own, generation, size)."""

    exists: bool = True
    current: bool = False
    claims: tuple[tuple[str, bool, int, int], ...] = ()
    sight: int = 0
    settled: bool = False
    fresh: int | None = None
    size: int = 0

    def stays(self) -> bool:
        return any(c[0] in STAY for c in self.claims)

    def has(self, roles: str) -> bool:
        return any(c[0] in roles for c in self.claims)

    def nothing(self) -> bool:
        return not self.claims and self.sight == 0


Books = tuple[Claim, ...]
Declared = tuple[int, str, int, int]
"""A Migration: of which Instance, type, target, new size or 0."""
Owners = Mapping[int, tuple[int, Value]]
"""By uuid: which Instance stands for the guest, and its value."""


def wants(value: Value, n: int) -> dict[str, tuple[int, int | None]]:
    """Role: (size, generation of the binding or None)."""
    out: dict[str, tuple[int, int | None]] = {}
    move = value.move
    if (value.spec if value.home < 0 else value.home) == n:
        out["R"] = (value.size, value.gen if value.home < 0 else None)
    if move and (move.phase, move.target) == ("A", n):
        out["I"] = (max(move.old, move.new), None)
    if move and (move.phase, move.source) == ("M", n):
        out["V"] = (move.old, None)
    return out


def charges(books: Books, report: Sequence[int], uuids: Sequence[int]) -> list[int]:
    """By uuid: max(what stays added up, what leaves, what is listed)."""
    out = []
    for u, listed in enumerate(report):
        mine = [c for c in books if uuids[c.inst] == u]
        stay = sum(c.size for c in mine if c.role in STAY and not c.forced)
        out.append(max([stay, listed >> 2, *(c.size for c in mine if c.role == "L")]))
    return out


def next_books(
    n: int, books: Books | str, report: Sequence[int], owners: Owners, *, room: int, uuids: Sequence[int], lag: int
) -> Books:
    """`lag`: how many audits were published after the Lease was read."""
    wanted = {u: wants(value, n) for u, (_, value) in owners.items()}
    if isinstance(books, str):
        granted = [(u, i) for u, (i, v) in owners.items() if v.home >= 0]
        return tuple(sorted(_new(i, r, w) for u, i in granted for r, w in wanted[u].items()))
    out: Books = ()
    for u in sorted({uuids[c.inst] for c in books}):
        mine = [c for c in books if uuids[c.inst] == u]
        out += _keep(mine, owners.get(u, (-1, None))[0], wanted.get(u, {}), listed=bool(report[u]), lag=lag)
    for u in sorted(owners, key=lambda u: (owners[u][1].home < 0, owners[u][0])):
        for role in "RIV":
            if role in wanted[u] and not any(c.role == role and uuids[c.inst] == u for c in out):
                out = _admit(out, _new(owners[u][0], role, wanted[u][role]), report, room, uuids)
    for c in sorted(out, key=lambda c: (uuids[c.inst], "ILVR".index(c.role))):
        relieved = (*(x for x in out if x != c), c._replace(forced=False))
        if c.forced and sum(charges(relieved, report, uuids)) <= room:
            out = relieved
    return tuple(sorted(out))


def _new(i: int, role: str, want: tuple[int, int | None], *, forced: bool = False) -> Claim:
    size, gen = want
    return Claim(i, role, size, -1 if role == "I" else gen or 0, forced)


def _admit(out: Books, claim: Claim, report: Sequence[int], room: int, uuids: Sequence[int]) -> Books:
    u = uuids[claim.inst]
    if sum(charges((*out, claim), report, uuids)) <= room:
        return (*out, claim)
    if report[u] and not any(uuids[c.inst] == u and c.role in STAY for c in out):
        return (*out, claim._replace(forced=True))
    return out


def _keep(
    mine: list[Claim], owner: int, want: Mapping[str, tuple[int, int | None]], *, listed: bool, lag: int
) -> Books:
    leaves = next((c for c in mine if c.role == "L"), None)
    kept = {c.role: c for c in mine if c.inst == owner and c.role in want and _is(c, *want[c.role])}
    loose = [c for c in mine if c.role != "L" and c not in kept.values()]
    _turn("V", "R", kept, loose, owner, want)
    _turn("R", "IVR", kept, loose, owner, want)
    stand = [_stamp(c, lag) if c in mine else c for c in kept.values() if listed or not c.forced or c.role == "V"]
    loose = [c for c in loose if not c.forced]
    if loose:
        size = max(c.size for c in (*loose, *([leaves] if leaves else [])))
        stand.append(Claim(min(loose, key=_role).inst, "L", size, -1))
    elif leaves and leaves.mark - lag < 2:
        stand.append(_stamp(leaves, lag))
    return tuple(stand)


def _is(claim: Claim, size: int, gen: int | None) -> bool:
    return claim.size == size and (claim.role != "R" or gen in (None, claim.mark))


def _turn(
    into: str,
    sources: str,
    kept: dict[str, Claim],
    loose: list[Claim],
    owner: int,
    want: Mapping[str, tuple[int, int | None]],
) -> None:
    """One claim takes another role: an arrived guest's may have been greater, every other is of the same size."""
    for source in sources if into in want and into not in kept else "":
        for c in loose:
            fits = c.size >= want[into][0] if source == "I" else c.size == want[into][0]
            if c.inst == owner and c.role == source and fits:
                loose.remove(c)
                kept[into] = _new(owner, into, want[into], forced=c.forced)
                return


def _role(claim: Claim) -> int:
    return "ILVR".index(claim.role)


def _stamp(claim: Claim, lag: int) -> Claim:
    return claim._replace(mark=lag) if claim.role in "IL" and claim.mark < 0 else claim


def lowered(old: Books | str | None, new: Books, uuids: Sequence[int]) -> set[int]:
    """Guests of which a claim that stood is changed or gone; a stamp, or room that was found, changes nothing."""

    def essence(c: Claim) -> tuple[object, ...]:
        return (c.inst, c.role, c.size, c.mark if c.role == "R" else 0)

    standing = {essence(c) for c in new}
    return {uuids[c.inst] for c in old or () if isinstance(c, Claim) and essence(c) not in standing}


def fact(i: int, books: Books | str | None, report: Sequence[int], uuids: Sequence[int], *, current: bool) -> Fact:
    """Of Instance i, as read with a Lease that is up to date."""
    if books is None:
        return Fact(exists=False)
    listed = report[uuids[i]]
    mine = [c for c in books if isinstance(c, Claim) and uuids[c.inst] == uuids[i]]
    proven = any(c.role == "I" and c.inst == i and c.mark == 2 for c in mine)
    return Fact(
        exists=True,
        current=current and books != NEW,
        claims=tuple(sorted((c.role, c.inst == i, c.mark if c.role == "R" else 0, c.size) for c in mine)),
        sight=listed & 3,
        settled=all(c.role == "L" and c.mark == 2 for c in mine),
        fresh=listed & 3 if proven else None,
        size=listed >> 2,
    )


def better(there: int, than: Fact, *, silent: bool) -> bool:
    return there > than.sight or (silent and there == RUNNING)


def is_clean(value: Value, move: Move, facts: Sequence[Fact]) -> bool:
    home = value.spec if value.home < 0 else value.home
    ends = {move.source, move.target} - {home}
    return not facts[home].has("IV") and not any(facts[n].stays() for n in ends)


def next_value(
    i: int,
    value: Value,
    facts: Sequence[Fact],
    views: Sequence[str],
    migrations: Sequence[Declared],
    silent: frozenset[int],
) -> Value:
    """`views`: of each Migration open, C, R or gone."""
    move = value.move
    if move is None:
        return _idle(i, value, facts, views, migrations, silent)
    if move.phase == "E":
        told = move.m < 0 or views[move.m] == "gone"
        return value._replace(move=None) if told and is_clean(value, move, facts) else value
    source, target = facts[move.source], facts[move.target]
    if move.kind == "Observed":
        return _watched(value, move, source, target, silent)
    return _declared(value, move, source, target, views[move.m])


def _declared(value: Value, move: Move, source: Fact, target: Fact, view: str) -> Value:
    there = value._replace(home=move.target, size=move.new)
    two = move.kind in ("Cold", "Resize")
    if view == "R":
        return _ended(value._replace(home=move.source, size=move.old), move)
    if view == "gone":
        return _ended(value, move)
    if view == "C" and two:
        return _ended(there if move.phase == "A" else value, move)
    if move.phase == "A" and _arrived(move, source, target):
        return there._replace(move=move._replace(phase="M")) if two else _ended(there, move)
    return value


def _idle(
    i: int,
    value: Value,
    facts: Sequence[Fact],
    views: Sequence[str],
    migrations: Sequence[Declared],
    silent: frozenset[int],
) -> Value:
    home = value.spec if value.home < 0 else value.home
    if value.home >= 0 and facts[home].current and facts[home].nothing():
        return value._replace(home=-1, size=value.asked)
    for role, own, gen, size in facts[value.spec].claims if value.home < 0 else ():
        if role == "R" and own and gen == value.gen:
            return value._replace(home=value.spec, size=size)
    for m, (whose, kind, target, new) in enumerate(migrations):
        leads = target != value.home or kind == "Resize"
        if whose == i and views[m] == "open" and value.home >= 0 and leads and facts[target].exists:
            return value._replace(move=Move(m, kind, value.home, target, value.size, new or value.size, "A"))
    for n, there in enumerate(facts):
        if n != home and there.settled and n not in silent and better(there.sight, facts[home], silent=home in silent):
            return value._replace(move=Move(-1, "Observed", home, n, value.size, value.size, "A"))
    return value


def _watched(value: Value, move: Move, source: Fact, target: Fact, silent: frozenset[int]) -> Value:
    if target.fresh is not None and better(target.fresh, source, silent=move.source in silent):
        return _ended(value._replace(home=move.target, size=move.new), move)
    if target.fresh is not None or target.nothing() or move.target in silent:
        return _ended(value, move)
    return value


def _arrived(move: Move, source: Fact, target: Fact) -> bool:
    if target.fresh is None:
        return False
    if move.source == move.target:
        return move.new != move.old and target.size == move.new
    if move.kind == "Live":
        return target.fresh == RUNNING or (target.fresh == DEFINED and source.sight == 0)
    return target.fresh > 0


def _ended(value: Value, move: Move) -> Value:
    return value._replace(move=move._replace(phase="E"))


def completes(m: int, outcome: str, pinned: bool, value: Value | None, facts: Sequence[Fact]) -> bool:
    """May a Migration that is not completed be said to be over?"""
    if value is None:
        return pinned or outcome != ""
    move = value.move
    if move is not None and move.m == m:
        return move.phase == "E" and is_clean(value, move, facts)
    return outcome != ""
