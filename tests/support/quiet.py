"""That nothing is written any more: no event tells it, so it is watched for a while, from the server's own log."""

import time
from collections.abc import Callable

from devcluster import CONTROLLER, Cluster
from devcluster.waiting import wait_until

QUIET_SECONDS = 4.0
"""Two resyncs of a controller that compares its cache every 2 s."""

MOST_BETWEEN_LOOKS = 1.0
"""Seconds that count of the time between two looks: while a machine stands still nobody writes."""


def wait_until_quiet(cluster: Cluster, meanwhile: Callable[[], object], *, seconds: float = 60.0) -> None:
    """Until no controller has asked for a write, refused ones included, for `QUIET_SECONDS`."""
    position, last, quiet = cluster.audit_log.position(), time.monotonic(), 0.0

    def is_quiet() -> bool:
        nonlocal position, last, quiet
        meanwhile()
        now = time.monotonic()
        last, quiet = now, quiet + min(now - last, MOST_BETWEEN_LOOKS)
        if cluster.audit_log.writes(since=position, user=CONTROLLER):
            position, quiet = cluster.audit_log.position(), 0.0
        return quiet >= QUIET_SECONDS

    wait_until(is_quiet, seconds=seconds, what=f"{QUIET_SECONDS:g} s without a controller's write")
