"""`python -m devcluster`: clusters that outlive the shell that started them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devcluster import wait_until
from devcluster.state import find_home
from tests.hack.processes import wait_until_dead

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 90.0

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    """An environment whose clusters are this test's own."""
    return {**os.environ, "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "hack")}


@pytest.fixture
def devcluster(state: dict[str, str]) -> Iterator[Run]:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "devcluster", *arguments]
        return subprocess.run(
            command, env=state, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    yield run
    run("down", "--all")


def exported(output: str) -> dict[str, str]:
    pairs = (line.removeprefix("export ").split("=", 1) for line in output.splitlines())
    return dict(pairs)


def test_a_cluster_is_used_from_another_shell_until_it_is_taken_down(devcluster: Run, state: dict[str, str]) -> None:
    up = devcluster("up", "--name", "one", "--crds", "crds")
    assert up.returncode == 0, up.stderr
    assert up.stdout == devcluster("env", "--name", "one").stdout

    shell = f"{up.stdout}\nkubectl get crds -o name"
    listed = subprocess.run(["sh", "-c", shell], env=state, capture_output=True, text=True, timeout=30, check=True)
    assert "customresourcedefinition.apiextensions.k8s.io/computenodes.compute.hypertally.dev" in listed.stdout

    status = devcluster("status").stdout
    assert "one" in status
    assert "Up" in status

    facts = find_home("one", state).facts()
    assert facts is not None
    assert devcluster("down", "--name", "one").returncode == 0
    wait_until_dead(facts.pid)
    assert not find_home("one", state).path.exists()


def test_up_twice_is_the_same_cluster(devcluster: Run) -> None:
    first = devcluster("up", "--name", "one")
    second = devcluster("up", "--name", "one")

    assert second.stdout == first.stdout
    assert "cluster one is up already" in second.stderr


def test_a_supervisor_whose_api_server_dies_ends_and_status_shows_its_log(
    devcluster: Run, state: dict[str, str]
) -> None:
    devcluster("up", "--name", "one")
    home = find_home("one", state)
    facts = home.facts()
    assert facts is not None
    children = Path(f"/proc/{facts.pid}/task").glob("*/children")
    for pid in " ".join(path.read_text() for path in children).split():
        os.kill(int(pid), signal.SIGKILL)

    wait_until(lambda: not home.is_supervised(), seconds=SECONDS, what="the supervisor to end")

    assert "ended by itself" in home.log.read_text()
    assert str(home.log) in devcluster("status").stdout


def test_a_cluster_that_does_not_come_up_says_why(devcluster: Run) -> None:
    up = devcluster("up", "--name", "one", "--apiserver-arg=--no-such-flag")

    assert up.returncode == 1
    assert "unknown flag: --no-such-flag" in up.stderr
    assert "Traceback" not in up.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["env", "--name", "none"], "error: no cluster none is up: make cluster-up starts one"),
        (["down", "--name", "none"], "error: there is no cluster none: make cluster-status lists them"),
        (["up", "--name", "../etc"], "error: '../etc' cannot be the name of a cluster"),
        (["up", "--crds", "no-such-folder"], "error: --crds no-such-folder: there is no such file or folder"),
    ],
)
def test_a_mistake_ends_in_one_clear_line(devcluster: Run, arguments: list[str], message: str) -> None:
    done = devcluster(*arguments)

    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_programs_says_where_each_program_is(devcluster: Run) -> None:
    said = devcluster("programs").stdout.splitlines()

    assert [line.split()[0] for line in said] == ["etcd", "kube-apiserver", "kubectl"]
    assert all(Path(line.split()[1]).is_file() for line in said)
