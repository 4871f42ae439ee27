"""What can be set at the controller, with the reason for each default."""

from dataclasses import dataclass

from hypertally.api.names import LEADER_LEASE, LEASE_NAMESPACE
from hypertally.serving.health import Address
from hypertally.serving.logs import LogFormat, LogLevel

from .node_selector import EVERY_NODE, NodeSelector

DEFAULT_LISTEN = Address("", 8082)


@dataclass(frozen=True)
class Settings:
    """Seconds throughout."""

    kubeconfig: str = ""
    """Path of a kubeconfig; empty: $KUBECONFIG, else the Pod's service account, else ~/.kube/config."""

    context: str = ""
    """Context of the kubeconfig; empty: its current one."""

    lease_namespace: str = LEASE_NAMESPACE
    """Where the agents' Leases are, and the one that the controllers stand for."""

    leader_elect: bool = False
    """Whether this controller works only while it holds that Lease: for more than one at a time. Without others it
    only costs: after a kill, the successor waits until the Lease has run out."""

    leader_lease_name: str = LEADER_LEASE
    """Of all controllers of one cluster the same; the admission policies allow the default only."""

    agent_grace: float = 50.0
    """How long an agent's Lease may stand still, by this controller's own clock, before `Ready` is Unknown: an agent
    renews every 10 s and its Lease lasts 40 s."""

    resync_interval: float = 300.0
    """How often the names of all Instances and Migrations are compared with the cache: a deletion that fell into a gap
    of the watch is told by nobody."""

    collect_vanished: bool = True
    """Whether records of hosts that are gone are deleted; conditions tell of them either way."""

    collect_interval: float = 60.0
    """Between two looks for such records: what one finds, the next has to find too."""

    keep_vanished: float = 1800.0
    """How long a host is kept that went without a word, once its Kubernetes node is gone as well: long enough to
    install a node anew."""

    agent_nodes: NodeSelector = EVERY_NODE
    """Labels of the Kubernetes nodes that agents are meant for; without any, all are."""

    workers: int = 16
    """Objects reconciled at once. More do not help: the API server is what is waited for."""

    listen: Address | None = DEFAULT_LISTEN
    """Of /healthz, /readyz and /metrics; None for nowhere."""

    metrics_namespaces: int = 0
    """How many namespaces have a series of their own on each ComputeNode; 0 for no such series at all."""

    log_format: LogFormat = LogFormat.JSON
    log_level: LogLevel = LogLevel.INFO
