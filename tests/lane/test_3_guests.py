"""Guests that somebody starts, Instances that a scheduler binds, and a guest that moves while it works."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from devnodes.guest import Guest
from tests.lane.guests import (
    ALPHA,
    BETA,
    DELTA,
    GAMMA,
    allocated,
    charged,
    claimed,
    counts,
    goes_on_counting,
    holds,
    instance,
    instance_is_ready,
    orphans_are,
    says,
    sizes,
)
from tests.lane.person import ROOT, Person, eventually, roles

pytestmark = pytest.mark.timeout(300)

#: MiB a second, of which the guest has 16 that nothing shortens: long enough to look at both ends.
BANDWIDTH = 2


def test_a_guest_that_virsh_starts_shows_as_an_orphan_and_is_charged(person: Person) -> None:
    person.lab.n1.start_guest(DELTA)

    eventually(lambda: orphans_are(person, "n1", [BETA, DELTA]))
    assert allocated(person, "n1") == sizes(ALPHA, BETA, DELTA)


def test_an_instance_that_stands_for_a_guest_takes_it_over(person: Person) -> None:
    person.apply(instance(DELTA, "n1"))

    eventually(lambda: instance_is_ready(person, DELTA, "n1"))
    eventually(lambda: orphans_are(person, "n1", [BETA]))
    assert allocated(person, "n1") == sizes(ALPHA, BETA, DELTA)


def test_what_it_held_is_free_once_it_is_deleted_and_its_guest_is_gone(person: Person) -> None:
    person.kubectl("delete", "instance", DELTA.name)
    person.lab.n1.virsh("destroy", DELTA.uuid)
    person.lab.n1.virsh("undefine", DELTA.uuid)

    eventually(lambda: charged(person, "n1", ALPHA, BETA))


def test_the_example_scheduler_binds_an_instance_and_its_guest_is_started_there(person: Person) -> None:
    person.apply(instance(GAMMA))
    with scheduler(person):
        eventually(lambda: claimed(person, GAMMA))
    chosen = person.get("instance", GAMMA.name)["status"]["computeNodeName"]
    node = next(each for each in person.lab.nodes if each.name == chosen)
    # The host with more room: nothing runs there yet, and what is to come is less than what the other has.
    assert chosen == "n2"
    assert allocated(person, chosen) == sizes(ALPHA, GAMMA)

    node.start_guest(GAMMA)

    eventually(lambda: instance_is_ready(person, GAMMA, chosen))
    assert allocated(person, chosen) == sizes(ALPHA, GAMMA)


def test_an_instance_that_fits_nowhere_is_told_what_is_missing(person: Person) -> None:
    body = instance(Guest(name="huge", uuid="5a4f0b6e-0c1b-4d7f-9c58-5c2f4c1a0005", memory_mib=1_000_000), "n1")
    person.apply(body)

    eventually(lambda: says(person, "huge", "Claimed", "memoryMiB"))
    person.kubectl("delete", "instance", "huge")


def test_a_guest_moves_live_and_both_ends_are_charged_until_it_has(person: Person) -> None:
    """The move was declared to the release before this one."""
    n1, n2 = person.lab.nodes
    holds(person, "n2", ALPHA, {"Incoming"})
    goes_on_counting(n1, ALPHA)

    seen = set()
    moving = n1.migrate(ALPHA, n2, bandwidth_mib=BANDWIDTH)
    while moving.poll() is None:
        seen.add((frozenset(roles(person.node("n1"), ALPHA.uuid)), frozenset(roles(person.node("n2"), ALPHA.uuid))))
    said = moving.communicate()[0]

    assert moving.returncode == 0, said
    # At each look: the source held it, and so did the target.
    assert (frozenset({"Running"}), frozenset({"Incoming"})) in seen
    assert all(source and target for source, target in seen), seen


def test_after_the_move_it_counts_on_and_only_its_new_host_holds_it(person: Person) -> None:
    n1, n2 = person.lab.nodes

    eventually(lambda: instance_is_ready(person, ALPHA, "n2"))
    eventually(lambda: holds(person, "n2", ALPHA, {"Running"}))
    eventually(lambda: holds(person, "n1", ALPHA, set()))
    eventually(lambda: says(person, ALPHA.name, "Completed", "", kind="migration"))
    goes_on_counting(n2, ALPHA)
    before, after = counts(n1, ALPHA), counts(n2, ALPHA)
    assert after[0] > before[-1]
    assert after == list(range(after[0], after[0] + len(after)))
    assert allocated(person, "n1") == sizes(BETA)
    assert allocated(person, "n2") == sizes(ALPHA, GAMMA)


@contextmanager
def scheduler(person: Person) -> Iterator[None]:
    """The one in examples/, as a program of its own."""
    environment = {**os.environ, "KUBECONFIG": str(person.lab.cluster.kubeconfig)}
    with (person.lab.directory / "scheduler.log").open("wb") as log:
        program = str(ROOT / "examples" / "scheduler" / "scheduler.py")
        running = subprocess.Popen([sys.executable, program], env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            running.kill()
            running.wait()
