"""A guest that does something: it counts, about nine times a second, and says each number on its serial line.

No operating system: a firmware of 201 bytes. The number is in the guest's memory, so a guest that moved goes on
counting only if its memory moved with it.
"""

from dataclasses import dataclass
from xml.sax.saxutils import escape

FIRMWARE = "/var/lib/libvirt/tick.bin"
SERIAL = "/var/lib/libvirt/serial"
BALLAST = "/var/lib/libvirt/ballast.bin"
BALLAST_MIB = 16
_FIRMWARE_SIZE = 64 * 1024
_RESET_VECTOR = _FIRMWARE_SIZE - 16

# Real mode, from F000:0000: the timer's vector at 0:20h, the interrupt controller with the timer only, the timer at its
# slowest (18.2 Hz), then halt. Every second interrupt adds one to the word at 0:502h and writes it in hexadecimal.
_PROGRAM = bytes.fromhex(
    "fa31c08ed88ed0bc0070"  # cli; ds = ss = 0; sp = 7000h
    "c70620006c00c706220000f0"  # [20h] = F000:006C, the handler
    "a30005a30205"  # [500h] = [502h] = 0
    "b011e620b008e621b004e621b001e621b0fee621"  # interrupt controller: vectors from 8, all masked but the first
    "b034e64330c0e640e640"  # timer 0: rate generator, 65536
    "bafb03b003ee"  # serial line: 8 bits, no parity
    "2e660f0116b3000f20c00c010f22c0bb08008ec324fe0f22c0"  # es reaches all memory: to protected mode and back
    "66bf5003e0fe266766c70700070000"  # the local APIC lets the interrupt controller through
    "fbf4ebfd"  # sti; halt, for ever
    "60ff060005f6060005017524"  # the handler: pusha; count; every second time:
    "ff0602058b1e0205b90400"  # one more; four digits
    "c1c30488d8240f04303c3976020427e80d00e2ec"  # a digit each
    "b00ae80600"  # a line feed
    "b020e62061cf"  # end of interrupt; popa; iret
    "88c4bafd03eca82074fb88e0baf803eec3"  # one byte, once the line is free
    "0f00b9000f00"  # where the descriptors are
    "0000000000000000ffff000000928f00"  # none; all memory
)
_JUMP = bytes.fromhex("ea000000f0")


@dataclass(frozen=True, kw_only=True)
class Guest:
    """One guest without a disk. Its UUID is its name's to the caller."""

    name: str
    uuid: str
    memory_mib: int = 64
    vcpus: int = 1

    @property
    def serial_name(self) -> str:
        return f"{self.name}.txt"

    def xml(self) -> str:
        """TCG, because /dev/kvm is not everywhere. The ballast is memory that no migration can shorten to zeros."""
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
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <serial type='file'>
      <source path='{SERIAL}/{escape(self.serial_name)}'/>
    </serial>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-device'/>
    <qemu:arg value='loader,file={BALLAST},addr=0x100000,force-raw=on'/>
  </qemu:commandline>
</domain>
"""


def firmware() -> bytes:
    """A ROM that starts, 16 bytes before its end, with a jump to its beginning."""
    image = bytearray(_FIRMWARE_SIZE)
    image[: len(_PROGRAM)] = _PROGRAM
    image[_RESET_VECTOR : _RESET_VECTOR + len(_JUMP)] = _JUMP
    return bytes(image)


def numbers(text: str) -> list[int]:
    """What was said on a serial line; the last may be half a line."""
    return [int(line, 16) for line in text.split("\n")[:-1] if line.strip()]
