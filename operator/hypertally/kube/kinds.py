"""Kinds of objects and their addresses at the API server."""

from dataclasses import dataclass
from urllib.parse import quote

from hypertally.api.names import API_VERSION, COMPUTE_NODES, INSTANCES, MIGRATIONS


@dataclass(frozen=True)
class Kind:
    """One kind of object: how the server calls it."""

    api_version: str
    kind: str
    plural: str
    page: int = 500
    """Objects of one page of a list: what client-go's reflectors ask for."""

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    def path(self, namespace: str = "") -> str:
        root = "/apis" if self.group else "/api"
        scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        return f"{root}/{self.api_version}{scope}/{self.plural}"


COMPUTE_NODE = Kind(API_VERSION, "ComputeNode", COMPUTE_NODES, page=100)
INSTANCE = Kind(API_VERSION, "Instance", INSTANCES)
MIGRATION = Kind(API_VERSION, "Migration", MIGRATIONS)
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")
EVENT = Kind("v1", "Event", "events")
NODE = Kind("v1", "Node", "nodes")
POD = Kind("v1", "Pod", "pods")
DAEMON_SET = Kind("apps/v1", "DaemonSet", "daemonsets")


@dataclass(frozen=True)
class Ref:
    """One object's address; an empty namespace for what has none."""

    kind: Kind
    name: str
    namespace: str = ""

    def path(self, subresource: str = "") -> str:
        tail = f"/{subresource}" if subresource else ""
        return f"{self.kind.path(self.namespace)}/{quote(self.name, safe='')}{tail}"

    def __str__(self) -> str:
        scope = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.kind} {scope}{self.name}"
