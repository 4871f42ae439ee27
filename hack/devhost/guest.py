"""The guests of a private host: no operating system, a firmware that halts, so that forty cost next to nothing."""

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
    """Size of one guest. `disk_mib` is the virtual size of one sparse raw disk; 0 means no disk."""

    memory_mib: int
    vcpus: int
    disk_mib: int


@dataclass(frozen=True, kw_only=True)
class Guest:
    """One guest, by default the smallest that is of use."""

    name: str
    memory_mib: int = 32
    vcpus: int = 1
    disk_mib: int = 0
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def disk_name(self) -> str:
        return f"{self.uuid}.img"

    def xml(self) -> str:
        """The domain document; TCG, because /dev/kvm is not everywhere and not everywhere usable."""
        return f"""\
<domain type='qemu'>
  <name>{escape(self.name)}</name>
  <uuid>{self.uuid}</uuid>
  <memory unit='MiB'>{self.memory_mib}</memory>
  <vcpu>{self.vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <loader readonly='yes' type='rom'>{FIRMWARE}</loader>
  </os>
  <devices>{self._disk()}
    <controller type='usb' model='none'/>
  </devices>
</domain>
"""

    def _disk(self) -> str:
        if not self.disk_mib:
            return ""
        return f"""
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{IMAGES}/{self.disk_name}'/>
      <target dev='vda' bus='virtio'/>
    </disk>"""


def write_firmware(path: Path) -> None:
    """A ROM whose reset vector, 16 bytes before its end, halts the processor."""
    image = bytearray(_FIRMWARE_SIZE)
    start = _FIRMWARE_SIZE - _RESET_VECTOR
    image[start : start + len(_CLI_HLT_JMP)] = _CLI_HLT_JMP
    path.write_bytes(image)


def write_sparse(path: Path, size_mib: int) -> None:
    with path.open("wb") as disk:
        disk.truncate(size_mib * 1024 * 1024)
