"""As its users run it: through kubectl, which finds the plugin and its completion by their names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devcluster import Cluster
from devcluster.ports import free_ports
from hypertally.plugin.complete import answers
from tests.support.fleet import Fleet

PROGRAMS = Path(sys.executable).parent


def _kubectl(cluster: Cluster, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [cluster.programs.kubectl.path, *arguments],
        capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": path, "HOME": str(cluster.directory), "KUBECONFIG": str(cluster.kubeconfig), **environment},
    )  # fmt: skip


def test_kubectl_passes_the_answer_and_the_exit_code_on(fleet: Fleet) -> None:
    host = fleet.host("kubectl")
    host.report(connected="False")
    fleet.until(lambda: host.ready()[0] == "False", "the host to be down")

    done = _kubectl(fleet.cluster, "hypertally", "top", host.name)

    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith(f"{host.name}: Ready is False (LibvirtDown")


def test_kubectl_completes_commands_and_names(fleet: Fleet) -> None:
    host = fleet.host("completed")

    commands = _kubectl(fleet.cluster, "__complete", "hypertally", "unc").stdout.splitlines()
    names = _kubectl(fleet.cluster, "__complete", "hypertally", "explain", host.name[:-1]).stdout.splitlines()

    assert commands == ["uncordon\tLet hosts take guests again.", ":4"]
    assert host.name in names
    assert names[-1] == ":4"


def test_an_instance_is_completed_in_its_namespace(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    name = fleet.instance("")
    monkeypatch.setenv("KUBECONFIG", str(fleet.cluster.kubeconfig))

    assert name in list(answers(["fit", name]))
    assert list(answers(["fit", "-n", "kube-system", name])) == [":4"]


def test_values_of_an_option_are_completed_and_files_are_left_to_the_shell() -> None:
    assert list(answers(["top", "-o", ""])) == ["table", "json", "yaml", ":4"]
    assert list(answers(["fit", "-f", ""])) == [":0"]


def test_without_a_cluster_there_is_nothing_to_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/no/such/file")

    assert list(answers(["top", ""])) == [":4"]


def test_an_api_server_that_is_away_is_one_line(cluster: Cluster, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    away, kubeconfig = f"https://127.0.0.1:{port}", tmp_path / "kubeconfig"
    kubeconfig.write_text(cluster.kubeconfig.read_text().replace(cluster.url, away))

    done = subprocess.run(
        [PROGRAMS / "kubectl-hypertally", "top", "--kubeconfig", kubeconfig],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 3
    assert done.stderr.startswith(f"error: API server {away} (kubeconfig ")
    assert done.stderr.count("\n") == 1
