"""A development control plane on one machine: a real etcd and kube-apiserver, for the demo, tests and benchmarks.

Used as `with Cluster.start() as cluster: cluster.apply(Path("crds")); cluster.kubectl("get", "computenodes")`.
"""

from devcluster.audit import AuditLog, Request
from devcluster.cluster import Cluster
from devcluster.errors import BuildError, ClusterError, DeadlineError, ProcessError, ProgramMissingError
from devcluster.programs import find_programs
from devcluster.progress import Console, Progress, Silent
from devcluster.users import ADMIN, AGENT, CONTROLLER, NOBODY, User
from devcluster.waiting import wait_until

__all__ = [
    "ADMIN",
    "AGENT",
    "CONTROLLER",
    "NOBODY",
    "AuditLog",
    "BuildError",
    "Cluster",
    "ClusterError",
    "Console",
    "DeadlineError",
    "ProcessError",
    "ProgramMissingError",
    "Progress",
    "Request",
    "Silent",
    "User",
    "find_programs",
    "wait_until",
]
