"""The volume group that holds the guests' volumes, by one `vgs`.

Not by libvirt's pool of the same group: its numbers are as old as its last refresh, which a read-only connection may
not ask for, so volumes that anybody else made would be missing. One process an audit at most, whatever the volumes.
"""

from .command import run
from .facts import DiskSpace, Unread

_TRIES = 3
"""vgs was seen to die with SIGSEGV now and then (Launchpad 1931710)."""


def look_at_volume_group(name: str) -> DiskSpace | Unread:
    # Without locks, which need folders of the host that a container does not have.
    options = ("--readonly", "--noheadings", "--nosuffix", "--separator", "|", "--units", "b", "-o", "vg_size,vg_free")
    answer = run(["vgs", *options, "--", name], "lvm2", tries=_TRIES)
    return answer if isinstance(answer, Unread) else read_volume_group(answer)


def read_volume_group(answer: str) -> DiskSpace | Unread:
    """Exactly `SIZE|FREE` in bytes, on one line."""
    fields = answer.strip().split("|")
    if len(fields) != 2 or not all(field.isascii() and field.isdigit() and len(field) <= 20 for field in fields):  # noqa: PLR2004
        return Unread(f"vgs: {answer.strip()[:100]!r} is not the size and the free bytes of one volume group")
    total, free = map(int, fields)
    return DiskSpace(total=total, free=free, used=max(0, total - free))
