"""What the agent writes, on a real API server: once, and again only when the host says something else."""

import json
import subprocess
from pathlib import Path

import pytest

from .conftest import NAMESPACE, PROGRAM, STILL, StartAgent, Watched

TEST = "--connection=test:///default"


def writes_since(watched: Watched, position: int) -> list[str]:
    """What was asked to be written of this node's ComputeNodes."""
    log = watched.cluster.audit_log
    found = log.writes(since=position, resource="computenodes")
    return [f"{request.verb} {request.subresource}" for request in found if request.name.startswith(watched.name)]


def test_a_new_host_appears_with_the_report_that_once_prints(watched: Watched, start_agent: StartAgent) -> None:
    start_agent(watched, TEST, STILL)
    watched.wait("complete inventory", lambda: watched.condition("InventoryComplete").get("status") == "True")
    node = watched.node()
    assert node["spec"].keys() == {"hostUUID", "hypervisorHostname", "nodeName"}
    assert node["spec"]["nodeName"] == watched.name
    assert node["status"]["report"]["generation"] == 1
    command = [str(PROGRAM), "--once", "-o", "json", TEST, STILL, "--host-ip=192.0.2.7"]
    printed = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    assert printed == node["status"]["report"]


def test_the_agents_fields_are_its_own_and_no_others(watched: Watched, start_agent: StartAgent) -> None:
    start_agent(watched, TEST)
    watched.wait_report()
    node = json.loads(
        watched.cluster.kubectl("get", "computenode", watched.name, "-o", "json", "--show-managed-fields")
    )
    owned = {entry.get("subresource", ""): entry for entry in node["metadata"]["managedFields"]}
    assert {entry["manager"] for entry in owned.values()} == {"hypertally-agent"}
    assert {entry["operation"] for entry in owned.values()} == {"Apply"}
    assert owned["status"]["fieldsV1"]["f:status"].keys() == {"f:conditions", "f:report"}


def test_an_unchanged_host_is_not_written(watched: Watched, start_agent: StartAgent) -> None:
    agent = start_agent(watched, TEST, STILL)
    agent.wait_heard(2)
    position = watched.cluster.audit_log.position()
    agent.wait_heard(4)
    assert writes_since(watched, position) == []


def test_kill_9_and_restart_bring_the_same_state_back_without_a_write(
    watched: Watched, start_agent: StartAgent
) -> None:
    agent = start_agent(watched, TEST, STILL)
    agent.wait_heard(2)
    before = watched.node()
    first_holder = watched.lease()["spec"]["holderIdentity"]
    agent.kill()
    position = watched.cluster.audit_log.position()
    start_agent(watched, TEST, STILL).wait_heard(2)
    assert watched.node() == before
    # The one request is the empty patch that reads the status back: the object's version has not moved.
    assert writes_since(watched, position) == ["patch status"]
    watched.wait("a new holder", lambda: watched.lease()["spec"]["holderIdentity"] != first_holder)


def test_an_edited_report_heals(watched: Watched, start_agent: StartAgent) -> None:
    start_agent(watched, TEST, STILL, "--compare-interval=1")
    watched.wait_report()
    truth = watched.report()
    watched.patch_status({"report": {**truth, "generation": 2, "guests": []}})
    watched.wait("healing", lambda: watched.report()["generation"] == 3)
    assert watched.report()["guests"] == truth["guests"]


