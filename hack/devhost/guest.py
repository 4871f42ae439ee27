"""The guests of a private host: no operating system, a firmware that halts, so that forty cost next to nothing."""

import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict
from xml.sax.saxutils import escape

FIRMWARE = "/var/lib/libvirt/halt.bin"
IMAGES = "/var/lib/libvirt/images"
_FIRMWARE_SIZE = 64 * 1024
_RESET_VECTOR = 16
_CLI_HLT_JMP = b"\xfa\xf4\xeb\xfd"
"""Interrupts off, halt, and once more if something wakes it: a running guest that uses no CPU time."""


class Size(TypedDict, total=False):
    """Size of one guest. `disk_mib` is the virtual size of one sparse raw disk; 0 means no disk.

    `ballast_mib` of its memory are filled with noise: what a live migration must really copy. The rest is zeros.
    """

    memory_mib: int
    vcpus: int
    disk_mib: int
    ballast_mib: int


class Spec(Size, total=False):
    """Size of one guest, and the UUID of one that moves; drawn unless given."""

    uuid: str


@dataclass(frozen=True, kw_only=True)
class Guest:
    """One guest, by default the smallest that is of use."""

    name: str
    memory_mib: int = 32
    vcpus: int = 1
    disk_mib: int = 0
    ballast_mib: int = 0
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def disk_name(self) -> str:
        return f"{self.uuid}.img"

    @property
    def ballast_name(self) -> str:
        return f"ballast-{self.ballast_mib}.bin"

    def xml(self, images: str = IMAGES) -> str:
        """The domain document; TCG, because /dev/kvm is not everywhere and not everywhere usable.

        `images` is the folder of its disk, as the host sees it.
        """
        return f"""\
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{escape(self.name)}</name>
  <uuid>{self.uuid}</uuid>
  <memory unit='MiB'>{self.memory_mib}</memory>
  <vcpu>{self.vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <loader readonly='yes' type='rom'>{FIRMWARE}</loader>
  </os>
  <devices>{self._disk(images)}
    <controller type='usb' model='none'/>
  </devices>{self._ballast(images)}
</domain>
"""

    def _disk(self, images: str) -> str:
        if not self.disk_mib:
            return ""
        return f"""
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{escape(images)}/{self.disk_name}'/>
      <target dev='vda' bus='virtio'/>
    </disk>"""

    def _ballast(self, images: str) -> str:
        if not self.ballast_mib:
            return ""
        return f"""
  <qemu:commandline>
    <qemu:arg value='-device'/>
    <qemu:arg value='loader,file={escape(images)}/{self.ballast_name},addr=0x100000,force-raw=on'/>
  </qemu:commandline>"""


def write_firmware(path: Path) -> None:
    """A ROM whose reset vector, 16 bytes before its end, halts the processor."""
    image = bytearray(_FIRMWARE_SIZE)
    start = _FIRMWARE_SIZE - _RESET_VECTOR
    image[start : start + len(_CLI_HLT_JMP)] = _CLI_HLT_JMP
    path.write_bytes(image)


def write_sparse(path: Path, size_mib: int) -> None:
    """A disk that is there already stays as it is: its guest comes from another host."""
    with path.open("ab") as disk:
        disk.truncate(max(size_mib * 1024 * 1024, disk.tell()))


def write_noise(path: Path, size_mib: int) -> None:
    """Memory that no migration can shorten to zeros; once for all guests that share the folder."""
    if not path.exists():
        path.write_bytes(os.urandom(size_mib * 1024 * 1024))
