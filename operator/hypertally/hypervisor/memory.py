"""How much memory the host has, and how much of it is in use."""

from collections.abc import Mapping

from .facts import Snapshot, Unread

_KIB_PER_MIB = 1024


def total_mib(snapshot: Snapshot) -> int | Unread:
    """The kernel's own total where the driver tells it, else virNodeGetInfo's; guests' files, if they are set.

    Usually they are equal. With hot-plugged memory libvirt 9.0's virNodeGetInfo was seen to say 12,506 MiB, and once
    5,594, while the kernel and virNodeGetMemoryStats said 24,105.
    """
    return snapshot.settings.file_backed_memory_mib or _hosts_mib(snapshot)


def kernels_total_kib(snapshot: Snapshot) -> int | None:
    """None where the driver does not tell it, or failed to."""
    return None if isinstance(snapshot.memory_kib, Unread | None) else snapshot.memory_kib.get("total")


def _hosts_mib(snapshot: Snapshot) -> int | Unread:
    if isinstance(snapshot.memory_kib, Unread):
        return snapshot.memory_kib
    total = kernels_total_kib(snapshot)
    if total is not None:
        return total // _KIB_PER_MIB
    return snapshot.node if isinstance(snapshot.node, Unread) else snapshot.node.memory_mib


def disagreement(snapshot: Snapshot) -> str | None:
    """One line for the log if libvirt's two sources differ; which of them was used is part of it."""
    total, node = _hosts_mib(snapshot), snapshot.node
    if isinstance(total, Unread) or isinstance(node, Unread) or abs(total - node.memory_mib) <= 1:
        return None
    return f"memory: virNodeGetMemoryStats says {total} MiB (used), virNodeGetInfo {node.memory_mib} MiB"


def used_mib(memory_kib: Mapping[str, int]) -> int:
    """Total without free, buffers and cache, all of one source, so that it is never negative nor above the total."""
    total = memory_kib.get("total", 0)
    available = sum(memory_kib.get(part, 0) for part in ("free", "buffers", "cached"))
    return max(0, total - available) // _KIB_PER_MIB
