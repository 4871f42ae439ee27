"""A volume group on a loop device that ends with this process, however that ends.

The kernel does it: the backing file is unlinked once the device is attached, and a device that is detached while
somebody has it open is detached when the last one closes it, which is this process.
"""

import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Self

from .errors import LvmError, MissingPart

_PACKAGES = {"vgcreate": "lvm2", "lvcreate": "lvm2", "losetup": "mount"}
_NO_BACKUP = ("--config", "backup { backup = 0 archive = 0 }")
"""Else every change leaves a file in /etc/lvm."""


class VolumeGroup:
    """`name` is drawn, so that it is nobody else's."""

    def __init__(self, name: str, device: str, held: int) -> None:
        self.name = name
        self.device = device
        self._held = held

    @classmethod
    def make(cls, size_mib: int = 256) -> Self:
        """A group without volumes; its size is less than the device's by its metadata and the rest of an extent."""
        _require()
        with tempfile.NamedTemporaryFile(prefix="devlvm-") as backing:
            os.truncate(backing.name, size_mib * 1024**2)
            device = _run("losetup", "--find", "--show", backing.name)
            held = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
            _run("losetup", "--detach", device)
        group = cls(f"devlvm-{uuid.uuid4().hex[:8]}", device, held)
        try:
            _run("vgcreate", *_NO_BACKUP, group.name, device)
        except BaseException:
            group.remove()
            raise
        return group

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def make_volume(self, name: str, size_mib: int) -> None:
        """Takes its extents, and is not activated: not every kernel has the device mapper's targets."""
        what = (
            "--driverloaded",
            "n",
            "--activate",
            "n",
            "--zero",
            "n",
            "--wipesignatures",
            "n",
            "--name",
            name,
            "--size",
            f"{size_mib}m",
        )
        _run("lvcreate", *_NO_BACKUP, *what, self.name)

    def remove(self) -> None:
        """Safe to call twice."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1


def _require() -> None:
    if os.geteuid() != 0:
        raise MissingPart("a volume group needs root; run this as root or with sudo")
    missing = [program for program in _PACKAGES if not shutil.which(program)]
    if missing:
        packages = " ".join(sorted({_PACKAGES[program] for program in missing}))
        raise MissingPart(f"a volume group needs {', '.join(missing)}; install with: apt-get install {packages}")
    if not Path("/dev/loop-control").exists():
        raise MissingPart("a volume group needs loop devices; load the kernel's module with: modprobe loop")


def _run(*command: str) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C", "LVM_SUPPRESS_FD_WARNINGS": "1"},
        )
    except subprocess.TimeoutExpired:
        raise LvmError(f"{command[0]}: no answer within 30 s") from None
    if done.returncode:
        raise LvmError(f"{command[0]}: {' '.join(done.stderr.split()) or f'exit status {done.returncode}'}")
    return done.stdout.strip()
