"""A cluster after a test, made as it was before it: cheaper than another one by the start of an API server."""

import json
from itertools import product

import urllib3

from devcluster import Cluster
from hypertally.api.names import LEASE_NAMESPACE
from tests.support.api_server import GROUP, VERSION

_OWN = f"/apis/{GROUP}/{VERSION}"
_LISTS = (
    f"{_OWN}/computenodes",
    "/api/v1/nodes",
    *(
        f"{base}/namespaces/{namespace}/{plural}"
        for namespace, (base, plural) in product(
            ("default", LEASE_NAMESPACE),
            (
                (_OWN, "instances"), (_OWN, "migrations"), ("/apis/coordination.k8s.io/v1", "leases"),
                ("/api/v1", "pods"), ("/api/v1", "events"),
            ),
        )
    ),
)  # fmt: skip


def empty(cluster: Cluster) -> None:
    """Deletes what programs and tests write there. Who wrote it must have ended."""
    with urllib3.PoolManager(ca_certs=str(cluster.ca_file), timeout=20.0, retries=False) as http:
        headers = {"Authorization": f"Bearer {cluster.token}", "Content-Type": "application/json"}
        body = json.dumps({"gracePeriodSeconds": 0})
        for path in _LISTS:
            answer = http.request("DELETE", f"{cluster.url}{path}", headers=headers, body=body)
            assert answer.status == 200, f"{path}: {answer.data.decode()}"
