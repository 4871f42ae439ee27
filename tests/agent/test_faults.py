"""Real parts that die, freeze and come back; nothing is lost, nothing else is disturbed, and the end comes in time."""

import time
from pathlib import Path

import pytest

from devcluster.waiting import wait_until
from devhost import Host
from tests.conftest import CRDS

from .conftest import DEADLINE, NOBODY_ELSES, STILL, STOP_SECONDS, AgentProcess, StartAgent, Watched

TEST = "--connection=test:///default"
SECOND = f"--connection=lab=test://{Path(__file__).with_name('second-host.xml')}"


def connection(host: Host) -> str:
    return f"--connection={host.uri}"


def wait_until_it_hangs(agent: AgentProcess) -> None:
    """Nothing tells that an audit is under way and will not end: none has ended for twice as long as from one to the
    next."""
    seen, since = -1.0, time.monotonic()

    def hangs() -> bool:
        nonlocal seen, since
        if (audits := agent.metric("audits_total")) != seen:
            seen, since = audits, time.monotonic()
        return time.monotonic() - since > 2

    wait_until(hangs, seconds=DEADLINE, what="an audit that does not end")


class TestAHost:
    """A real libvirtd with real guests."""

    def test_a_guest_that_starts_and_stops_shows_up_between_two_audits_of_the_timer(
        self, watched: Watched, start_agent: StartAgent, host: Host
    ) -> None:
        agent = start_agent(watched, connection(host), "--interval=600")
        watched.wait_report()
        guest = f"g-{watched.name[:20]}"
        host.start_guest(guest)
        watched.wait("the guest", lambda: watched.guests().get(guest) == "Running")
        assert watched.node()["spec"]["hostUUID"] == host.host_uuid
        host.virsh("suspend", guest)
        watched.wait("its pause", lambda: watched.guests().get(guest) == "Paused")
        host.destroy_guest(guest)
        watched.wait("its end", lambda: watched.guests().get(guest) == "Shutoff")
        host.virsh("undefine", guest)
        watched.wait("its disappearance", lambda: guest not in watched.guests())
        assert "status is published, report 1" in agent.messages()

    def test_a_killed_libvirtd_costs_the_connection_and_no_number(
        self, watched: Watched, start_agent: StartAgent, own_host: Host
    ) -> None:
        own_host.start_guest("kept")
        agent = start_agent(watched, connection(own_host), *NOBODY_ELSES)
        watched.wait("the guest", lambda: watched.exists() and watched.guests() == {"kept": "Running"})
        before = watched.report()
        own_host.kill()
        watched.wait("the loss", lambda: watched.condition("LibvirtConnected").get("status") == "False")
        lost = watched.condition("LibvirtConnected")
        assert lost["reason"] == "ConnectionFailed"
        assert own_host.uri in lost["message"]
        assert watched.report() == before
        assert watched.condition("InventoryComplete")["status"] == "True"
        assert agent.probe("/healthz")[0] == 200
        renewed = watched.lease()["spec"]["renewTime"]
        watched.wait("a Lease that goes on", lambda: watched.lease()["spec"]["renewTime"] > renewed)
        own_host.restart()
        watched.wait("the way back", lambda: watched.condition("LibvirtConnected").get("status") == "True")
        assert watched.condition("LibvirtConnected")["lastTransitionTime"] >= lost["lastTransitionTime"]
        own_host.destroy_guest("kept")
        watched.wait("its guest's end", lambda: watched.guests() == {"kept": "Shutoff"})

    def test_a_frozen_libvirtd_is_noticed_and_disturbs_nobody_else(
        self, watched: Watched, start_agent: StartAgent, own_host: Host
    ) -> None:
        agent = start_agent(watched, connection(own_host), SECOND, "--libvirt-timeout=1")
        watched.wait("a report", lambda: watched.condition("LibvirtConnected").get("status") == "True")
        own_host.freeze()
        watched.wait("the loss", lambda: watched.condition("LibvirtConnected").get("status") == "False")
        assert watched.condition("LibvirtConnected")["reason"] == "DeadlineExceeded"
        agent.wait_audits(3, compute_node=f"{watched.name}--lab", result="complete")
        renewed = watched.lease()["spec"]["renewTime"]
        watched.wait("a Lease that goes on", lambda: watched.lease()["spec"]["renewTime"] > renewed)
        assert agent.metric("hanging_calls") >= 1
        own_host.thaw()
        watched.wait("the way back", lambda: watched.condition("LibvirtConnected").get("status") == "True")
        wait_until(lambda: agent.metric("hanging_calls") == 0, seconds=DEADLINE, what="the calls that hung")

    def test_while_libvirt_hangs_the_end_still_comes_in_time(
        self, watched: Watched, start_agent: StartAgent, own_host: Host
    ) -> None:
        agent = start_agent(watched, connection(own_host))
        watched.wait_report()
        own_host.freeze()
        wait_until_it_hangs(agent)
        assert agent.is_running()
        assert agent.terminate(within=STOP_SECONDS) == 0

    def test_a_libvirt_that_is_not_there_yet_is_waited_for(
        self, watched: Watched, start_agent: StartAgent, own_host: Host
    ) -> None:
        own_host.kill()
        agent = start_agent(watched, connection(own_host))
        agent.wait_said("cannot connect .* start libvirtd or virtqemud here")
        assert not watched.exists()
        said = (503, f"{watched.name}: no audit has succeeded yet\n")
        watched.wait("this complaint and no other", lambda: agent.probe("/readyz") == said)
        own_host.restart()
        watched.wait_report()

    def test_two_connections_to_one_host_are_told_apart_from_two_hosts(
        self, watched: Watched, start_agent: StartAgent, host: Host
    ) -> None:
        same = host.uri.replace("qemu:", "qemu+unix:")
        agent = start_agent(watched, connection(host), f"--connection=again={same}")
        agent.wait_said(rf"connections .*\({watched.name}\) and .*\({watched.name}--again\) lead to one host")
        watched.wait_report()
        assert not Watched(watched.cluster, f"{watched.name}--again").exists()


