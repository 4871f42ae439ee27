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

    has_ledger: bool = True
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
