"""One API server for all that is installed on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster import Cluster
from tests.helm.chart import HELMS
from tests.helm.installed import Installed


@pytest.fixture(scope="session")
def bare() -> Iterator[Cluster]:
    with Cluster.start("chart", may_build=False) as running:
        yield running


@pytest.fixture(params=HELMS)
def either_helm(request: pytest.FixtureRequest, bare: Cluster, tmp_path: Path) -> Iterator[Installed]:
    """Nothing is installed yet."""
    made = Installed(bare, tmp_path, request.param)
    yield made
    made.remove()
