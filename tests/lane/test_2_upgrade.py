"""The release before this one accounts for guests; this one comes while they run, and nothing of theirs changes."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from devnodes import readme
from tests.lane.guests import (
    ALPHA,
    BETA,
    counts,
    goes_on_counting,
    holds,
    hosts_are_ready,
    instance,
    instance_is_ready,
    migration,
    orphans_are,
)
from tests.lane.history import History
from tests.lane.person import CHART, NAMESPACE, RELEASE, ROOT, VALUES, Object, Person, condition, eventually

pytestmark = pytest.mark.timeout(400)

KINDS = ("computenodes", "instances", "migrations")

#: Of a ledger: what is held and by whom, and the counters for schedulers. The rest are numbers that count its writes.
BOOKS = ("claims", "allocatable", "allocated", "free", "instances", "orphans", "states", "workload")


def test_the_release_before_this_one_installs_with_its_own_programs(person: Person, chart_before: Path) -> None:
    person.helm("install", RELEASE, chart_before, "--create-namespace", "--values", VALUES, "--wait", "--timeout", "3m")

    eventually(lambda: hosts_are_ready(person))
    version = version_of(chart_before)
    assert version != version_of(CHART)
    for program in ("agent", "controller"):
        pod = person.pods(program)[0]["metadata"]["name"]
        said = person.kubectl("exec", f"-n={NAMESPACE}", pod, "--", f"hypertally-{program}", "--version")
        assert said.split() == [f"hypertally-{program}", version]


def test_it_accounts_for_guests_of_which_one_is_to_move(person: Person) -> None:
    n1 = person.lab.n1
    n1.start_guest(ALPHA)
    n1.start_guest(BETA)
    eventually(lambda: orphans_are(person, "n1", [ALPHA, BETA]))
    person.apply(instance(ALPHA, "n1"))
    eventually(lambda: instance_is_ready(person, ALPHA, "n1"))

    person.apply(migration(ALPHA, "n2"))

    eventually(lambda: holds(person, "n2", ALPHA, {"Incoming"}))
    holds(person, "n1", ALPHA, {"Running"})
    orphans_are(person, "n1", [BETA])


def test_helm_upgrades_to_this_release_while_guests_run_and_nothing_of_theirs_changes(
    person: Person, tmp_path: Path
) -> None:
    changes_nothing_of_the_guests(person, lambda: upgrade(person, tmp_path), version_of(CHART))


def test_nothing_of_the_release_before_is_left(person: Person, chart_before: Path) -> None:
    """Every object that a chart makes is labelled with its version."""
    eventually(lambda: nothing_is_labelled(person, f"{RELEASE}-{version_of(chart_before)}"))


def test_a_rollback_changes_nothing_of_theirs_either_nor_does_a_second_upgrade(
    person: Person, chart_before: Path, tmp_path: Path
) -> None:
    def rollback() -> None:
        person.helm("rollback", RELEASE, "1", "--wait", "--timeout", "3m")

    changes_nothing_of_the_guests(person, rollback, version_of(chart_before))
    changes_nothing_of_the_guests(person, lambda: upgrade(person, tmp_path / "again"), version_of(CHART))


def upgrade(person: Person, folder: Path) -> None:
    """By the commands of docs/operations.md, where the file of values is beside the chart."""
    folder.mkdir(exist_ok=True)
    (folder / "helm").symlink_to(ROOT / "helm")
    (folder / "values.yaml").symlink_to(VALUES)
    for command in readme.upgrading():
        person.type(command, folder)


def changes_nothing_of_the_guests(person: Person, change: Callable[[], object], version: str) -> None:
    """Looks at every version of every object that is stored until all programs are others, of that version."""
    pods, running = person.programs(), domain_ids(person)
    with History(person.lab.cluster, KINDS) as history:
        change()
        eventually(lambda: only_others_run(person, pods, version), 180)
        eventually(lambda: hosts_are_ready(person))

    assert domain_ids(person) == running
    goes_on_counting(person.lab.n1, ALPHA)
    counted = counts(person.lab.n1, ALPHA)
    assert counted == list(range(counted[0], counted[0] + len(counted)))
    assert history.deleted == set()
    assert {key[0] for key in history.versions} == set(KINDS)
    for key, versions in history.versions.items():
        assert len({each["metadata"]["uid"] for each in versions}) == 1, key
        if key[0] == "computenodes":
            for older, newer in pairwise(versions):
                assert changed(older, newer) == {}, key
            counted_on(versions)
            # Unknown where a new agent takes longer than the short grace of the lane.
            assert {condition(each, "Ready")["status"] for each in versions} <= {"True", "Unknown"}


def changed(before: Object, after: Object) -> Object:
    """What the ledger held and what it holds, by part, where the two differ."""
    was, now = books(before), books(after)
    return {part: (was[part], now[part]) for part in BOOKS if was[part] != now[part]}


def books(node: Object) -> Object:
    """Without the stamps of claims that wait for proof: another agent proves it by audits of its own."""
    ledger = node["status"]["ledger"]
    claims = [{key: each[key] for key in each if key != "since"} for each in ledger["claims"]]
    return {part: ledger.get(part) for part in BOOKS} | {"claims": claims}


def counted_on(versions: Sequence[Object]) -> None:
    """No program began anew: what one of them wrote last, the next one has read."""
    for part in ("report", "ledger"):
        numbers = [each["status"][part]["generation"] for each in versions]
        assert numbers == sorted(numbers), part


def domain_ids(person: Person) -> dict[str, str]:
    """libvirt gives another one whenever a guest is started."""
    return {guest.name: person.lab.n1.virsh("domid", guest.uuid) for guest in (ALPHA, BETA)}


def only_others_run(person: Person, old: set[tuple[str, str]], version: str) -> None:
    now = person.programs()
    assert len(now) == len(old)
    assert not now & old
    assert {tag for _, tag in now} == {version}


def nothing_is_labelled(person: Person, chart: str) -> None:
    kinds = ",".join(person.kubectl("api-resources", "--verbs=list", "-o=name").split())
    assert person.kubectl("get", kinds, "--all-namespaces", f"-l=helm.sh/chart={chart}", "-o=name") == ""


def version_of(chart: Path) -> str:
    """Of the chart, which is that of its images."""
    told = yaml.safe_load((chart / "Chart.yaml").read_text())
    assert told["version"] == told["appVersion"]
    return str(told["version"])
