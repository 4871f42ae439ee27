"""The rules restated, in every state that small worlds reach: the code decides as they do, and what must hold holds.

Stale reads, crashes, reports that lag, deleted Instances, Migrations and node objects are all in it. Wider bounds run
with HYPERTALLY_EXHAUSTIVE=1.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from hypertally.ledger import proof, transitions
from tests.ledger.bounds import EXHAUSTIVE
from tests.ledger.reference_checks import Checks
from tests.ledger.reference_explore import Broken, Check, explore
from tests.ledger.reference_model import Books
from tests.ledger.reference_search import Search
from tests.ledger.reference_world import Config

LIMIT = 5_000_000 if EXHAUSTIVE else 60_000
ONE, LARGE = ((0, 1, 0),), ((0, 2, 0),)
TWO = ((0, 1, 0), (1, 2, 1))
LIVE, EVACUATION = ((0, "Live", 1, 0),), ((0, "Evacuation", 1, 0),)
COLD, RESIZE, SHRINK = ((0, "Cold", 1, 0),), ((0, "Resize", 1, 2),), ((0, "Resize", 1, 1),)
ANOTHER: dict[str, Any] = {"create": (1,), "lite": (1,)}
"""A second Instance that takes the room which is free."""

ALL = ("room_state", "listed", "truth", "granted", "double", "quiet")
BUT_DOUBLE = tuple(name for name in ALL if name != "double")
"""Claims added from a cache may stand on two nodes for a moment."""
UNDECLARED = ("room_state", "listed", "quiet")

Case = tuple[str, Config, Sequence[str], Sequence[int]]

CASES: list[Case] = [
    ("live", Config(ONE, LIVE), ALL, [0]),
    ("live, caches as old as they like", Config(ONE, LIVE, stale=True, lag=False), BUT_DOUBLE, [0]),
    ("cold, reverted", Config(ONE, COLD, outcomes="R", delete_migrations=False, lag=False), ALL, [0]),
    ("resize, confirmed", Config(ONE, RESIZE, outcomes="C", delete_migrations=False, lag=False), ALL, [0]),
    ("larger on one node", Config(((0, 1, 0), (1, 1, 0)), ((0, "Resize", 0, 2),), (4,), **ANOTHER), ALL, [0]),
    ("smaller on one node", Config(LARGE, ((0, "Resize", 0, 1),), (4,)), ALL, [0]),
    ("evacuation of a host that stays dead", Config(ONE, EVACUATION, dead=(0,)), (*ALL, "quiet_with_dead"), [0]),
    (
        "two Migrations of one Instance",
        Config(ONE, (*LIVE, *EVACUATION), (1, 1), outcomes="", delete_migrations=False, lag=False),
        ALL,
        [0],
    ),
    ("a first claim", Config(TWO, rooms=(1, 2), create=(0, 1), delete=(0, 1), guests=(0,)), ALL, []),
    (
        "a first claim, caches as old as they like",
        Config(TWO, rooms=(1, 2), create=(0, 1), delete=(0,), guests=(0,), stale=True),
        BUT_DOUBLE,
        [],
    ),
    ("bound anew", Config(ONE, create=(0,), delete=(0,), rebind=(0, 1), guests=(0,)), BUT_DOUBLE, []),
    (
        "created anew on its node",
        Config((*LARGE, *LARGE), rooms=(2,), create=(1,), delete=(0, 1), guests=(0, 1)),
        ALL,
        [0],
    ),
    (
        "created anew on another node",
        Config(((0, 2, 0), (0, 2, 1)), create=(1,), delete=(0, 1), guests=(0, 1)),
        UNDECLARED,
        [0],
    ),
    (
        "two Instances with one uuid",
        Config(((0, 1, 0), (0, 1, 1)), create=(0, 1), delete=(0, 1), together=True, lag=False),
        UNDECLARED,
        [],
    ),
    (
        "a node object deleted",
        Config(((0, 2, 0), (1, 2, 0)), rooms=(2,), create=(1,), drop=(0,)),
        ("listed", "granted", "quiet"),
        [0],
    ),
    (
        "a node object deleted during a live move",
        Config(ONE, LIVE, outcomes="", delete_migrations=False, drop=(0,), lag=False),
        ("listed", "quiet"),
        [0],
    ),
    ("guests that run anywhere", Config(ONE, wild=(0,), wild_states=(2,), lag=False), UNDECLARED, [0]),
]

WIDER: list[Case] = [
    ("live beside another", Config(TWO, LIVE, **ANOTHER), ALL, [0]),
    ("live, deleted", Config(ONE, LIVE, delete=(0,)), ALL, [0]),
    ("live, may stay paused", Config(ONE, LIVE, may_stay_paused=True), ALL, [0]),
    ("cold", Config(ONE, COLD), ALL, [0]),
    ("cold, deleted", Config(ONE, COLD, delete=(0,), lag=False), ALL, [0]),
    ("larger", Config(ONE, RESIZE), ALL, [0]),
    ("smaller", Config(LARGE, SHRINK), ALL, [0]),
    ("evacuation, deleted", Config(ONE, EVACUATION, dead=(0,), delete=(0,)), (*ALL, "quiet_with_dead"), [0]),
    (
        "two Instances with one uuid, and their guests",
        Config(((0, 1, 0), (0, 1, 1)), create=(0, 1), delete=(0, 1), together=True, guests=(0,)),
        UNDECLARED,
        [],
    ),
    ("guests that are anything anywhere", Config(ONE, create=(0,), wild=(0,), lag=False), UNDECLARED, []),
    (
        "guests that run anywhere, hosts that fall silent",
        Config(ONE, create=(0,), delete=(0,), wild=(0,), wild_states=(2,), dead=(0,)),
        UNDECLARED,
        [],
    ),
    ("three nodes", Config(ONE, (*LIVE, (0, "Live", 2, 0)), (2, 2, 2), "R", delete_migrations=False), ALL, [0]),
    (
        "node objects deleted during a cold move",
        Config(ONE, COLD, drop=(0, 1), lag=False, delete_migrations=False),
        ("listed", "quiet"),
        [0],
    ),
]


def run(config: Config, names: Sequence[str], settled: Sequence[int], search: Search | None = None) -> int:
    search = search or Search(config)
    checks = Checks(search)
    on_states: list[Check] = [getattr(checks, name) for name in names]
    return explore(search, search.start(*settled), on_states, [checks.room], LIMIT)


@pytest.mark.parametrize(("config", "names", "settled"), [pytest.param(*case, id=name) for name, *case in CASES])
def test_the_code_decides_as_the_rules_do_and_what_must_hold_holds(
    config: Config, names: Sequence[str], settled: Sequence[int]
) -> None:
    assert run(config, names, settled) > 1


if EXHAUSTIVE:  # not a skip: these bounds are not part of a run

    @pytest.mark.timeout(0)
    @pytest.mark.parametrize(("config", "names", "settled"), [pytest.param(*case, id=name) for name, *case in WIDER])
    def test_the_same_holds_in_wider_bounds(config: Config, names: Sequence[str], settled: Sequence[int]) -> None:
        assert run(config, names, settled) > 1


class TestTheSearchItself:
    """It must be able to fail: each rule that is taken away is missed."""

    def test_misses_the_audit_that_began_after_the_claim(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proof, "AUDITS_BEGUN_LATER", 1)
        with pytest.raises(AssertionError, match="the model says"):
            run(Config(ONE, LIVE), ALL, [0])

    def test_misses_a_role_that_is_not_changed_in_one_write(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transitions, "_change_roles", lambda *_: None)
        with pytest.raises(AssertionError, match="the model says"):
            run(Config(ONE, LIVE), ALL, [0])

    def test_misses_the_live_reads_before_a_charge_is_lowered(self) -> None:
        class Trusting(Search):
            def _decide(self, *asked: Any) -> Books:
                n, books, report, cached, _, lag = asked
                return super()._decide(n, books, report, cached, cached, lag)

        config = Config(ONE, LIVE, stale=True)
        with pytest.raises(Broken, match=r"really has|is granted"):
            run(config, ALL, [0], Trusting(config))
