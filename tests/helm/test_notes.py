"""What Helm says after an install: the next command, and what is dangerous in the values."""

import shlex

import pytest

from tests.helm.chart import CHART, HELMS, NAMESPACE, run, template

#: The label that the notes propose.
HYPERVISOR = "node-restriction.kubernetes.io/hypervisor"


def notes(*values: str) -> str:
    """As Helm 4 tells without a cluster, which Helm 3 does not."""
    settings = [part for value in values for part in ("--set", value)]
    done = run("Helm 4", "install", "hypertally", CHART, "--namespace", NAMESPACE, "--dry-run=client", *settings)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("\nNOTES:\n")[2]


def command(said: str, beginning: str) -> list[str]:
    (line,) = [line for line in said.splitlines() if line.strip().startswith(beginning)]
    return shlex.split(line)


def test_they_say_how_to_wait_for_every_agent_as_helm_may_not() -> None:
    said = notes()

    assert command(said, "kubectl --namespace") == [
        "kubectl", "--namespace", NAMESPACE, "rollout", "status", "daemonset/hypertally-agent", "--timeout=5m"
    ]  # fmt: skip
    assert "Wait for all of them; helm --wait may be content with fewer" in said


class TestWhereEveryNodeIsMeant:
    def test_they_ask_whether_each_has_libvirt_and_say_what_becomes_of_upgrades(self) -> None:
        assert "On one without /run/libvirt the agent waits" in notes()
        assert "as agent.maxUnavailable allows (10%), no upgrade goes on" in notes()

    @pytest.mark.parametrize("helm", HELMS)
    def test_their_commands_name_the_nodes_that_have_it(self, helm: str) -> None:
        said = notes()
        label = command(said, "kubectl label node")
        upgrade = command(said, f"helm --namespace {NAMESPACE} upgrade")

        assert label == ["kubectl", "label", "node", "NODE...", f"{HYPERVISOR}=true"]
        assert upgrade[3:6] == ["upgrade", "hypertally", "CHART"]
        shown = template(helm, *upgrade[7:], "--show-only", "templates/agent.yaml").stdout
        assert f'nodeSelector:\n        kubernetes.io/os: linux\n        {HYPERVISOR}: "true"\n' in shown

    @pytest.mark.parametrize(
        "chosen",
        [
            r"agent.nodeSelector.example\.org/hypervisor=yes",
            "agent.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key=metadata.name",
        ],
    )
    def test_whoever_has_chosen_is_not_asked(self, chosen: str) -> None:
        assert "libvirt on every one" not in notes(chosen)


class TestDangers:
    def test_libvirts_group_is_called_what_it_is(self) -> None:
        said = notes("agent.libvirt.groupId=118")

        assert "WARNING: the agents are in group 118 (agent.libvirt.groupId)" in said
        assert "who may use libvirt-sock is root on the host" in said
        assert 'unix_sock_ro_perms = "0777"' in said

    def test_no_selector_is_every_node(self) -> None:
        assert "The agents run on every node. Wait" in notes("agent.nodeSelector=null")

    def test_the_images_user_is_not_root(self) -> None:
        assert "WARNING" not in notes("agent.podSecurityContext=null")

    def test_root_needs_no_group(self) -> None:
        said = notes("agent.podSecurityContext.runAsUser=0", "agent.podSecurityContext.runAsNonRoot=false")

        assert "WARNING: the agents run as root." in said

    def test_agents_on_the_nodes_network_are_open_to_whoever_reaches_a_node(self) -> None:
        assert "reaches port 19178" in notes("agent.hostNetwork=true", "agent.port=19178")

    def test_without_policies_a_token_is_good_for_every_host(self) -> None:
        assert "may write for every host" in notes("policies.enabled=false")

    def test_the_defaults_have_none(self) -> None:
        said = notes()

        assert not any(word in said for word in ("WARNING", "hostNetwork", "policies.enabled"))
