"""The three kinds on the real API server, and one fresh object of each."""

from collections.abc import Iterator

import pytest

from devcluster import Cluster
from tests.support import samples
from tests.support.api_server import Kind


@pytest.fixture(scope="session")
def compute_nodes(cluster: Cluster) -> Kind:
    return Kind(cluster, "computenodes", namespaced=False)


@pytest.fixture(scope="session")
def instances(cluster: Cluster) -> Kind:
    return Kind(cluster, "instances")


@pytest.fixture(scope="session")
def migrations(cluster: Cluster) -> Kind:
    return Kind(cluster, "migrations")


@pytest.fixture(scope="session")
def kinds(compute_nodes: Kind, instances: Kind, migrations: Kind) -> dict[str, Kind]:
    """By plural name."""
    return {"computenodes": compute_nodes, "instances": instances, "migrations": migrations}


@pytest.fixture
def node(compute_nodes: Kind) -> Iterator[str]:
    """The name of a ComputeNode that has no status yet."""
    yield from _fresh(compute_nodes, samples.compute_node(samples.fresh_name("api-node")))


@pytest.fixture
def instance(instances: Kind) -> Iterator[str]:
    """The name of an Instance bound to node-1 that has no status yet."""
    yield from _fresh(instances, samples.instance(samples.fresh_name("api-instance")))


@pytest.fixture
def migration(migrations: Kind) -> Iterator[str]:
    """The name of a Live Migration without an outcome and without a status."""
    body = samples.migration(samples.fresh_name("api-migration"))
    body["spec"] = {"instanceName": "guest-1", "type": "Live", "targetComputeNodeName": "node-2"}
    yield from _fresh(migrations, body)


def _fresh(kind: Kind, body: samples.Object) -> Iterator[str]:
    name = kind.create(body).object["metadata"]["name"]
    yield name
    kind.delete(name)
