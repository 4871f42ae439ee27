"""The rules of an Instance's status once more, restated from the design. Shares no code with hypertally.ledger."""

from collections.abc import Sequence

from tests.ledger.reference_model import DEFINED, NEW, RUNNING, Books, Claim, Declared, Fact, Move, Value


def fact(i: int, books: Books | str | None, report: Sequence[int], uuids: Sequence[int], *, current: bool) -> Fact:
    """Of Instance i, as read with a Lease that is up to date."""
    if books is None:
        return Fact(has_ledger=False)
    listed = report[uuids[i]]
    mine = [c for c in books if isinstance(c, Claim) and uuids[c.inst] == uuids[i]]
    proven = any(c.role == "I" and c.inst == i and c.mark == 2 for c in mine)
    return Fact(
        has_ledger=books != NEW,
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
        if whose == i and views[m] == "open" and value.home >= 0 and leads and facts[target].has_ledger:
            return value._replace(move=Move(m, kind, value.home, target, value.size, new or value.size, "A"))
    for n, there in enumerate(facts):
        can_be_followed_to = n != home and there.has_ledger and there.settled and n not in silent
        if can_be_followed_to and better(there.sight, facts[home], silent=home in silent):
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
