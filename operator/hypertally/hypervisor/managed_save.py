"""Guests that are off and go on at their next start from a managed save: with what they had then, not as defined.

`virsh managedsave` makes one, and libvirt-guests at a host's shutdown (ON_SHUTDOWN=suspend). The bulk record and the
XML of such a guest are those of its definition; libvirt starts it from the XML in the save (qemuDomainObjStart), with
all that had been plugged in or pinned meanwhile. `virsh start --force-boot` takes the definition: of amounts the larger
counts.
"""

from collections.abc import Iterator, Mapping

from .domain_xml import Disk, Domain

_KIB = 1024


def with_save(stats: Mapping[str, int | str], save: Domain) -> dict[str, int | str]:
    """The bulk record as it will be at least when the guest has started; disks of the save alone are named in it, and
    their sizes are for others to find."""
    told = dict(stats)
    sizes = {"vcpu.maximum": save.vcpus, "balloon.maximum": -(-save.memory_bytes // _KIB)}
    for key, size in sizes.items():
        before = told.get(key)
        if isinstance(before, int):
            told[key] = max(before, size)
    return told | dict(_disks(told, save)) if "block.count" in told else told


def _disks(stats: Mapping[str, int | str], save: Domain) -> Iterator[tuple[str, int | str]]:
    named = {value for key, value in stats.items() if key.startswith("block.") and key.endswith(".name")}
    first = stats["block.count"]
    number = first if isinstance(first, int) else 0
    for disk in (disk for disk in save.disks if disk.has_medium and disk.target not in named):
        yield f"block.{number}.name", disk.target
        yield from _path(number, disk)
        number += 1
    yield "block.count", number


def _path(number: int, disk: Disk) -> Iterator[tuple[str, str]]:
    if disk.type in ("file", "block"):
        yield f"block.{number}.path", disk.location
