"""Ready, and what a ledger survives: silence, deletion, an editor's hand, a restart, a second controller."""

from pathlib import Path
from uuid import uuid4

import pytest

from devcluster import CONTROLLER, Cluster
from tests.support.fleet import Fleet, controller
from tests.support.samples import amounts


def test_ready_is_one_summary_with_a_reason(fleet: Fleet) -> None:
    host = fleet.host()
    fleet.until(lambda: host.ready() == ("True", "Ready"), "Ready")
    host.report(connected="False")
    fleet.until(lambda: host.ready() == ("False", "LibvirtDown"), "LibvirtDown")


def test_a_silent_agent_makes_ready_unknown_and_its_next_renewal_true_again(fleet: Fleet) -> None:
    host = fleet.host()
    fleet.until(lambda: host.ready() == ("Unknown", "AgentSilent"), "AgentSilent")
    host.look()
    fleet.until(lambda: host.ready() == ("True", "Ready"), "Ready")


def test_a_node_object_made_anew_gets_back_what_was_granted_before_anything_new(fleet: Fleet) -> None:
    host = fleet.host()
    names = [fleet.instance(host.name, memoryMiB=4096) for _ in range(2)]
    for name in names:
        fleet.wait_for_home(name, host.name)
    waiting = fleet.instance(host.name, memoryMiB=4096)
    fleet.wait_for_reason(waiting, "InsufficientResources")
    fleet.nodes.delete(host.name)
    host.create()
    fleet.until(lambda: len(host.claims()) == 2, "both claims to be back")
    assert {uuid for uuid, _ in host.claims()} == {fleet.uuid_of(name) for name in names}


def test_a_ledger_edited_by_hand_is_put_right(fleet: Fleet) -> None:
    host = fleet.host()
    name = fleet.instance(host.name)
    fleet.wait_for_home(name, host.name)
    ledger = host.ledger
    forged = {**ledger, "generation": ledger["generation"] + 1, "claims": [], "allocated": {}, "free": {}}
    zeros = amounts(0, 0, 0)
    forged |= {"allocated": zeros, "free": zeros}
    assert fleet.nodes.merge_status(host.name, {"status": {"ledger": forged}}).object
    host.wait_roles(fleet.uuid_of(name), "Running")
    assert host.free()["memoryMiB"] == 7168


def test_a_malformed_annotation_of_a_lease_proves_nothing_and_stops_nothing(fleet: Fleet) -> None:
    host = fleet.host()
    annotation = "compute.hypertally.dev/audits=no json"
    fleet.cluster.kubectl("annotate", "lease", host.name, "-n", "hypertally-system", "--overwrite", annotation)
    name = fleet.instance(host.name)
    fleet.wait_for_home(name, host.name)


@pytest.fixture
def alone(lone_cluster: Cluster) -> Fleet:
    """A fleet whose controllers the test starts itself."""
    return Fleet(lone_cluster)


def test_a_killed_controller_comes_back_to_the_same_state_and_writes_nothing(alone: Fleet, tmp_path: Path) -> None:
    host, other = alone.host(), alone.host()
    kubeconfig, log = alone.cluster.kubeconfig_for("controller"), tmp_path / "log"
    with controller(kubeconfig, log) as first:
        name = alone.instance(host.name)
        alone.wait_for_reason(name, "Claimed")
        refused = alone.instance(host.name, vcpus=100)
        alone.wait_for_reason(refused, "InsufficientResources")
        alone.until(lambda: {host.ready(), other.ready()} == {("True", "Ready")}, "Ready")
        before = [host.object, alone.instances.get(name), alone.instances.get(refused)]
        first.kill()
    position = alone.cluster.audit_log.position()
    with controller(kubeconfig, log):
        probe = alone.instance(other.name)
        alone.wait_for_home(probe, other.name)
    writes = alone.cluster.audit_log.writes(since=position, user=CONTROLLER)
    assert {w.name for w in writes if w.resource == "instances"} == {probe}
    assert {w.name for w in writes if w.resource == "computenodes"} == {other.name}
    assert [host.object, alone.instances.get(name), alone.instances.get(refused)] == before


def test_a_restart_makes_no_host_ready_whose_agent_was_silent(alone: Fleet, tmp_path: Path) -> None:
    dead, other = alone.host(), alone.host()
    kubeconfig, log = alone.cluster.kubeconfig_for("controller"), tmp_path / "log"
    with controller(kubeconfig, log, "--agent-grace=2"):
        alone.until(lambda: dead.ready() == ("Unknown", "AgentSilent"), "AgentSilent")
    before = dead.object
    with controller(kubeconfig, log, "--agent-grace=600"):
        alone.wait_for_home(alone.instance(other.name), other.name)
        assert dead.object == before
        dead.look()
        alone.until(lambda: dead.ready() == ("True", "Ready"), "Ready")


def test_an_instance_deleted_while_no_controller_runs_is_let_go(alone: Fleet, tmp_path: Path) -> None:
    host = alone.host()
    kubeconfig, log = alone.cluster.kubeconfig_for("controller"), tmp_path / "log"
    with controller(kubeconfig, log):
        name = alone.instance(host.name)
        alone.wait_for_home(name, host.name)
        uuid = alone.uuid_of(name)
    alone.instances.delete(name)
    with controller(kubeconfig, log):
        host.wait_roles(uuid, "Leaving")


def test_an_api_server_that_was_killed_is_waited_for(alone: Fleet, tmp_path: Path) -> None:
    host = alone.host()
    with controller(alone.cluster.kubeconfig_for("controller"), tmp_path / "log") as process:
        alone.wait_for_home(alone.instance(host.name), host.name)
        alone.cluster.apiserver.kill()
        alone.cluster.apiserver.start()
        alone.wait_for_home(alone.instance(host.name), host.name)
        assert process.poll() is None
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_two_controllers_at_once_never_hold_one_unit_twice(alone: Fleet, tmp_path: Path) -> None:
    host = alone.host(memoryMiB=512 + 20 * 1024, vcpus=100)
    kubeconfig = alone.cluster.kubeconfig_for("controller")
    with controller(kubeconfig, tmp_path / "one"), controller(kubeconfig, tmp_path / "two"):
        names = [alone.instance(host.name, uuid=str(uuid4())) for _ in range(40)]
        alone.wait_for_last_words(names, 20)
        assert len(host.claims()) == 20
        assert host.free()["memoryMiB"] == 0
