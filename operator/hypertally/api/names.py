"""Names that the API server, the two programs and their users share."""

GROUP = "compute.hypertally.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

COMPUTE_NODES = "computenodes"
INSTANCES = "instances"
MIGRATIONS = "migrations"

AGENT_MANAGER = "hypertally-agent"
CONTROLLER_MANAGER = "hypertally-controller"

LEASE_NAMESPACE = "hypertally-system"
"""Default namespace of the agents' Leases."""

LEADER_LEASE = "hypertally-controller"
"""Default name of the Lease that the controllers stand for; no Kubernetes node may be called so."""

AUDITS_ANNOTATION = f"{GROUP}/audits"
"""On an agent's Lease: JSON, per ComputeNode name what `LeasedAudit` says."""

HOSTS_ANNOTATION = f"{GROUP}/hosts"
"""On an agent's Lease: JSON, per ComputeNode name what `LeasedHost` says."""

KEEP_ANNOTATION = f"{GROUP}/keep"
"""On a ComputeNode: with any value but `false` the controller never deletes it."""
