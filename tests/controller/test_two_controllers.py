"""Two controllers at once, each behind faults of its own and killed now and then, while users, movers, strangers and
agents do what they like: every version that the API server stored is looked at.

What happens is drawn from a seed, which a failure shows: HYPERTALLY_SEED=… draws the same steps and faults again. How
they fall together is left to the machine. HYPERTALLY_EXHAUSTIVE=1 for many more and longer walks.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devcluster import CONTROLLER, Cluster
from devcluster.errors import DeadlineError
from devcluster.waiting import wait_until
from tests.controller.conftest import DEPLOY
from tests.controller.test_placement import INVENTORY
from tests.support.differences import differences
from tests.support.faults import Fault, FaultyServer, faulty_server, seldom
from tests.support.fleet import Fleet, controller
from tests.support.history import Recorder, State
from tests.support.ledgers import History, unfinished
from tests.support.quiet import wait_until_quiet
from tests.support.walk import Walk, World

EXHAUSTIVE = bool(os.environ.get("HYPERTALLY_EXHAUSTIVE"))
# All processes of one run must find the same tests, so the same seed: they share a name of their run.
_OF_THE_RUN = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID")).randrange(10**6)  # noqa: S311
SEED = int(os.environ.get("HYPERTALLY_SEED") or _OF_THE_RUN)
WALKS = 20 if EXHAUSTIVE else 1
STEPS = 800 if EXHAUSTIVE else 200
ROLES = {"Running", "Incoming", "Leaving"}
ROUNDS = 3
"""So often, at most, that number of steps: where controllers are slow nobody may move, and little is seen."""

FAULTY_READS, FAULTY_WRITES = 0.06, 0.25
"""The parts of all that are spoilt; reads are many, and each write needs several."""

ENOUGH = 10
"""Versions of ledgers: less would say little."""

KILLS = 0.02
"""Of all steps: one of the two is killed without a word, and begins anew."""

PAUSE_SECONDS = 0.1
"""Between two steps, on an average: users do not wait for controllers, but neither do they act all at once."""

REST_SECONDS = 90.0
"""A task that failed again and again is tried at last after 60 s ± a half; seldom is one so unlucky."""


@dataclass
class Keeper:
    """A controller behind a proxy."""

    server: FaultyServer
    kubeconfig: Path
    log: Path
    _life: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        self._process = self._life.enter_context(controller(self.kubeconfig, self.log, "--resync-interval=2"))

    def kill(self) -> None:
        self._process.kill()
        self._life.close()

    def stop(self) -> None:
        self._life.close()

    def check(self) -> None:
        assert self._process.poll() is None, f"a controller ended by itself: {self.log.read_text()[-3000:]}"
        assert "Traceback" not in self.log.read_text(), self.log.read_text()[-5000:]


@contextmanager
def keepers(cluster: Cluster, seed: int, place: Path) -> Iterator[list[Keeper]]:
    with ExitStack() as stack:
        found = []
        for number in range(2):
            server = stack.enter_context(
                faulty_server(cluster, seldom(2 * seed + number, reads=FAULTY_READS, writes=FAULTY_WRITES))
            )
            kubeconfig = server.kubeconfig(place / f"kubeconfig-{number}", CONTROLLER.key)
            keeper = Keeper(server, kubeconfig, place / f"log-{number}")
            keeper.start()
            stack.callback(keeper.stop)
            found.append(keeper)
        yield found


@pytest.mark.timeout(3600 if EXHAUSTIVE else 300)
@pytest.mark.parametrize("seed", range(SEED, SEED + WALKS))
def test_two_controllers_behind_faults_keep_every_promise_in_every_version(
    own_cluster: Cluster, tmp_path: Path, seed: int
) -> None:
    own_cluster.apply(DEPLOY)
    fleet = Fleet(own_cluster)
    with Recorder(own_cluster, tmp_path / "watch") as recorder, keepers(own_cluster, seed, tmp_path) as both:
        world = World(fleet, recorder, {})
        for number in range(3):
            host = fleet.host(f"host{number}", pcpus=4)
            host.inventory = INVENTORY
            world.hosts[host.name] = host
        walk, dice = Walk(world, seed), random.Random(seed)  # noqa: S311
        for _ in range(ROUNDS):
            go(walk, both, dice)
            if roles(History(recorder.states())) >= ROLES:
                break
        walk.wind_up()
        for keeper in both:
            keeper.server.heal()
        come_to_rest(world)
        for keeper in both:
            keeper.check()
            keeper.stop()
        assert_a_third_finds_nothing_to_do(fleet, tmp_path / "third")
        world.end()
        history = History(recorder.states())
    history.check(world.audits, world.stays)
    assert_worth_it(history, both, walk)


def go(walk: Walk, both: list[Keeper], dice: random.Random) -> None:
    for _ in range(STEPS):
        walk.step()
        if dice.random() < KILLS:
            keeper = dice.choice(both)
            keeper.kill()
            keeper.start()


def roles(history: History) -> set[str]:
    """All that were ever held."""
    return {claim["role"] for _, book in history.steps() for claim in book.ledger["claims"]}


def come_to_rest(world: World) -> None:
    """Everything is settled, and nothing is written any more, while the agents go on looking."""
    left: list[str] = []

    def rests() -> bool:
        look_everywhere(world)
        left[:] = unfinished(present(world.fleet))
        return not left

    try:
        wait_until(rests, seconds=REST_SECONDS, what="everything to settle")
    except DeadlineError as error:
        raise AssertionError("\n".join([str(error), *left])) from None
    wait_until_quiet(world.fleet.cluster, lambda: look_everywhere(world))


def look_everywhere(world: World) -> None:
    for name in world.hosts:
        world.audit(name)


def present(fleet: Fleet) -> State:
    kinds = {"computenodes": fleet.nodes, "instances": fleet.instances, "migrations": fleet.migrations}
    found = ((plural, each) for plural, kind in kinds.items() for each in kind.every())
    return State(0, {(plural, each["metadata"]["name"]): each for plural, each in found})


def assert_a_third_finds_nothing_to_do(fleet: Fleet, log: Path) -> None:
    """It begins with an empty cache."""
    position, before = fleet.cluster.audit_log.position(), present(fleet).objects
    with controller(fleet.cluster.kubeconfig_for(CONTROLLER.key), log, "--resync-interval=2"):
        probe = fleet.instance("")
        fleet.wait_for_reason(probe, "Unbound")
        wait_until_quiet(fleet.cluster, lambda: None)
    writes = fleet.cluster.audit_log.writes(since=position, user=CONTROLLER)
    written = {(w.resource, w.name) for w in writes if w.resource != "events"} - {("instances", probe)}
    now = present(fleet).objects
    changed = [f"{key}: {line}" for key in sorted(written) for line in differences(before.get(key), now.get(key))]
    assert not written, "\n".join([f"{written}", *changed, log.read_text()])


def assert_worth_it(history: History, both: list[Keeper], walk: Walk) -> None:
    """The walk went somewhere, through faults of every sort that matters."""
    spoilt = sum((keeper.server.spoilt for keeper in both), Counter[Fault]())
    seen = roles(history)
    shown = f"{sum(1 for _ in history.steps())} ledgers, faults {dict(spoilt)}, steps {walk.tally}, roles {seen}"
    print(shown)  # noqa: T201
    assert spoilt.keys() >= {Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.STALE}, shown
    assert seen >= ROLES, shown
    assert sum(1 for _ in history.steps()) > ENOUGH, shown
    for keeper in both:
        assert any(method == "PATCH" for method, _ in keeper.server.asked), "one of them did nothing"
