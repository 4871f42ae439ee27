"""An API server with the project's rights and policies, tokens of Pods on several nodes, and the attempts' stage."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from authority import attempts
from authority.attempts import ABSENT, BARE, OTHER, OWN
from authority.matrix import LEADER, LEASES, NAMESPACE, NODES, NODES_STATUS, Actor, Verdict
from devcluster import ADMIN, Cluster, wait_until
from devcluster.pods import pod_name
from hypertally.api.names import AGENT_MANAGER, CONTROLLER_MANAGER
from tests.authority.server import Caller, Place

Object = dict[str, Any]
Callers = Mapping[str, Caller]

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
KINDS = {"computenodes": "ComputeNode", "leases": "Lease", "pods": "Pod", "instances": "Instance"}
NODE_PLACE = Place("v1alpha1", kind="ComputeNode")
LEASE_PLACE = Place("v1", namespaced=True, kind="Lease")
SECONDS = 30.0


@pytest.fixture(scope="session")
def guarded() -> Iterator[Cluster]:
    """Of its own: the policies judge the accounts that other tests use without a node."""
    with Cluster.start("authority", audit=True, may_build=False) as running:
        running.apply(DEPLOY)
        running.apply_objects(_with_novelty(), *_definitions("instances"), *_definitions("migrations"))
        _set_the_stage(running)
        yield running


@pytest.fixture(scope="session")
def callers(guarded: Cluster) -> Callers:
    """By the names of attempts.WHO. Not before the policies have taken effect, which takes a moment."""
    tokens = {
        "agent": guarded.token_on(OWN),
        "agent on n3": guarded.token_on(ABSENT),
        "agent on n4--x": guarded.token_on("n4--x"),
        f"agent on {LEADER}": guarded.token_on(LEADER),
        "agent by node": _token_of_node(guarded, OWN),
        "agent without node": _token(guarded),
        "agent without Pod": guarded.token_on("n5"),
        "controller": guarded.token_on(OWN, Actor.CONTROLLER),
        "operator": guarded.token_for(ADMIN.key),
    }
    guarded.kubectl("delete", "pod", pod_name("n5", Actor.AGENT), f"--namespace={NAMESPACE}", "--force", "--wait=false")
    found = {who: Caller(guarded, token, f"hypertally-{who.split()[0]}") for who, token in tokens.items()}
    wait_until(lambda: _is_in_effect(found), seconds=SECONDS, what="the policies to take effect")
    return found


def _is_in_effect(callers: Callers) -> bool:
    """Each policy refuses what it is there for; a token that was accepted is remembered for ten seconds."""
    agent, controller, gone = callers["agent"], callers["controller"], callers["agent without Pod"]
    said = {"status": {"conditions": [attempts.condition("LibvirtConnected", "False")]}}
    answers = (
        agent.ask(NODES, NODE_PLACE, "patch", OTHER),
        agent.ask(LEASES, LEASE_PLACE, "apply", OTHER, body=attempts.lease()),
        controller.ask(NODES_STATUS, NODE_PLACE, "patch", OWN, body=said),
        controller.ask(NODES, NODE_PLACE, "delete", OWN),
        controller.ask(LEASES, LEASE_PLACE, "create", ABSENT, body=attempts.lease()),
    )
    out = gone.ask(NODES, NODE_PLACE, "list").verdict
    return {answer.verdict for answer in answers} == {Verdict.POLICY} and out is Verdict.UNKNOWN


def _token(cluster: Cluster, *bound: str) -> str:
    return cluster.kubectl("create", "token", Actor.AGENT, f"--namespace={NAMESPACE}", *bound).strip()


def _token_of_node(cluster: Cluster, node: str) -> str:
    uid = cluster.kubectl("get", "node", node, "-o", "jsonpath={.metadata.uid}")
    bound = ("--bound-object-kind=Node", f"--bound-object-name={node}", f"--bound-object-uid={uid}")
    return _token(cluster, *bound)


def _definitions(plural: str) -> list[Object]:
    return list(yaml.safe_load_all((ROOT / "crds" / f"{plural}.yaml").read_text()))


def _with_novelty() -> Object:
    """ComputeNodes as a later version may define them: with a part of the status that is neither program's."""
    (definition,) = _definitions("computenodes")
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["status"]["properties"]["novelty"] = {"type": "string"}
    return definition


def _set_the_stage(cluster: Cluster) -> None:
    for node in (OWN, OTHER):
        cluster.apply_objects(_object("ComputeNode", node, attempts.identity(node)))
        _write_status(cluster, node)
        put_lease(cluster, node)
    cluster.apply_objects(_object("ComputeNode", BARE, attempts.identity(OWN)))
    for name, (annotations, status) in attempts.KEPT.items():
        kept = attempts.marked(attempts.identity(OWN), annotations=annotations)
        put_compute_node(cluster, name, kept | {"status": status})
    for namespace in (NAMESPACE, "default"):
        scope = {"metadata": {"namespace": namespace}}
        cluster.apply_objects(_object("Instance", "one", attempts.INSTANCE | scope))
        cluster.apply_objects(_object("Migration", "one", attempts.MIGRATION | scope))


def put_compute_node(cluster: Cluster, name: str, body: Object) -> None:
    cluster.apply_objects(_object("ComputeNode", name, {key: body[key] for key in body if key != "status"}))
    status = json.dumps(_object("ComputeNode", name, {"status": body["status"]}))
    cluster.kubectl("apply", "--server-side", "--subresource=status", "-f", "-", stdin=status)


def present_version(callers: Callers, name: str) -> Object:
    """Of a ComputeNode, as options of a deletion."""
    metadata = callers["operator"].ask(NODES, NODE_PLACE, "get", name).body["metadata"]
    return {"preconditions": {key: metadata[key] for key in ("uid", "resourceVersion")}}


def present_lease(callers: Callers, name: str) -> Object:
    """As it is, to be written back."""
    found = callers["operator"].ask(LEASES, LEASE_PLACE, "get", name).body
    return {key: found[key] for key in ("metadata", "spec")}


def put_lease(cluster: Cluster, node: str) -> None:
    lease = attempts.lease(namespace=NAMESPACE, annotations={"note": "x"})
    _apply(cluster, _object("Lease", node, lease), "coordination.k8s.io/v1")


def _write_status(cluster: Cluster, node: str) -> None:
    """As both programs write it, so that each owns what is its own."""
    mine = [each for each in attempts.CONDITIONS if each["type"] in attempts.AGENTS]
    said = {"status": {"report": attempts.report(), "conditions": mine}}
    _apply(cluster, _object("ComputeNode", node, said), "compute.hypertally.dev/v1alpha1", "--subresource=status")
    kept = {"report": attempts.report(), "ledger": attempts.ledger(), "novelty": "old"}
    whole = {"status": {**kept, "conditions": list(attempts.CONDITIONS)}}
    arguments = ("patch", "computenode", node, "--subresource=status", "--type=merge")
    cluster.kubectl(*arguments, f"--field-manager={CONTROLLER_MANAGER}", "-p", json.dumps(whole))


def _apply(cluster: Cluster, body: Object, version: str, *more: str) -> None:
    given = json.dumps(body | {"apiVersion": version})
    cluster.kubectl("apply", "--server-side", f"--field-manager={AGENT_MANAGER}", *more, "-f", "-", stdin=given)


def _object(kind: str, name: str, body: Object) -> Object:
    metadata = {"name": name, **body.get("metadata", {})}
    return {"apiVersion": "compute.hypertally.dev/v1alpha1", "kind": kind, **body, "metadata": metadata}
