"""A private volume group: real, and gone without a trace."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import devlvm
from devlvm import LvmError, MissingPart, VolumeGroup


def devices_of(group: str) -> str:
    done = subprocess.run(
        ["pvs", "--noheadings", "-o", "pv_name", "--select", f"vg_name={group}"],
        capture_output=True, text=True, check=True, timeout=30,
        env={**os.environ, "LVM_SUPPRESS_FD_WARNINGS": "1"},
    )  # fmt: skip
    return done.stdout.strip()


def test_it_stands_on_a_device_of_its_own(volume_group: VolumeGroup) -> None:
    assert devices_of(volume_group.name) == volume_group.device


def test_nothing_is_left_of_a_removed_one() -> None:
    with VolumeGroup.make(64) as group:
        assert devices_of(group.name) == group.device
    assert devices_of(group.name) == ""
    group.remove()


def test_a_volume_that_does_not_fit_is_refused(volume_group: VolumeGroup) -> None:
    with pytest.raises(LvmError, match=r"^lvcreate: .*insufficient free space"):
        volume_group.make_volume("huge", 1024)


PARENT = """\
from devlvm import VolumeGroup
group = VolumeGroup.make(64)
print(group.name, flush=True)
input()
"""


def test_nothing_is_left_of_it_when_its_parent_is_killed() -> None:
    hack = str(Path(devlvm.__file__).parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": hack},
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        name = parent.stdout.readline().strip()
        assert devices_of(name)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while devices_of(name):
        assert time.monotonic() < deadline, "the volume group outlives its parent"
        time.sleep(0.05)


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(MissingPart, match="install with: apt-get install lvm2 mount"):
        VolumeGroup.make()
