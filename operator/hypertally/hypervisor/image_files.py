"""What image files say themselves while their QEMU cannot be asked.

A guest that comes in by a live migration is listed for as long as its memory is on its way, and libvirt lets nobody ask
its QEMU until it has arrived (VIR_ASYNC_JOB_MIGRATION_IN allows no other job beside it). Of a guest that is off libvirt
looks at the files: here the same is done, in the same words, for one that is not, and for disks of a managed save.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import replace

from .back_end import ImagesType
from .disk_home import DiskHome
from .domain_xml import Domain
from .drives import unanswered_files
from .facts import GuestFacts

_BLOCK_BYTES = 512
"""Of st_blocks, whatever the file system's own block is: stat(2)."""
_QCOW2_MAGIC = b"QFI\xfb"
_QCOW2_SIZE = slice(24, 32)
"""Where its header has the size of the disk, in bytes, big-endian: docs/interop/qcow2.txt of QEMU."""


def with_files(guest: GuestFacts, home: DiskHome) -> GuestFacts:
    """The guest, with what its files say where its QEMU said nothing; files that cannot be seen from here stay unknown.

    Only for a back end whose file system has just answered: none hangs on a server that is dead.
    """
    if not isinstance(guest.domain, Domain) or home.back_end.images_type is not ImagesType.FS:
        return guest
    if not guest.active and not guest.saved:
        return guest
    told: dict[str, int] = {}
    for key, path, format_ in unanswered_files(home, guest.stats, guest.domain):
        told |= {f"{key}.{name}": value for name, value in look_at_image(path, format_).items()}
    return replace(guest, stats={**guest.stats, **told}) if told else guest


def look_at_image(path: str, format_: str) -> Mapping[str, int]:
    """`capacity` and `allocation` in bytes; nothing if the file cannot be seen or its format has its own way."""
    try:
        # Without O_NONBLOCK a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return {}
    try:
        facts = os.fstat(descriptor)
        capacity = _capacity(descriptor, facts, format_) if stat.S_ISREG(facts.st_mode) else None
        return {} if capacity is None else {"capacity": capacity, "allocation": facts.st_blocks * _BLOCK_BYTES}
    except OSError:
        return {}
    finally:
        os.close(descriptor)


def _capacity(descriptor: int, facts: os.stat_result, format_: str) -> int | None:
    """The format is the configured one. A raw image may begin with whatever its guest has written there."""
    if format_ == "raw":
        return facts.st_size
    header = os.pread(descriptor, _QCOW2_SIZE.stop, 0) if format_ == "qcow2" else b""
    is_whole = len(header) == _QCOW2_SIZE.stop and header.startswith(_QCOW2_MAGIC)
    return int.from_bytes(header[_QCOW2_SIZE], "big") if is_whole else None
