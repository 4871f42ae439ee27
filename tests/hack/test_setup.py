"""hack/setup: installs what is missing, says why, and does nothing when nothing is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devcluster import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent

Stub = Callable[[str, str], None]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The parts of the project that a setup reads, without an environment."""
    tree = tmp_path / "tree"
    (tree / "hack").mkdir(parents=True)
    shutil.copy(ROOT / "hack" / "setup", tree / "hack")
    shutil.copy(ROOT / "pyproject.toml", tree)
    shutil.copytree(ROOT / "requirements", tree / "requirements")
    return tree


@pytest.fixture
def stub(tmp_path: Path) -> Stub:
    """Puts a shell script before the real program of that name."""
    (tmp_path / "bin").mkdir()

    def put(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return put


def setup(tree: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    path = f"{tree.parent / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        [tree / "hack" / "setup"],
        env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def test_where_nothing_is_missing_nothing_is_done_or_said() -> None:
    command = [ROOT / "hack" / "setup"]
    # Whoever runs the tests without make may have something left to install: the second run has not.
    subprocess.run(command, capture_output=True, timeout=100, check=True)

    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_missing_package_is_named_with_its_reason_and_installed(tree: Path, stub: Stub) -> None:
    stub("dpkg-query", 'for name in "$@"; do [ "$name" = make ] || printf "installed:%s " "$name"; done; exit 1')
    stub("apt-get", f'echo "$*" >>{tree}/asked')
    stub("id", "echo 0")

    done = setup(tree, PYTHON="/bin/false")

    assert "    make                         for the Makefile\n" in done.stderr
    assert "gcc" not in done.stderr
    asked = (tree / "asked").read_text().splitlines()
    assert asked[0].endswith("update")
    assert asked[1].endswith("--no-install-recommends install make")


def test_without_root_and_sudo_the_command_to_run_is_said(tree: Path, stub: Stub) -> None:
    stub("dpkg-query", 'for name in "$@"; do [ "$name" = make ] || printf "installed:%s " "$name"; done')
    stub("apt-get", "exit 1")
    stub("id", "echo 1000")
    stub("sudo", "exit 1")

    done = setup(tree)

    assert done.returncode == 1
    assert "error: root rights are needed. Run as root: apt-get install make\n" in done.stderr


def test_an_installation_that_fails_shows_what_apt_said(tree: Path, stub: Stub) -> None:
    stub("dpkg-query", "exit 1")
    stub("apt-get", "echo E: no such release; exit 100")
    stub("id", "echo 0")

    done = setup(tree)

    assert done.returncode == 1
    assert "E: no such release\n" in done.stderr
    assert "setup: error: apt-get update failed with status 100" in done.stderr


def test_a_python_that_does_not_do_is_refused_with_what_is_needed(tree: Path) -> None:
    done = setup(tree, SKIP_PACKAGES="1", PYTHON="/bin/false")

    assert done.returncode == 1
    assert "error: PYTHON=/bin/false does not do: it must be 3.11 or newer, with venv, pip and Python.h" in done.stderr


def test_what_builds_the_programs_needs_nothing_but_python() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'hack')!r}); import devcluster.cli"

    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""


@pytest.fixture
def environment(tree: Path) -> Callable[[str, str], None]:
    """An environment that is made, and nothing in it: `installs` and `builds` stand in for pip and for the compiler."""
    folder = tree / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "activate").write_text(f"VIRTUAL_ENV={folder.parent}\n")

    def use(installs: str, builds: str) -> None:
        python = folder / "python"
        python.write_text(f'#!/bin/sh\ncase "$*" in *pip*install*) {installs} ;; *devcluster*) {builds} ;; esac\n')
        python.chmod(0o755)

    return use


def test_programs_are_built_while_dependencies_are_installed(
    tree: Path, environment: Callable[[str, str], None]
) -> None:
    """Each waits for the other: one after the other they would wait for ever."""
    meets = f"echo >{tree}/meets"
    os.mkfifo(tree / "meets")
    environment(f'case "$*" in *build.txt*) {meets} ;; esac', f"read line <{tree}/meets")

    done = setup(tree, SKIP_PACKAGES="1")

    assert done.returncode == 0
    assert done.stderr.splitlines()[-1].startswith("setup: installing the project itself, editable: done in ")


def test_dependencies_that_cannot_be_installed_end_the_setup_though_the_programs_were_built(
    tree: Path, environment: Callable[[str, str], None]
) -> None:
    environment("echo no such package; exit 1", f"echo built >{tree}/built")

    done = setup(tree, SKIP_PACKAGES="1")

    assert done.returncode == 1
    assert "no such package\nsetup: error: installing the pinned build tools failed" in done.stderr
    assert done.stderr.endswith("error: the dependencies are not installed: why is said above\n")
    assert (tree / "built").exists()


def test_programs_that_cannot_be_built_end_the_setup_at_once(
    tree: Path, environment: Callable[[str, str], None]
) -> None:
    """Whoever installs ends with it."""
    environment(f"trap 'echo ended >{tree}/ended; exit' TERM; echo >{tree}/begun; while :; do sleep 0.1; done",
                f"read line <{tree}/begun; echo no compiler >&2; exit 1")  # fmt: skip
    os.mkfifo(tree / "begun")

    done = setup(tree, SKIP_PACKAGES="1")

    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "no compiler")
    wait_until((tree / "ended").exists, seconds=30, what="the installation to end")
