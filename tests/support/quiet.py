"""That nothing is written any more: no event tells it, so it is watched for a while, from the server's own log."""

import time
from collections.abc import Callable

from devcluster import CONTROLLER, Cluster
from devcluster.waiting import wait_until

QUIET_SECONDS = 4.0
"""Two resyncs of a controller that compares its cache every 2 s."""


def wait_until_quiet(cluster: Cluster, meanwhile: Callable[[], object], *, seconds: float = 60.0) -> None:
    """Until no controller has asked for a write, refused ones included, for `QUIET_SECONDS`."""
    position, since = cluster.audit_log.position(), time.monotonic()

    def is_quiet() -> bool:
        nonlocal position, since
        meanwhile()
        if cluster.audit_log.writes(since=position, user=CONTROLLER):
            position, since = cluster.audit_log.position(), time.monotonic()
        return time.monotonic() - since >= QUIET_SECONDS

    wait_until(is_quiet, seconds=seconds, what=f"{QUIET_SECONDS:g} s without a controller's write")
