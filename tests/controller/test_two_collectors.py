"""Two that delete records at once, each of which counts what the other one deletes: together no more than one may."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path

import pytest

from devcluster import CONTROLLER, Cluster, wait_until
from hypertally.ledger.collection import Guard
from tests.conftest import running_cluster
from tests.controller.conftest import DEPLOY
from tests.support.fleet import Fleet, Host, controller, find_condition
from tests.support.samples import fresh_name

INTERVAL = 2.0
SHORTEST, LONGEST = 0.9 * INTERVAL, 1.1 * INTERVAL
"""Seconds between two passes of one controller."""
FLAGS = ("--agent-grace=2", f"--collect-interval={INTERVAL:g}", "--keep-vanished=1")
LOST = 6
SECONDS = 90.0
MOMENT = 0.4
"""Of two passes at the very same moment neither has heard of the other: so long take the reads before a deletion, and
the word of it."""
SLACK = INTERVAL / 2
PASSES = 4
LATE = 2
"""Records that may go because a loaded machine let the other one, which is this test, do nothing for a while."""
PAUSE_SECONDS = 0.25


@contextmanager
def running(number: int, folder: Path) -> Iterator[Fleet]:
    with running_cluster("collectors") as cluster, ExitStack() as ending:
        cluster.apply(DEPLOY)
        for log in (folder / f"log-{each}" for each in range(number)):
            ending.enter_context(controller(cluster.kubeconfig_for("controller"), log, *FLAGS))
        yield Fleet(cluster)


@pytest.fixture
def together(tmp_path: Path) -> Iterator[Fleet]:
    with running(2, tmp_path) as fleet:
        yield fleet


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Fleet]:
    with running(1, tmp_path) as fleet:
        yield fleet


def deleted_at(cluster: Cluster) -> list[float]:
    """When the API server was asked for each deletion that it carried out: who looks for what is gone may look late."""
    asked = cluster.audit_log.requests(user=CONTROLLER, verbs=["delete"], resource="computenodes")
    return sorted(request.received for request in asked if request.code == HTTPStatus.OK)


def test_two_controllers_that_both_work_delete_no_more_in_a_pass_than_one(together: Fleet) -> None:
    for _ in range(LOST):
        together.host("lost")
    wait_until(lambda: not together.nodes.select(""), seconds=SECONDS, what="all records to be collected")
    times = deleted_at(together.cluster)
    assert len(times) == LOST
    gaps = [after - before for before, after in pairwise(times)]
    passed = sum(SHORTEST if gap < MOMENT else gap for gap in gaps)
    assert passed > len(gaps) * SHORTEST - SLACK, f"{LOST} went, one after the other, within {gaps}"


def test_what_another_one_deletes_in_each_pass_leaves_nothing_to_this_one(alone: Fleet) -> None:
    lost = {alone.host("lost").name for _ in range(LOST)}

    def left() -> set[str]:
        return lost & alone.nodes.select("")

    def delete_another() -> None:
        other = Host(alone, fresh_name("other"), {})
        other.register()
        alone.nodes.delete(other.name)

    def only_the_limit_keeps_them() -> bool:
        delete_another()
        nodes = [node for node in alone.nodes.every() if node["metadata"]["name"] in lost]
        return all(find_condition(node, "Vanished").get("reason") == Guard.FLEET_LIMIT for node in nodes)

    wait_until(only_the_limit_keeps_them, seconds=SECONDS, what="the records to be kept by nothing but the limit")
    for _ in range(round(PASSES * LONGEST / PAUSE_SECONDS)):
        delete_another()
        time.sleep(PAUSE_SECONDS)
    still = left()
    assert len(lost - still) <= LATE
    wait_until(lambda: left() != still, seconds=SECONDS, what="a record to go, now that nobody else deletes any")
