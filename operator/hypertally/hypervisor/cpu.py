"""How many CPUs the host offers."""

from .facts import Snapshot, Unread


def online_cpus(snapshot: Snapshot) -> int | Unread:
    """CPUs that are online. A present one that is off runs nothing."""
    # The test driver's CPU map is a fixed answer (3 of 8) that has nothing to do with the host it describes.
    if snapshot.online_cpus is None or snapshot.driver == "TEST":
        return snapshot.node if isinstance(snapshot.node, Unread) else snapshot.node.cpus
    return snapshot.online_cpus
