"""A real volume group for whoever tests against one. A machine that cannot make it is an error, never a skip."""

from collections.abc import Iterator

import pytest

from .group import VolumeGroup


@pytest.fixture(scope="session")
def volume_group() -> Iterator[VolumeGroup]:
    """One private group of 256 MiB for the whole session, with the volume `used` of 64 MiB in it."""
    with VolumeGroup.make() as group:
        group.make_volume("used", 64)
        yield group
