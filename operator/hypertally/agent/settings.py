"""The agent's settings, once they are read and checked."""

from dataclasses import dataclass
from enum import StrEnum

from hypertally.hypervisor.settings import AuditSettings
from hypertally.hypervisor.spec import ConnectionSpec
from hypertally.serving.health import Address
from hypertally.serving.logs import LogFormat, LogLevel


class Output(StrEnum):
    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


@dataclass(frozen=True)
class Settings:
    """Everything that the agent can be told."""

    connections: tuple[ConnectionSpec, ...]
    """libvirt connections, each with an own ComputeNode."""
    node_name: str
    """The Kubernetes node that this agent runs on; empty with `once` only."""
    audit: AuditSettings
    interval: float
    """Seconds between two audits; 0 means the default, a negative one that only events ask for audits."""
    libvirt_timeout: float
    """Seconds after which a call to libvirt counts as hanging."""
    compare_interval: float
    """Seconds, ± 20 %, between two looks at what the API server holds: an edited status heals within that."""
    lease_interval: float
    """Seconds between two renewals of the Lease, which lives four times as long."""
    metrics_guests: int
    """Guests of a host that have metrics of their own; those beyond are summed up."""
    kubeconfig: str
    context: str
    lease_namespace: str
    listen: Address | None
    """Of /healthz, /readyz and /metrics; None for nowhere."""
    log_format: LogFormat
    log_level: LogLevel
    once: bool
    output: Output
