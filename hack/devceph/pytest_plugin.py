"""A real Ceph for whoever tests against one. A machine that cannot run it is an error, never a skip."""

from collections.abc import Iterator

import pytest

from .ceph import Ceph


@pytest.fixture(scope="session")
def ceph() -> Iterator[Ceph]:
    """One private cluster for the whole session, with the pool `vms`: do not kill it."""
    with Ceph.start() as running:
        running.make_pool("vms")
        yield running