class TestTheApiServer:
    def test_an_api_server_that_is_killed_costs_nothing_but_time(
        self, own_watched: Watched, start_agent: StartAgent, host: Host
    ) -> None:
        cluster = own_watched.cluster
        agent = start_agent(own_watched, connection(host), "--connection=unchanged=test:///default", STILL)
        own_watched.wait_report(f"{own_watched.name}--unchanged")
        own_watched.wait_report()
        before = own_watched.node(f"{own_watched.name}--unchanged")
        cluster.apiserver.kill()
        lease = f"Lease hypertally-system/{own_watched.name}"
        agent.wait_said(f"{lease} cannot be renewed: API server .*: Connection refused")
        host.start_guest("meanwhile", transient=True)
        agent.wait_audits(2, compute_node=own_watched.name)
        assert agent.probe("/healthz")[0] == 200
        own_watched.wait("ready, since audits are fresh", lambda: agent.probe("/readyz")[0] == 200)
        cluster.apiserver.start()
        own_watched.wait("what happened meanwhile", lambda: own_watched.guests().get("meanwhile") == "Running")
        agent.wait_said(f"{lease} is renewed again")
        assert own_watched.node(f"{own_watched.name}--unchanged") == before
        host.destroy_guest("meanwhile")

    def test_an_api_server_that_is_not_there_yet_is_waited_for(
        self, own_watched: Watched, start_agent: StartAgent
    ) -> None:
        own_watched.cluster.apiserver.kill()
        agent = start_agent(own_watched, TEST)
        agent.wait_audits(1, result="complete")
        own_watched.cluster.apiserver.start()
        own_watched.wait_report()

    def test_an_agent_that_starts_meanwhile_keeps_last_known_values_of_what_it_cannot_read(
        self, own_watched: Watched, start_agent: StartAgent
    ) -> None:
        """It learns them only after it has looked several times."""
        first = start_agent(own_watched, TEST)
        own_watched.wait_report()
        first.kill()
        before = own_watched.report()
        own_watched.cluster.apiserver.kill()
        start_agent(own_watched, TEST, "--instances-path=/no/such/folder").wait_audits_in_all(3)
        own_watched.cluster.apiserver.start()
        own_watched.wait("the unknown part", lambda: own_watched.condition("InventoryComplete")["status"] == "False")
        assert own_watched.report() == before

    def test_missing_crds_are_told_with_the_remedy_and_waited_for(
        self, own_watched: Watched, start_agent: StartAgent
    ) -> None:
        cluster = own_watched.cluster
        cluster.kubectl("delete", "crd", "computenodes.compute.hypertally.dev")
        agent = start_agent(own_watched, TEST)
        agent.wait_said("the CRDs are not installed: kubectl apply --server-side -f crds/")
        cluster.apply(CRDS)
        agent.wait_said("status is published, report 1")

    def test_missing_rights_are_told_by_verb_and_resource(self, watched: Watched, start_agent: StartAgent) -> None:
        agent = start_agent(watched, TEST, user="nobody")
        agent.wait_said('cannot patch resource "computenodes/status" .*: a ClusterRole or Role must allow it')
        agent.wait_said('cannot patch resource "leases" in API group "coordination.k8s.io"')
        assert agent.is_running()

    def test_credentials_that_are_not_accepted_are_told_with_the_remedy(
        self, watched: Watched, start_agent: StartAgent, tmp_path: Path
    ) -> None:
        text = watched.cluster.kubeconfig.read_text().replace(watched.cluster.token, "expired")
        path = tmp_path / "expired"
        path.write_text(text)
        start_agent(watched, TEST, f"--kubeconfig={path}").wait_said("does not accept these credentials .*: renew")


@pytest.mark.parametrize("signal_at", ["once it serves", "at its start"])
def test_the_end_comes_in_time(watched: Watched, start_agent: StartAgent, signal_at: str) -> None:
    agent = start_agent(watched, TEST)
    if signal_at == "once it serves":
        agent.wait_audits(1)
    else:
        agent.wait_said("serving")
    assert agent.terminate(within=STOP_SECONDS) == 0


def test_after_a_clean_end_the_lease_still_lives(watched: Watched, start_agent: StartAgent) -> None:
    agent = start_agent(watched, TEST)
    watched.wait("an audit in the Lease", lambda: watched.exists() and watched.name in watched.audits())
    agent.terminate(within=STOP_SECONDS)
    assert watched.lease()["spec"]["holderIdentity"].startswith(watched.name)


def test_a_signal_that_another_thread_is_given_ends_it_too(watched: Watched, start_agent: StartAgent) -> None:
    agent = start_agent(watched, "--connection=test:///default")
    agent.wait_audits(1)
    assert agent.terminate(within=STOP_SECONDS, by_another_thread=True) == 0
