"""Two controllers that both work, each of which would collect records: together no more than one alone may."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devcluster import wait_until
from tests.conftest import running_cluster
from tests.controller.conftest import DEPLOY
from tests.support.fleet import Fleet, controller

INTERVAL = 2.0
FLAGS = ("--agent-grace=2", f"--collect-interval={INTERVAL:g}", "--keep-vanished=1")
LOST = 6
COINCIDENCE = 1
"""Of two passes at the very same moment neither has heard of the other."""


@pytest.fixture
def together(tmp_path: Path) -> Iterator[Fleet]:
    with running_cluster("collectors") as cluster, ExitStack() as ending:
        cluster.apply(DEPLOY)
        for number in range(2):
            log = tmp_path / f"log-{number}"
            ending.enter_context(controller(cluster.kubeconfig_for("controller"), log, *FLAGS))
        yield Fleet(cluster)


def test_two_controllers_that_both_work_delete_no_more_in_a_pass_than_one(together: Fleet) -> None:
    for _ in range(LOST):
        together.host("lost")
    gone: list[float] = []

    def are_gone() -> bool:
        gone.extend([time.monotonic()] * (LOST - len(gone) - len(together.nodes.select(""))))
        return len(gone) == LOST

    wait_until(are_gone, seconds=90.0, what="all records to be collected")
    taken = gone[-1] - gone[0]
    assert taken > (LOST - 1 - COINCIDENCE) * 0.9 * INTERVAL - INTERVAL / 2, f"{LOST} went within {taken:.1f} s"
