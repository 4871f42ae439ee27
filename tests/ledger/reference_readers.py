"""Of what a reader saw, all that the decision before it may depend on; the rest is made equal: fewer states."""

from typing import Any

from tests.ledger.reference_model import ELSEWHERE, Fact, Move, Value, wants
from tests.ledger.reference_world import Config

BLANK = Fact()


def said(migrations: tuple[Any, ...], value: Value, m: int) -> frozenset[str]:
    """A decision on this value looks only at its own move's Migration, without a move only for open ones."""
    view = migrations[m]
    said = "gone" if not isinstance(view, tuple) or view[1] else view[0] or "open"
    if value.move is None:
        return frozenset(("open" if said == "open" and value.home >= 0 else "gone",))
    return frozenset((said if value.move.m == m else "gone",))


def view(config: Config, n: int, i: int, v: Value | int) -> Value | None:
    """What n's ledger may depend on; all else is made equal."""
    if not isinstance(v, Value):
        return None
    wanted = wants(v, n)
    if not wanted and config.uuids.count(config.uuids[i]) == 1:
        return None
    home = v.home if v.home in (-1, n) else ELSEWHERE
    spec = v.spec if v.spec == n else ELSEWHERE
    move = v.move if v.move and ("I" in wanted or "V" in wanted) else None
    size, asked, gen = (v.size, v.asked, v.gen) if "R" in wanted else (1, 1, 0)
    return Value(spec, home, size, asked if home < 0 else size, move, gen if home < 0 else 0)


def project(config: Config, i: int, v: Value, n: int, fact: Fact) -> Fact:
    """What a decision on this value may depend on; all else is made equal: fewer states, the same behaviour."""
    move = v.move
    home = v.spec if v.home < 0 else v.home
    if move is None:
        return project_idle(config, i, v, n, fact)
    if move.phase == "E":
        stays = [x for x in fact.claims if x[0] in ("IV" if n == home else "IRV")]
        kept = tuple((x[0], True, 0, 1) for x in stays[:1]) if n in (home, move.source, move.target) else ()
        return BLANK._replace(claims=kept)
    if move.phase == "M":
        return BLANK
    return project_moving(move, n, fact)


def project_idle(config: Config, i: int, v: Value, n: int, fact: Fact) -> Fact:
    home = v.spec if v.home < 0 else v.home
    listed = BLANK._replace(sight=fact.sight)
    if n == home and v.home < 0:
        mine = tuple(x for x in fact.claims if x[0] == "R" and x[1] and x[2] == v.gen)
        return listed._replace(claims=mine)
    if n == home:
        return listed._replace(current=fact.current and fact.nothing(), claims=fact.claims[:1] and (("L", True, 0, 1),))
    is_target = any(i == whose and target == n for whose, _, target, _ in config.migrations)
    settled = fact.settled and fact.sight > 0
    has_ledger = fact.has_ledger or not is_target
    return BLANK._replace(has_ledger=has_ledger, settled=settled, sight=fact.sight if settled else 0)


def project_moving(move: Move, n: int, fact: Fact) -> Fact:
    kept = BLANK
    if n == move.source and move.kind in ("Live", "Observed"):
        kept = kept._replace(sight=fact.sight)
    if n == move.target:
        alone = move.kind == "Observed" and not fact.nothing()
        same = move.source == move.target
        kept = kept._replace(
            fresh=fact.fresh, size=fact.size if same and fact.fresh is not None else 0,
            claims=(("L", True, 0, 1),) if alone else (),
        )  # fmt: skip
    return kept