def test_an_edited_condition_heals_and_another_writers_stays(watched: Watched, start_agent: StartAgent) -> None:
    start_agent(watched, TEST, STILL, "--compare-interval=1")
    watched.wait("a condition", lambda: watched.condition("LibvirtConnected").get("status") == "True")
    foreign = {"type": "Ready", "status": "True", "reason": "X", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    watched.patch_status({"conditions": [{**foreign, "message": "", "observedGeneration": 1}]})
    watched.wait("healing", lambda: watched.condition("LibvirtConnected").get("status") == "True")
    assert watched.condition("Ready")["reason"] == "X"
    assert watched.report()["generation"] == 1


def test_a_deleted_computenode_is_created_again(watched: Watched, start_agent: StartAgent) -> None:
    start_agent(watched, TEST, "--compare-interval=1")
    watched.wait_report()
    old = watched.node()["metadata"]["uid"]
    watched.cluster.kubectl("delete", "computenode", watched.name)
    watched.wait_report()
    assert watched.node()["metadata"]["uid"] != old


def test_what_the_operator_set_in_spec_is_left_alone(watched: Watched, start_agent: StartAgent) -> None:
    agent = start_agent(watched, TEST, "--compare-interval=1")
    watched.wait("a ComputeNode", watched.exists)
    ratios = {"spec": {"allocationRatios": {"vcpus": 1500}}}
    watched.cluster.kubectl("patch", "computenode", watched.name, "--type=merge", "-p", json.dumps(ratios))
    agent.wait_heard(3)
    assert watched.node()["spec"]["allocationRatios"] == {"vcpus": 1500}
    agent.kill()  # of two that live, a machine that stands still for 4 s may choose the first again
    start_agent(watched, TEST).wait_heard(2)
    assert watched.node()["spec"]["allocationRatios"] == {"vcpus": 1500}


def test_a_computenode_of_another_host_is_not_written_until_it_is_gone(
    watched: Watched, start_agent: StartAgent
) -> None:
    other = "11111111-2222-3333-4444-555555555555"
    spec = {"hostUUID": other, "hypervisorHostname": "old", "nodeName": watched.name}
    watched.cluster.apply_objects(
        {
            "apiVersion": "compute.hypertally.dev/v1alpha1",
            "kind": "ComputeNode",
            "metadata": {"name": watched.name},
            "spec": spec,
        }
    )
    agent = start_agent(watched, TEST)
    agent.wait_said(f"stands for host {other}, libvirt says .*kubectl delete computenode {watched.name}")
    assert watched.report() == {}
    assert watched.node()["spec"] == spec
    watched.cluster.kubectl("delete", "computenode", watched.name)
    watched.wait_report()


def test_a_computenode_of_another_node_is_not_written(watched: Watched, start_agent: StartAgent) -> None:
    spec = {"hostUUID": "11111111-2222-3333-4444-555555555555", "hypervisorHostname": "h", "nodeName": "elsewhere"}
    kind = {"apiVersion": "compute.hypertally.dev/v1alpha1", "kind": "ComputeNode"}
    watched.cluster.apply_objects({**kind, "metadata": {"name": watched.name}, "spec": spec})
    start_agent(watched, TEST).wait_said("belongs to node elsewhere, this agent serves .*correct --node-name")
    assert "status" not in watched.node()


def test_two_connections_have_a_computenode_each(watched: Watched, start_agent: StartAgent) -> None:
    second = Path(__file__).with_name("second-host.xml")
    start_agent(watched, TEST, f"--connection=lab=test://{second}")
    for name in (watched.name, f"{watched.name}--lab"):
        watched.wait_report(name)
        assert watched.node(name)["spec"]["nodeName"] == watched.name
    watched.wait("both in the Lease", lambda: watched.audits().keys() == {watched.name, f"{watched.name}--lab"})


class TestLease:
    """It says that the agent lives, and which audits answer for which reports."""

    def test_it_is_renewed_and_proves_the_report_that_the_server_holds(
        self, watched: Watched, start_agent: StartAgent
    ) -> None:
        start_agent(watched, TEST, STILL)
        watched.wait_report()
        node = watched.node()
        watched.wait("an audit in the Lease", lambda: watched.name in watched.audits())
        first = watched.lease()["spec"]
        assert first["holderIdentity"].startswith(f"{watched.name}_")
        assert first["leaseDurationSeconds"] == 4
        proof = watched.audits()[watched.name]
        assert (proof["uid"], proof["reportGeneration"]) == (node["metadata"]["uid"], 1)
        watched.wait("a renewal", lambda: watched.lease()["spec"]["renewTime"] > first["renewTime"])
        assert watched.lease()["spec"]["acquireTime"] == first["acquireTime"]
        watched.wait("newer audits", lambda: watched.audits()[watched.name]["audit"] >= proof["audit"] + 2)
        assert watched.audits()[watched.name]["reportGeneration"] == 1

    def test_an_incomplete_audit_proves_nothing(self, watched: Watched, start_agent: StartAgent) -> None:
        agent = start_agent(watched, TEST, "--instances-path=/no/such/folder")
        watched.wait("a condition", lambda: watched.condition("InventoryComplete") != {})
        agent.wait_heard(2)
        assert watched.audits() == {}
        condition = watched.condition("InventoryComplete")
        assert (condition["status"], condition["reason"]) == ("False", "PartsUnknown")
        assert "/no/such/folder does not exist" in condition["message"]
        assert agent.metric("inventory_problems") == 3, "three parts hang on that folder"
        watched.wait("ready, since what could be read is fresh", lambda: agent.metric("ready") == 1)

    def test_a_namespace_that_is_missing_is_told_with_the_remedy(
        self, watched: Watched, start_agent: StartAgent
    ) -> None:
        agent = start_agent(watched, TEST, "--lease-namespace=elsewhere")
        agent.wait_said("Lease elsewhere/.* cannot be renewed: .*kubectl create namespace elsewhere")
        assert agent.metric("lease_renew_failures_total") >= 1


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_probes_are_well_once_an_audit_succeeded(watched: Watched, start_agent: StartAgent, path: str) -> None:
    agent = start_agent(watched, TEST)
    agent.wait_audits(1)
    # An audit is fresh for 3 s here, and the server publishes the schema some time after it serves the kinds.
    watched.wait(f"{path} to be well", lambda: agent.probe(path) == (200, "ok\n"))


def test_the_lease_namespace_is_the_default_of_the_design() -> None:
    assert NAMESPACE == "hypertally-system"


def test_a_restart_keeps_last_known_values_of_what_can_no_longer_be_read(
    watched: Watched, start_agent: StartAgent
) -> None:
    agent = start_agent(watched, TEST)
    watched.wait_report()
    agent.kill()
    before = watched.report()
    start_agent(watched, TEST, "--instances-path=/no/such/folder")
    watched.wait("the unknown part", lambda: watched.condition("InventoryComplete").get("status") == "False")
    assert watched.report() == before


def test_with_the_timer_off_the_host_is_reported_once_and_ready(watched: Watched, start_agent: StartAgent) -> None:
    agent = start_agent(watched, TEST, "--interval=-1", "--compare-interval=1")
    watched.wait_report()
    watched.cluster.kubectl("delete", "computenode", watched.name)
    watched.wait_report()
    assert agent.metric("audits_total") == 1
    watched.wait("ready", lambda: agent.probe("/readyz") == (200, "ok\n"))


def test_a_renamed_host_is_reported_and_the_name_in_spec_stays(watched: Watched, start_agent: StartAgent) -> None:
    """A renamed host is told, not obeyed: its identity is the UUID."""
    agent = start_agent(watched, TEST)
    watched.wait_report()
    agent.kill()
    node = watched.node()
    watched.cluster.kubectl("delete", "computenode", watched.name)
    renamed = {**node["spec"], "hypervisorHostname": "former-name"}
    kind = {"apiVersion": node["apiVersion"], "kind": node["kind"], "metadata": {"name": watched.name}}
    watched.cluster.apply_objects({**kind, "spec": renamed})
    start_agent(watched, TEST).wait_said("says 'former-name' and keeps it: if the host was renamed for good, kubectl")
    watched.wait("a report", lambda: bool(watched.report()))
    assert watched.node()["spec"]["hypervisorHostname"] == "former-name"
