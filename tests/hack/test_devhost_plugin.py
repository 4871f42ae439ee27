"""The host that all tests of a run share: no test finds what another one left there."""

import os
import subprocess
import sys
from pathlib import Path

HACK = Path(__file__).resolve().parents[2] / "hack"
TESTS = """
def test_that_fails_leaves_guests(host):
    host.start_guest("left")
    host.define_guest("left-too")
    assert False

def test_that_passes_finds_none(host):
    assert host.virsh("list", "--all", "--name") == ""

def test_that_passes_leaves_one(host):
    host.start_guest("forgotten", transient=True)

def test_that_removes_its_own_is_not_told(host):
    assert host.virsh("list", "--all", "--name") == ""
    host.start_guest("mine")
    host.destroy_guest("mine")
    host.undefine("mine")
"""


def test_a_guest_that_is_left_is_removed_and_told_unless_its_test_failed(tmp_path: Path) -> None:
    file = tmp_path / "test_inner.py"
    file.write_text(TESTS)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "devhost.pytest_plugin", "-p", "no:cacheprovider", "-rA", file],
        capture_output=True, text=True, timeout=110, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HACK)},
    )  # fmt: skip

    said = [line for line in done.stdout.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR"))]
    assert [line.split()[0] for line in said] == ["PASSED"] * 3 + ["ERROR", "FAILED"], done.stdout
    assert "it left on the shared host: forgotten; remove them, or take own_host" in done.stdout
