"""What the Pods run: settings that the programs understand, and no more rights on the host than they need."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hypertally.agent import options as agent_options
from hypertally.agent.settings import Settings as AgentSettings
from hypertally.api.names import LEADER_LEASE
from hypertally.controller import options as controller_options
from hypertally.controller.errands import errand
from hypertally.controller.settings import Settings as ControllerSettings
from tests.helm.chart import NAMESPACE, VALUES, Object, find, objects, pods, value_file

by_values = pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)

#: What a kubelet would fill in.
FROM_THE_POD = {"spec.nodeName": "node-1", "status.hostIP": "192.0.2.1"}

DEFAULT = value_file("default")


def environment(container: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for each in container["env"]:
        source = each.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        found[each["name"]] = FROM_THE_POD[source] if source else each["value"]
    return found


def component(values: Path, name: str) -> Object:
    """The DaemonSet or the Deployment."""
    kind = {"agent": "DaemonSet", "controller": "Deployment"}[name]
    (found,) = [each for each in objects(values) if each["kind"] == kind]
    return found


def told(values: Path, name: str, tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of a program, its file being where the arguments say."""
    maker = component(values, name)
    (container,) = maker["spec"]["template"]["spec"]["containers"]
    file = tmp_path / f"{name}.yaml"
    file.write_text(find(values, "ConfigMap", maker["metadata"]["name"])["data"][file.name])
    assert container["args"] == ["--config", f"/etc/hypertally/{file.name}"]
    return ["--config", str(file)], environment(container)


def agent(values: Path, tmp_path: Path) -> AgentSettings:
    return agent_options.parse(*told(values, "agent", tmp_path))


def controller(values: Path, tmp_path: Path) -> ControllerSettings:
    return controller_options.parse(*told(values, "controller", tmp_path))


@by_values
def test_the_agent_understands_its_settings(values: Path, tmp_path: Path) -> None:
    settings = agent(values, tmp_path)

    assert (settings.node_name, settings.lease_namespace) == ("node-1", NAMESPACE)


@by_values
def test_the_controller_understands_its_settings_and_stands_for_election(values: Path, tmp_path: Path) -> None:
    settings = controller(values, tmp_path)

    assert (settings.leader_elect, settings.lease_namespace) == (True, NAMESPACE)


def test_settings_arrive_as_they_are_written(tmp_path: Path) -> None:
    values = value_file("every-setting")
    settings = agent(values, tmp_path)

    assert (settings.compare_interval, settings.libvirt_timeout) == (1_000_000.0, 7.5)
    assert settings.audit.file_backed_memory_mib == 33_554_432
    assert settings.audit.cpu_dedicated_set == frozenset({5})
    assert len(settings.audit.device_spec) == 1
    assert controller(values, tmp_path).keep_vanished == 31_536_000.0


def test_a_host_says_its_nodes_address_unless_it_is_told_another(tmp_path: Path) -> None:
    assert agent(DEFAULT, tmp_path).audit.host_ip == "192.0.2.1"
    assert agent(value_file("host-network"), tmp_path).audit.host_ip == "192.0.2.7"


@by_values
def test_the_programs_listen_where_the_probes_ask(values: Path, tmp_path: Path) -> None:
    for settings, name in ((agent(values, tmp_path), "agent"), (controller(values, tmp_path), "controller")):
        (container,) = component(values, name)["spec"]["template"]["spec"]["containers"]
        assert settings.listen is not None
        assert container["ports"] == [{"name": "http", "containerPort": settings.listen.port}]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] == "http"


def test_the_controllers_know_which_nodes_agents_are_meant_for(tmp_path: Path) -> None:
    selector = controller(value_file("host-network"), tmp_path).agent_nodes

    assert selector.matches({"example.org/hypervisor": "true", "kubernetes.io/os": "linux"})
    assert not selector.matches({"kubernetes.io/os": "linux"})
    assert controller(value_file("every-setting"), tmp_path).agent_nodes.matches({"example.org/hypervisor": ""})
    assert controller(DEFAULT, tmp_path).agent_nodes.matches({"kubernetes.io/os": "linux"})


