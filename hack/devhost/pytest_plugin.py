"""Fixtures for whoever tests against a real libvirt host. A machine that cannot run one is an error, never a skip."""

from collections.abc import Iterator

import pytest

from .host import Host


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """One private host for the whole session: leave no guest on it, and do not kill it."""
    with Host.start(name="hv-session") as running:
        yield running


@pytest.fixture
def own_host() -> Iterator[Host]:
    """A private host for one test, to be frozen, killed or filled."""
    with Host.start(name="hv-own") as running:
        yield running
