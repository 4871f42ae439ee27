"""What the controller can be told."""

import os
from collections.abc import Mapping, Sequence

from hypertally.api.bounds import CLAIMS_MAX
from hypertally.serving.logs import LogFormat, LogLevel
from hypertally.serving.options import Option, Program, Told
from hypertally.serving.values import address, choice, name, namespace, seconds_between, whole_number, yes_or_no

from .node_selector import NodeSelector
from .settings import DEFAULT_LISTEN, Settings

_DEFAULT = Settings()
_DAY = 86400.0
_MOST_WORKERS = 256

OPTIONS = (
    Option(
        "--kubeconfig",
        str,
        _DEFAULT.kubeconfig,
        "file to use",
        "PATH",
        if_unset="$KUBECONFIG, the Pod's account, ~/.kube/config",
    ),
    Option("--context", str, _DEFAULT.context, "context of the kubeconfig", "NAME", if_unset="its current one"),
    Option("--lease-namespace", namespace, _DEFAULT.lease_namespace, "namespace of the agents' Leases", "NAME"),
    Option(
        "--leader-elect",
        yes_or_no,
        "false",
        "true to work only while this one holds the controllers' Lease: for more than one at a time",
        "BOOL",
    ),
    Option("--leader-lease-name", name, _DEFAULT.leader_lease_name, "name of the controllers' Lease", "NAME"),
    Option(
        "--agent-grace",
        seconds_between(1, _DAY),
        f"{_DEFAULT.agent_grace:g}",
        "how long an agent's Lease may stand still before Ready is Unknown",
        "SECONDS",
    ),
    Option(
        "--resync-interval",
        seconds_between(1, _DAY),
        f"{_DEFAULT.resync_interval:g}",
        "time between two comparisons of all Instances and Migrations with the cache",
        "SECONDS",
    ),
    Option(
        "--collect-vanished",
        yes_or_no,
        "true",
        "false to delete no ComputeNode of a host that is gone; conditions tell of them either way",
        "BOOL",
    ),
    Option(
        "--collect-interval",
        seconds_between(1, _DAY),
        f"{_DEFAULT.collect_interval:g}",
        "time between two looks for hosts that are gone: the second has to find what the first found",
        "SECONDS",
    ),
    Option(
        "--keep-vanished",
        seconds_between(0, 365 * _DAY),
        f"{_DEFAULT.keep_vanished:g}",
        "how long the ComputeNode of a host is kept that went without a word, once its Kubernetes node is gone too",
        "SECONDS",
    ),
    Option(
        "--agent-nodes",
        NodeSelector.parse,
        "",
        "labels of the Kubernetes nodes that agents are meant for: KEY=VALUE or KEY, separated by commas",
        "LABELS",
        if_unset="all nodes",
    ),
    Option("--workers", whole_number(1, _MOST_WORKERS), str(_DEFAULT.workers), "objects reconciled at once", "NUMBER"),
    Option(
        "--listen", address, str(DEFAULT_LISTEN), "address of /healthz, /readyz and /metrics; '' for none", "HOST:PORT"
    ),
    Option(
        "--metrics-namespaces",
        whole_number(0, CLAIMS_MAX),
        str(_DEFAULT.metrics_namespaces),
        "namespaces with a series of their own on each ComputeNode; 0 for none",
        "NUMBER",
    ),
    Option("--log-format", choice(LogFormat), _DEFAULT.log_format, "one of " + ", ".join(LogFormat), "FORMAT"),
    Option("--log-level", choice(LogLevel), _DEFAULT.log_level, "one of " + ", ".join(LogLevel), "LEVEL"),
)

CONTROLLER = Program(
    "hypertally-controller",
    "Keeps the ledgers of all ComputeNodes: which Instance and which Migration holds what. "
    "`hypertally-controller explain computenode NAME` tells what keeps a ComputeNode from being collected; "
    "`verify` whether every host is looked after; `retire daemonset NAME` ends the agents before an uninstall.",
    OPTIONS,
)


def parse(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Raises UsageError."""
    return settings(CONTROLLER.read(arguments, environ))


def settings(told: Told) -> Settings:
    return Settings(**told.value)
