"""Guests that do something: their disk's first sector reads and writes through the BIOS at each tick of the clock."""

import re
import tempfile

from devhost.host import Host

_LOOP = bytes.fromhex(
    "fb"  # sti
    "31c0 8ed8"  # xor ax, ax; mov ds, ax
    "f4"  # hlt: until the next tick, 18.2 of them a second
    "b80042 be157c cd13"  # mov ax, 4200h; mov si, packet; int 13h: read
    "b80043 cd13"  # mov ax, 4300h; int 13h: write
    "ebf0"  # jmp to hlt
    "1000 4000 0080 0000 4000000000000000"  # packet: 64 sectors from the 64th, at 0000:8000
)
_SECTOR, _SIGNATURE = 512, b"\x55\xaa"


def boot_sector() -> bytes:
    return _LOOP.ljust(_SECTOR - len(_SIGNATURE), b"\0") + _SIGNATURE


def start_busy_guest(host: Host, name: str, memory_mib: int) -> str:
    """Its UUID."""
    uuid = host.define_guest(name, memory_mib=memory_mib, disk_mib=8)
    with (host.images / f"{uuid}.img").open("r+b") as disk:
        disk.write(boot_sector())
    document = re.sub(r"\s*<loader.*?</loader>", "", host.virsh("dumpxml", name))
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(document)
        file.flush()
        host.virsh(f"define {file.name}; start {name}")
    return uuid
