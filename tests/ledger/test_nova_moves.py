"""Nova's accounting table of a move (type x status x location), its 24 rows: what source and target are charged here.

A row's name says where Nova's own audit charges something else. Old size 1, new size 2 unless told.
"""

from collections.abc import Callable

import pytest

from hypertally.api.instance import MoveType
from hypertally.api.migration import Outcome
from tests.ledger.scene import CRASHED, PAUSED, SHUTOFF, Scene

LIVE, COLD, RESIZE, EVACUATION = MoveType.LIVE, MoveType.COLD, MoveType.RESIZE, MoveType.EVACUATION
CONFIRMED, REVERTED, CANCELLED = Outcome.CONFIRMED, Outcome.REVERTED, Outcome.CANCELLED

Rows = list[tuple[str, Callable[[], Scene], tuple[int, int]]]


def resize(scene: Scene | None = None) -> Scene:
    return (scene or Scene()).declare(RESIZE, 2)


def copied() -> Scene:
    """The guest is stopped at the source and defined at the target, which no report tells yet."""
    return resize().put("n0", 1, SHUTOFF).put("n1", 1, SHUTOFF)


def finished() -> Scene:
    return resize().put("n0", 1, SHUTOFF).put("n1", 2).prove()


def live() -> Scene:
    return Scene().declare(LIVE)


def switched() -> Scene:
    return live().put("n0", 1, PAUSED).put("n1", 1).prove()


def evacuation() -> Scene:
    return Scene().kill("n0").declare(EVACUATION)


def evacuated() -> Scene:
    return evacuation().put("n1", 1).prove()


RESIZES: Rows = [
    ("1 resize, preparing", resize, (1, 2)),
    ("2 resize, copying", lambda: resize().put("n0", 1, SHUTOFF).prove(), (1, 2)),
    ("3 resize, arrived with its old size; Nova charges the target too little", lambda: copied().audit("n1"), (1, 2)),
    ("3 the same once it is proven", lambda: copied().prove(), (1, 2)),
    ("4 resize, arrived with its new size", lambda: resize().put("n1", 2, SHUTOFF).prove(), (1, 2)),
    ("5 resize, finished and waiting for its outcome", finished, (1, 2)),
    (
        "6 confirming, the source not looked at; Nova may charge it nothing",
        lambda: finished().decide(CONFIRMED),
        (1, 2),
    ),
    ("7 confirmed", lambda: finished().decide(CONFIRMED).lose("n0").prove(), (0, 2)),
    ("8 reverting", lambda: finished().decide(REVERTED), (1, 2)),
    (
        "9 reverted, the target not looked at; Nova charges the source nothing",
        lambda: finished().decide(REVERTED).lose("n1").put("n0", 1),
        (1, 2),
    ),
    ("10 after the revert", lambda: finished().decide(REVERTED).lose("n1").put("n0", 1).prove(), (1, 0)),
]

COLD_MOVES: Rows = [
    ("13 cold, before it arrived", lambda: Scene().declare(COLD), (1, 1)),
    ("13 cold, arrived", lambda: Scene().declare(COLD).put("n0", 1, SHUTOFF).put("n1", 1, SHUTOFF).prove(), (1, 1)),
    ("13 cold, confirmed", lambda: Scene().declare(COLD).lose("n0").put("n1", 1).decide(CONFIRMED).prove(), (0, 1)),
    ("13 cold, reverted", lambda: Scene().declare(COLD).decide(REVERTED).prove(), (1, 0)),
]

LIVE_MOVES: Rows = [
    ("14 live, accepted; Nova charges the target at its next audit only", live, (1, 1)),
    ("14 live, running", lambda: live().put("n1", 1, PAUSED).prove(), (1, 1)),
    ("14 live, after the switch (post-copy)", switched, (1, 1)),
    ("15 live, completed", lambda: switched().lose("n0").prove(), (0, 1)),
    ("16 live, cancelled, the target not looked at", lambda: live().put("n1", 1, PAUSED).decide(CANCELLED), (1, 1)),
    ("16 live, cancelled", lambda: live().decide(CANCELLED).prove(), (1, 0)),
    (
        "17 live, failed without an outcome; Nova forgets the target",
        lambda: live().put("n0", 1, CRASHED).prove(),
        (1, 1),
    ),
]

EVACUATIONS: Rows = [
    ("18 evacuation, accepted; Nova charges nobody", evacuation, (1, 1)),
    ("19 evacuation, being rebuilt", lambda: evacuation().put("n1", 1, SHUTOFF).audit("n1"), (1, 1)),
    ("20 evacuation of a guest in error; Nova charges the target nothing", lambda: evacuation().prove(), (1, 1)),
    ("21 evacuation, done, the source still down", evacuated, (1, 1)),
]

ERRORS: Rows = [
    ("23 error of a guest that did not arrive; Nova forgets the other side", lambda: resize().prove(), (1, 2)),
    ("24 error of a guest that arrived", lambda: finished().put("n1", 2, CRASHED).prove(), (1, 2)),
]


@pytest.mark.parametrize(
    ("scene", "charged"),
    [pytest.param(*row, id=name) for name, *row in RESIZES + COLD_MOVES + LIVE_MOVES + EVACUATIONS + ERRORS],
)
def test_source_and_target_are_charged(scene: Callable[[], Scene], charged: tuple[int, int]) -> None:
    assert scene().both() == charged


def test_11_a_resize_on_one_host_is_charged_both_sizes_before_the_switch() -> None:
    assert Scene().declare(RESIZE, 2, "n0").charged("n0").vcpus == 3


def test_12_a_resize_on_one_host_is_charged_both_sizes_after_the_switch() -> None:
    scene = Scene().declare(RESIZE, 2, "n0").put("n0", 2).prove()
    assert scene.charged("n0").vcpus == 3
    assert scene.world.instances["a"].status.resources == scene.world.instances["a"].status.move.new_resources  # type: ignore[union-attr]


def test_22_the_source_of_an_evacuation_is_charged_until_its_host_is_back_and_clean() -> None:
    scene = evacuated()
    scene.world.hosts["n0"].alive = True
    assert scene.prove().both() == (1, 1), "its leftover is still listed"
    assert scene.lose("n0").prove().both() == (0, 1)


def test_in_every_row_the_instance_is_accounted_on_one_host_only() -> None:
    for _, made, _ in RESIZES + COLD_MOVES + LIVE_MOVES + EVACUATIONS + ERRORS:
        scene = made()
        running = [host for host in ("n0", "n1") if "Running" in scene.roles(host)]
        assert running == [scene.home]


@pytest.mark.parametrize(("new", "expected"), [(1, (2, 2)), (4, (2, 4))], ids=["a smaller size", "a larger size"])
def test_incoming_is_charged_the_greater_of_both_sizes(new: int, expected: tuple[int, int]) -> None:
    assert Scene(old=2).declare(RESIZE, new).both() == expected