@by_values
def test_the_policies_know_the_accounts_and_the_lease_that_the_programs_use(values: Path, tmp_path: Path) -> None:
    lease = controller(values, tmp_path).leader_lease_name
    policies = [str(each) for each in objects(values) if each["kind"] == "ValidatingAdmissionPolicy"]
    for name in ("agent", "controller"):
        account = component(values, name)["spec"]["template"]["spec"]["serviceAccountName"]
        told_of = [text for text in policies if f"system:serviceaccount:{NAMESPACE}:{account}'" in text]
        assert len(told_of) == (0 if values.stem == "least" else {"agent": 3, "controller": 4}[name])
    assert values.stem == "least" or sum(f"'{lease}'" in text for text in policies) == 2
    assert lease == ("tally-leader" if values.stem == "own-registry" else LEADER_LEASE)


@by_values
def test_nothing_may_write_to_its_file_system_or_keep_a_capability_unless_it_is_told_to(values: Path) -> None:
    for name, pod in pods(values):
        (container,) = pod["containers"]
        allowed = values.stem == "lvm" and name == "DaemonSet/hypertally-agent"
        security, of_pod = container["securityContext"], pod["securityContext"]
        assert security["readOnlyRootFilesystem"], name
        assert security["capabilities"] == {"drop": ["ALL"]}, name
        assert security["allowPrivilegeEscalation"] is allowed, name
        assert of_pod["runAsNonRoot"] is not allowed, name
        assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not any(pod.get(key) for key in ("hostPID", "hostIPC")), name


@by_values
def test_the_agent_reads_of_the_host_what_it_needs_and_changes_nothing(values: Path) -> None:
    pod = component(values, "agent")["spec"]["template"]["spec"]
    host = {each["name"]: each["hostPath"] for each in pod["volumes"] if "hostPath" in each}
    mounts = {each["name"]: each for each in pod["containers"][0]["volumeMounts"] if each["name"] in host}

    assert mounts.keys() == host.keys()
    assert [name for name, mount in mounts.items() if not mount.get("readOnly")] == (
        ["devices"] if values.stem == "lvm" else []
    )
    # Else the kubelet would make what is not there.
    assert {name for name, path in host.items() if path.get("type") != "Directory"} <= {"more"}


