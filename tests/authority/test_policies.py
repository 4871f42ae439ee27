"""What the policies say fits what the programs do."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from authority.attempts import OTHER, OWN, identity
from authority.matrix import NODES_STATUS, Actor, Verdict
from devcluster import Cluster, ClusterError, wait_until
from hypertally.api.compute_node import AGENT_CONDITIONS, CONTROLLER_CONDITIONS
from hypertally.api.names import LEASE_NAMESPACE
from tests.authority.conftest import DEPLOY, NODE_PLACE, SECONDS, Callers, put_compute_node
from tests.authority.server import Caller
from tests.e2e.conftest import Program
from tests.support import samples
from tests.support.schemas import largest, schema

Object = dict[str, Any]


def _objects(name: str) -> list[Object]:
    return list(yaml.safe_load_all((DEPLOY / f"{name}.yaml").read_text()))


def _of_kind(name: str, kind: str) -> list[Object]:
    return [each for each in _objects(name) if each["kind"] == kind]


def _variable(policy: str, name: str) -> Any:
    (found,) = (
        each for each in _of_kind("policies", "ValidatingAdmissionPolicy") if each["metadata"]["name"] == policy
    )
    return next(yaml.safe_load(each["expression"]) for each in found["spec"]["variables"] if each["name"] == name)


def test_the_policies_know_the_conditions_that_agents_write() -> None:
    agents = _variable("hypertally-agent-computenodes", "ownConditions")

    assert set(AGENT_CONDITIONS) == set(agents)
    assert not set(CONTROLLER_CONDITIONS) & set(agents)
    assert _variable("hypertally-controller-computenodes", "agentConditions") == agents


def test_every_policy_is_bound_and_denies_when_it_cannot_judge() -> None:
    policies = _of_kind("policies", "ValidatingAdmissionPolicy")
    bindings = _of_kind("policies", "ValidatingAdmissionPolicyBinding")

    assert {each["spec"]["failurePolicy"] for each in policies} == {"Fail"}
    assert {each["spec"]["policyName"] for each in bindings} == {each["metadata"]["name"] for each in policies}
    assert all("Deny" in each["spec"]["validationActions"] for each in bindings)


def test_every_policy_judges_one_of_the_two_accounts_or_all_others_or_our_definitions() -> None:
    users = {f"request.userInfo.username == 'system:serviceaccount:{LEASE_NAMESPACE}:{actor}'" for actor in Actor}

    policies = {each["metadata"]["name"]: each["spec"] for each in _of_kind("policies", "ValidatingAdmissionPolicy")}
    schema_guard = policies.pop("hypertally-schema")
    (others,) = policies.pop("hypertally-status")["matchConditions"]
    conditions = [each["matchConditions"] for each in policies.values()]

    assert all(f"'system:serviceaccount:{LEASE_NAMESPACE}:{actor}'" in others["expression"] for actor in Actor)
    assert {len(each) for each in conditions} == {1}
    assert {each["expression"] for (each,) in conditions} == users
    assert [each["resources"] for each in schema_guard["matchConstraints"]["resourceRules"]] == [
        ["customresourcedefinitions"]
    ]
    assert schema_guard["matchConditions"][0]["expression"] == "object.spec.group == 'compute.hypertally.dev'"


def test_no_right_is_a_wildcard_and_none_is_on_secrets() -> None:
    roles = _of_kind("rbac", "ClusterRole") + _of_kind("rbac", "Role")
    words = {word for role in roles for rule in role["rules"] for part in rule.values() for word in part}

    assert len(roles) == 4
    assert not words & {"*", "secrets", "deletecollection", "impersonate", "escalate", "bind"}


@pytest.fixture
def huge(guarded: Cluster) -> str:
    """The largest ComputeNode that the schema admits, on the first agent's node."""
    status = largest(schema("computenodes")["properties"]["status"])
    status["report"]["generation"] = status["ledger"]["generation"] = 1
    put_compute_node(guarded, "n1--huge", identity(OWN) | {"status": status})
    return "n1--huge"


@pytest.mark.parametrize(("who", "part"), [("agent", "report"), ("controller", "ledger")])
def test_the_largest_object_is_within_what_a_policy_may_cost(callers: Callers, huge: str, who: str, part: str) -> None:
    def write(caller: Caller, part: str) -> Verdict:
        body = {"status": {part: {"generation": 2}}}
        return caller.ask(NODES_STATUS, NODE_PLACE, "patch", huge, body=body).verdict

    assert write(callers[who], part) is Verdict.ALLOWED
    assert write(callers[who], "ledger" if part == "report" else "report") is Verdict.POLICY


@pytest.mark.usefixtures("callers")
@pytest.mark.parametrize(("part", "other"), [("report", "ledger"), ("ledger", "report")])
def test_nobody_changes_one_part_beside_the_successor_of_the_other(guarded: Cluster, part: str, other: str) -> None:
    status = {"report": samples.report(), "ledger": samples.ledger()}
    name = f"n1--{part}"
    put_compute_node(guarded, name, identity(OWN) | {"status": status})
    slipped = {part: {"generation": 2}, other: {"hypervisor": {"type": "Xen"}, "instances": 7}}

    def patch(change: Object) -> str:
        body = json.dumps({"status": change})
        return guarded.kubectl("patch", "cn", name, "--subresource=status", "--type=merge", "-p", body)

    with pytest.raises(ClusterError, match="each replaced only by their successor, whatever else the write brings"):
        patch(slipped)
    patch({part: {"generation": 2}})


@pytest.mark.usefixtures("callers")
def test_an_agent_that_is_told_another_nodes_name_takes_over_nothing(guarded: Cluster, tmp_path: Path) -> None:
    before = _seen(guarded)
    kubeconfig = ["--kubeconfig", str(guarded.kubeconfig_on(OWN)), "--listen", "", "--log-format", "text"]
    told = ["--node-name", OTHER, "--connection", "test:///default", "--instances-path", str(tmp_path)]
    agent = Program("hypertally.agent.main", [*kubeconfig, *told, "--lease-interval", "1"], tmp_path / "log")

    agent.start()
    try:
        for said in (f"may not write ComputeNode {OTHER}", f"may not write Lease {OTHER}"):
            wait_until(lambda said=said: said in agent.log.read_text(), seconds=SECONDS, what=said)  # type: ignore[misc]
    finally:
        agent.stop()

    assert "ClusterRole" not in agent.log.read_text()
    assert _seen(guarded) == before


def _seen(cluster: Cluster) -> list[str]:
    return [cluster.kubectl("get", kind, OTHER, "-n", LEASE_NAMESPACE, "-o", "yaml") for kind in ("cn", "lease")]
