"""The real programs on a real host, with guests in every state that a dashboard shows, under a real Prometheus."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster import Cluster, wait_until
from devhost.host import Host
from devprometheus import Stage
from tests.support.fleet import Fleet

FILES = Path(__file__).resolve().parents[2] / "helm" / "hypertally" / "files"
NODE = "watched"
SECONDS = 60.0
"""Longer than anything here takes on a loaded machine; a wait ends as soon as its condition holds."""


@pytest.fixture(scope="package")
def stage(host: Host) -> Iterator[Stage]:
    """A declared guest, an orphan, and a move that waits for somebody who never comes: its target is not there."""
    uuid = host.start_guest("declared", disk_mib=8)
    host.start_guest("orphan")
    with (
        Cluster.start("operations", may_build=False) as cluster,
        Stage(cluster, {NODE: host}, audit_seconds=1) as running,
    ):
        fleet = Fleet(cluster)
        wait_until(lambda: is_accounted(cluster), seconds=SECONDS, what=f"{NODE} to be accounted")
        name = fleet.instance(NODE, uuid=uuid, memoryMiB=32)
        fleet.wait_for_home(name, NODE)
        fleet.migration(name, "Live", "nowhere")
        yield running
    for name in ("declared", "orphan"):
        host.destroy_guest(name)
        host.undefine(name)


def is_accounted(cluster: Cluster) -> bool:
    arguments = ("--ignore-not-found", "-o", "jsonpath={.status.ledger.generation}")
    return bool(cluster.kubectl("get", "computenode", NODE, *arguments))