def test_the_folders_of_images_are_mounted_at_their_own_places_once() -> None:
    pod = component(value_file("host-network"), "agent")["spec"]["template"]["spec"]
    mounts = {each["name"]: each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
    paths = {each["name"]: each["hostPath"]["path"] for each in pod["volumes"] if each["name"].startswith("images")}

    assert paths == {"images-0": "/var/lib/libvirt/images", "images-1": "/srv/images"}
    assert {name: mounts[name] for name in paths} == paths


@by_values
def test_what_a_program_says_last_is_shown_with_its_pod(values: Path) -> None:
    for name, pod in pods(values):
        assert pod["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError", name


@by_values
def test_each_pod_asks_for_the_token_that_its_account_does_not_give_away(values: Path) -> None:
    for name, pod in pods(values):
        assert pod["automountServiceAccountToken"] is True, name
    for each in objects(values):
        if each["kind"] == "ServiceAccount":
            assert each["automountServiceAccountToken"] is False, each["metadata"]["name"]


@by_values
def test_an_upgrade_never_changes_what_a_selector_finds(values: Path) -> None:
    """A selector cannot be changed, so nothing of a version may be in it."""
    for each in objects(values):
        if each["kind"] in ("DaemonSet", "Deployment"):
            assert each["spec"]["selector"]["matchLabels"].keys() == {
                f"app.kubernetes.io/{key}" for key in ("name", "instance", "component")
            }


@by_values
def test_a_change_of_settings_restarts_the_programs_and_one_of_the_chart_alone_does_not(values: Path) -> None:
    for name in ("agent", "controller"):
        metadata = component(values, name)["spec"]["template"]["metadata"]
        assert "checksum/config" in metadata["annotations"]
        assert "helm.sh/chart" not in metadata["labels"]


@by_values
def test_what_the_hooks_run_is_a_command_of_the_controllers_program(values: Path) -> None:
    for name, pod in pods(values):
        (container,) = pod["containers"]
        if not name.startswith(("DaemonSet/", "Deployment/")):
            assert container["command"] == ["hypertally-controller"]
            assert errand(container["args"]) is not None


def test_the_end_of_the_agents_is_theirs_alone() -> None:
    (pod,) = [pod for name, pod in pods(DEFAULT) if name == "Job/hypertally-retire"]
    role = find(DEFAULT, "Role", "hypertally-retire")

    assert pod["containers"][0]["args"] == ["retire", "daemonset", "hypertally-agent", "pod", "hypertally-verify"]
    assert role["rules"] == [
        {"apiGroups": ["apps"], "resources": ["daemonsets"], "resourceNames": ["hypertally-agent"],
         "verbs": ["get", "delete"]},
        {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["hypertally-verify"], "verbs": ["get", "delete"]},
    ]  # fmt: skip


def commands(values: Path) -> dict[str, Object]:
    """The Pods that run a command and end, by what runs them, with their metadata."""
    found = {each["kind"]: each for each in objects(values) if each["kind"] in ("Job", "Pod")}
    return {kind: each["spec"]["template"] if kind == "Job" else each for kind, each in found.items()}


@by_values
def test_what_the_hooks_run_gets_from_the_values_what_the_controller_gets(values: Path) -> None:
    expected = component(values, "controller")["spec"]["template"]
    for pod in commands(values).values():
        for part in ("imagePullSecrets", "priorityClassName", "nodeSelector", "tolerations", "securityContext"):
            assert pod["spec"].get(part) == expected["spec"].get(part), part
        assert pod["metadata"]["labels"].get("team") == expected["metadata"]["labels"].get("team")
        assert pod["metadata"].get("annotations", {}).get("example.org/scan") == (
            expected["metadata"]["annotations"].get("example.org/scan")
        )
        (of_pod,), (of_controller,) = pod["spec"]["containers"], expected["spec"]["containers"]
        assert environment(of_pod).get("TZ") == environment(of_controller).get("TZ")


def test_what_the_hooks_run_is_kept_to_the_controllers_machines_and_not_apart_from_them() -> None:
    values = value_file("own-registry")
    expected = component(values, "controller")["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]

    assert [pod["spec"]["affinity"] for pod in commands(values).values()] == [{"nodeAffinity": expected}] * 2


@by_values
def test_a_network_policy_lets_the_hooks_out_as_it_does_the_programs_and_nobody_in(values: Path) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in objects(values) if each["kind"] == "NetworkPolicy"}
    (mine,) = [name for name in policies if name.endswith("-commands")] or [""]

    assert bool(mine) is (values.stem != "least")
    for pod in commands(values).values():
        spec, labels = policies[mine], pod["metadata"]["labels"]
        (component_of,) = spec["podSelector"]["matchExpressions"]
        assert labels.items() >= spec["podSelector"]["matchLabels"].items()
        assert labels[component_of["key"]] in component_of["values"]
        assert spec["ingress"] == []
        (same,) = {str(each.get("egress")) for each in policies.values()}
        assert same == str(spec.get("egress"))


def test_the_rights_to_end_the_agents_are_made_where_rights_are_made() -> None:
    rights = {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}

    def of_retire(values: str) -> set[str]:
        found = objects(value_file(values))
        return {each["kind"] for each in found if each["metadata"]["name"] == "hypertally-retire"}

    assert of_retire("default") == {*rights, "ServiceAccount", "Job"}
    assert of_retire("rbd") == {"ServiceAccount", "Job"}


@by_values
def test_only_what_runs_is_a_hook_and_what_stays_of_it_is_removed(values: Path) -> None:
    """Helm forgets hooks: an uninstall without them, and one that fails, leave what they made."""
    hooks = [each for each in objects(values) if "helm.sh/hook" in each["metadata"].get("annotations", {})]

    assert {each["kind"] for each in hooks} <= {"Job", "Pod"}
    for each in hooks:
        if each["kind"] == "Job":
            assert each["spec"]["ttlSecondsAfterFinished"] == 3600
            assert each["spec"]["template"]["spec"]["containers"][0]["args"][-2:] == [
                "pod", each["metadata"]["name"].replace("retire", "verify")
            ]  # fmt: skip


def test_the_agent_is_in_libvirts_group_beside_its_own() -> None:
    pod = component(value_file("host-network"), "agent")["spec"]["template"]["spec"]

    assert pod["securityContext"]["supplementalGroups"] == [64055, 118]


@pytest.mark.parametrize(("values", "budgets"), [("default", 1), ("own-registry", 1), ("least", 0)])
def test_a_single_controller_keeps_no_node_from_being_drained(values: str, budgets: int) -> None:
    found = [each for each in objects(value_file(values)) if each["kind"] == "PodDisruptionBudget"]

    assert len(found) == budgets
