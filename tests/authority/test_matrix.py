"""Every verb on every resource that the API server serves, by both programs: what is not granted is refused."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import pytest

from authority import attempts, matrix
from authority.attempts import OTHER, OWN
from authority.matrix import (
    EVERYBODYS,
    GRANTS,
    LEADER,
    LEASES,
    NAMESPACE,
    VERBS,
    Actor,
    Grant,
    Resource,
    Target,
    Verdict,
    verdict,
)
from devcluster import Cluster
from tests.authority.conftest import Callers, present_lease, present_version, put_lease
from tests.authority.server import Caller, Object, Place

WHO = {Actor.AGENT: "agent", Actor.CONTROLLER: "controller"}
ELSEWHERE = "default"
NOWHERE = ""


@dataclass(frozen=True)
class Served:
    resource: Resource
    place: Place
    verbs: frozenset[str]


@pytest.fixture(scope="session")
def served(callers: Callers) -> list[Served]:
    """Everything that the API server says it serves."""
    asked = callers["operator"]
    groups = asked.get("/apis")["groups"]
    versions = [("", "v1")] + [(g["name"], v["version"]) for g in groups for v in g["versions"]]
    return [found for group, version in versions for found in _served(asked, group, version)]


def _served(asked: Caller, group: str, version: str) -> Iterator[Served]:
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    for each in asked.get(path)["resources"]:
        verbs = frozenset(each["verbs"]) | ({"apply"} if "patch" in each["verbs"] else set())
        place = Place(version, each["namespaced"], each["kind"])
        yield Served(Resource(group, each["name"]), place, verbs)


def _refused(actor: Actor, served: list[Served]) -> Iterator[tuple[Served, str, str]]:
    """Whatever RBAC has to refuse: resource, verb, namespace."""
    for each in served:
        if each.resource not in EVERYBODYS:
            for verb in sorted(each.verbs):
                for namespace, target in _places(each, verb):
                    if verdict(actor, each.resource, verb, target) is Verdict.RBAC:
                        yield each, verb, namespace


def _places(each: Served, verb: str) -> Iterator[tuple[str, Target]]:
    if not each.place.namespaced:
        yield NOWHERE, Target.OWN
        return
    yield NAMESPACE, Target.OWN
    yield ELSEWHERE, Target.ELSEWHERE
    if verb in ("list", "watch"):
        yield NOWHERE, Target.ELSEWHERE  # in all namespaces at once


@pytest.mark.parametrize("actor", Actor)
def test_whatever_is_not_granted_is_refused_on_everything_that_is_served(
    callers: Callers, served: list[Served], actor: Actor
) -> None:
    caller, wrong, asked = callers[WHO[actor]], [], 0
    for each, verb, namespace in _refused(actor, served):
        answer = caller.ask(each.resource, each.place, verb, "anything", namespace=namespace)
        asked += 1
        if answer.status != 403 or answer.verdict is not Verdict.RBAC:
            wrong.append((str(each.resource), verb, namespace, answer.status, answer.message))

    assert wrong == []
    assert asked > 800


@dataclass(frozen=True)
class Cell:
    """One cell of the table that a grant speaks of."""

    grant: Grant
    verb: str
    target: Target

    def __str__(self) -> str:
        return f"{self.grant.actor.value}: {self.verb} {self.grant.resource}, {self.target.value}"


CELLS = [
    Cell(grant, verb, target)
    for grant in GRANTS
    for verb in VERBS
    if verb in grant.own
    for target in Target
    if target is not Target.ELSEWHERE or grant.resource not in (matrix.NODES, matrix.NODES_STATUS)
]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_what_is_granted_is_allowed_on_ones_own_and_refused_on_others(
    guarded: Cluster, callers: Callers, served: list[Served], cell: Cell
) -> None:
    grant, (name, namespace, body) = cell.grant, _object(cell)
    place = next(each.place for each in served if each.resource == grant.resource)
    with _lease(guarded, name, cell.verb) if grant.resource == LEASES else nullcontext():
        if cell.verb == "delete":
            body = present_version(callers, name)
        if cell.verb == "update" and cell.target is not Target.ELSEWHERE:
            body = present_lease(callers, name)
        answer = callers[WHO[grant.actor]].ask(grant.resource, place, cell.verb, name, namespace=namespace, body=body)

    assert answer.verdict is verdict(grant.actor, grant.resource, cell.verb, cell.target), answer.message


def _object(cell: Cell) -> tuple[str, str, Object]:
    """Name, namespace and body of an object that is the actor's own, another's, or elsewhere."""
    node = OWN if cell.target is Target.OWN else OTHER
    namespace = ELSEWHERE if cell.target is Target.ELSEWHERE else NAMESPACE
    match cell.grant.resource:
        case matrix.NODES if cell.verb in ("create", "apply"):
            return f"{node}--fresh", namespace, attempts.identity(node)
        case matrix.NODES_STATUS if cell.grant.actor is Actor.AGENT:
            return node, namespace, {"status": {"report": attempts.report()}}
        case matrix.NODES | matrix.NODES_STATUS:
            return node, namespace, {}
        case matrix.LEASES:
            is_leaders = cell.grant.actor is Actor.CONTROLLER and cell.target is Target.OWN
            return LEADER if is_leaders else node, namespace, attempts.lease()
        case matrix.EVENTS:
            regarding = {"kind": "Instance", "name": "one", "namespace": namespace}
            return "one", namespace, {"involvedObject": regarding, "reason": "Claimed", "message": "x"}
    return "one", namespace, {}


@contextmanager
def _lease(guarded: Cluster, name: str, verb: str) -> Iterator[None]:
    """To be created, it must not be there; for all else it must. The controllers' is not there otherwise."""
    remove = ("delete", "lease", name, f"--namespace={NAMESPACE}", "--ignore-not-found")
    put_lease(guarded, name)
    if verb == "create":
        guarded.kubectl(*remove)
    yield
    if name == LEADER:
        guarded.kubectl(*remove)
    else:
        put_lease(guarded, name)
