"""A private Ceph: real, and gone without a trace."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import devceph
from devceph import Ceph, CephError, MissingPart


def daemons_of(directory: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].startswith(b"ceph-") and f"{directory}/ceph.conf".encode() in words:
            found.append(words[0].decode())
    return sorted(found)


def test_it_keeps_an_image(ceph: Ceph) -> None:
    ceph.run("rbd", "create", "vms/kept", "--size", "64M")
    assert ceph.run("rbd", "ls", "vms") == "kept"
    ceph.run("rbd", "rm", "--no-progress", "vms/kept")
    assert daemons_of(str(ceph.directory)) == ["ceph-mgr", "ceph-mon", "ceph-osd"]


def test_a_refusal_says_what_was_asked_and_why_not(ceph: Ceph) -> None:
    with pytest.raises(CephError, match=r"^ceph osd pool get: .*unrecognized pool 'none'"):
        ceph.ceph("osd", "pool", "get", "none", "size")


PARENT = """\
from devceph import Ceph
ceph = Ceph.start()
print(ceph.directory, flush=True)
input()
"""


def test_nothing_is_left_of_it_when_its_parent_is_killed() -> None:
    hack = str(Path(devceph.__file__).parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": hack},
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        directory = parent.stdout.readline().strip()
        assert daemons_of(directory) == ["ceph-mgr", "ceph-mon", "ceph-osd"]
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while daemons_of(directory) or Path(directory).exists():
        assert time.monotonic() < deadline, "the daemons or their files outlive their parent"
        time.sleep(0.05)


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: program if program == "unshare" else None)
    with pytest.raises(
        MissingPart, match="install with: apt-get install ceph-base ceph-common ceph-mgr ceph-mon ceph-osd"
    ):
        Ceph.start()


def test_whoever_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MissingPart, match="needs root"):
        Ceph.start()
