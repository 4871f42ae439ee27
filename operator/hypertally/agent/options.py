"""What the agent can be told, and what its settings forbid each other."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from hypertally.api.bounds import AMOUNT_MAX
from hypertally.api.names import LEASE_NAMESPACE
from hypertally.hypervisor.back_end import DEFAULT_CEPH_CONF, ImagesType
from hypertally.hypervisor.cpu_set import required_cpu_set
from hypertally.hypervisor.device_spec import parse_device_spec, split_device_specs
from hypertally.hypervisor.errors import BadSetting
from hypertally.hypervisor.reserved_pages import parse_reserved_pages
from hypertally.hypervisor.settings import DEFAULT_INSTANCES_PATH, AuditSettings
from hypertally.hypervisor.spec import ConnectionSpec, parse_connection
from hypertally.serving.logs import LogFormat, LogLevel
from hypertally.serving.options import CHECK_CONFIG, Option, Program, Switch, Told, UsageError
from hypertally.serving.values import address, choice, namespace, seconds, whole_number, yes_or_no

from .naming import NodeNameError, check_node_name, compute_node_name
from .settings import Output, Settings
from .timer import DEFAULT_INTERVAL

DEFAULT_LISTEN = ":9178"
DEFAULT_METRICS_GUESTS = 500
_MOST_METRICS_GUESTS = 100_000
_LEAST_INTERVAL = 1.0
_LONGEST_TIMEOUT = 600.0


def parse(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Raises UsageError."""
    return settings(AGENT.read(arguments, environ))


def settings(told: Told) -> Settings:
    """Raises UsageError for what two settings forbid each other."""
    value, once = dict(told.value), "once" in told.switches
    connections = _connections(value.pop("connection"))
    node_name = _node_name(value.pop("node_name"), connections, once=once)
    audit = _audit({field.name: value.pop(field.name) for field in fields(AuditSettings)})
    return Settings(**value, node_name=node_name, connections=connections, audit=audit, once=once)


def _audit(value: Mapping[str, Any]) -> AuditSettings:
    """Each field of AuditSettings has an option of its name; what two of them forbid each other is told here."""
    try:
        return AuditSettings(**value)
    except BadSetting as error:
        raise UsageError(str(error)) from error


def _connections(specs: tuple[ConnectionSpec, ...]) -> tuple[ConnectionSpec, ...]:
    if not specs:
        raise UsageError("--connection is missing: for example --connection qemu:///system")
    for position, spec in enumerate(specs):
        for earlier in specs[:position]:
            if spec.name == earlier.name:
                name = f"the name {spec.name} is" if spec.name else "having no name is"
                raise UsageError(
                    f"--connection {spec.uri}: {name} taken by {earlier.uri}; "
                    "allowed is one connection without a name, the others as NAME=URI"
                )
            if spec.uri == earlier.uri:
                raise UsageError(f"--connection {spec.uri} is given twice; one host is reported once")
    return specs


def _node_name(name: str, connections: tuple[ConnectionSpec, ...], *, once: bool) -> str:
    if not name and not once:
        raise UsageError("--node-name is missing: the name of the Kubernetes node, as kubectl get nodes lists it")
    try:
        for spec in connections if name else ():
            compute_node_name(name, spec.name or "")
    except NodeNameError as error:
        raise UsageError(f"--connection: {error}") from error
    return name


def _interval(text: str) -> float:
    value = seconds(text)
    if 0 < value < _LEAST_INTERVAL:
        raise UsageError(
            f"{text!r} is too short; allowed are {_LEAST_INTERVAL:g} s or more, 0 for the default, "
            "a negative number for audits on events only"
        )
    return value


def _period(text: str) -> float:
    value = seconds(text)
    if value < _LEAST_INTERVAL:
        raise UsageError(f"{text!r} is too short; allowed is {_LEAST_INTERVAL:g} s or more")
    return value


def _timeout(text: str) -> float:
    value = seconds(text)
    if not 0 < value <= _LONGEST_TIMEOUT:
        raise UsageError(f"{text!r} is out of bounds; allowed is more than 0 s and at most {_LONGEST_TIMEOUT:g} s")
    return value


def _instances_path(text: str) -> Path:
    return AuditSettings(instances_path=Path(text)).instances_path


def _host_ip(text: str) -> str:
    return AuditSettings(host_ip=text).host_ip


def _cpu_set(text: str) -> frozenset[int] | None:
    return required_cpu_set(text) if text else None


def _name_or_none(text: str) -> str:
    return check_node_name(text) if text else ""


OPTIONS = (
    Option(
        "--connection",
        parse_connection,
        "",
        "libvirt connection; repeatable, every further one with a name: its ComputeNode is NODE--NAME",
        "[NAME=]URI",
        repeated=True,
    ),
    Option("--node-name", _name_or_none, "", "Kubernetes node that this agent runs on", "NAME"),
    Option(
        "--interval",
        _interval,
        f"{DEFAULT_INTERVAL:g}",
        "time between two audits; 0 means the default, a negative one that only events ask for audits",
        "SECONDS",
    ),
    Option("--libvirt-timeout", _timeout, "30", "after this a call to libvirt counts as hanging", "SECONDS"),
    Option("--compare-interval", _period, "300", "an edited status heals within this, ± 20 %", "SECONDS"),
    Option("--lease-interval", _period, "10", "between two renewals of the Lease, which lives 4 times it", "SECONDS"),
    Option(
        "--instances-path",
        _instances_path,
        str(DEFAULT_INSTANCES_PATH),
        "folder on the file system that holds the guests' disks",
        "PATH",
    ),
    Option("--images-type", choice(ImagesType), ImagesType.FS, "where guests' disks live: one of fs, lvm, rbd", "TYPE"),
    Option("--lvm-volume-group", str, "", "with images type lvm: the group of the guests' volumes", "NAME"),
    Option("--rbd-pool", str, "", "with images type rbd: the Ceph pool of the guests' images", "NAME"),
    Option("--ceph-conf", Path, str(DEFAULT_CEPH_CONF), "Ceph's configuration, names its monitors and keyring", "PATH"),
    Option("--ceph-user", str, "", "Ceph client, without the 'client.'; none means Ceph's default, admin", "NAME"),
    Option(
        "--ignore-disk-over-commit",
        yes_or_no,
        "false",
        "true to leave what thin disks may still grow by out of the disk that is available",
        "BOOL",
    ),
    Option("--host-ip", _host_ip, "", "address of this host for others; none means the default route's", "ADDRESS"),
    Option("--cpu-shared-set", _cpu_set, "", "CPUs for vcpus; none means all, or none beside a dedicated set", "CPUS"),
    Option("--cpu-dedicated-set", _cpu_set, "", "CPUs that guests get to themselves, as pcpus: 2-7,^4", "CPUS"),
    Option(
        "--cpu-power-management",
        yes_or_no,
        "false",
        "true where something powers idle dedicated CPUs off and on again for their guests: those that are off count",
        "BOOL",
    ),
    Option(
        "--reserved-huge-pages",
        parse_reserved_pages,
        "",
        "pages that are not for guests: node:0,size:2048,count:64; repeatable",
        "PAGES",
        repeated=True,
    ),
    Option(
        "--file-backed-memory-mib",
        whole_number(0, AMOUNT_MAX, "MiB"),
        "0",
        "size of the files that back all guests' memory, in place of the host's own memory; 0 means none do",
        "MIB",
    ),
    Option(
        "--device-spec",
        parse_device_spec,
        "",
        "PCI devices that are offered to guests, in Nova's words; repeatable, the first that matches gives the tags; "
        "in the environment a JSON list",
        "JSON",
        repeated=True,
        split=split_device_specs,
    ),
    Option(
        "--metrics-guests",
        whole_number(0, _MOST_METRICS_GUESTS, "guests"),
        str(DEFAULT_METRICS_GUESTS),
        "guests of a host that have metrics of their own; those beyond are summed up",
        "NUMBER",
    ),
    Option("--kubeconfig", str, "", "file to use; none means $KUBECONFIG, the Pod's account, ~/.kube/config", "PATH"),
    Option("--context", str, "", "context of the kubeconfig; none means its current one", "NAME"),
    Option("--lease-namespace", namespace, LEASE_NAMESPACE, "namespace of the agents' Leases", "NAME"),
    Option("--listen", address, DEFAULT_LISTEN, "address of /healthz, /readyz and /metrics; '' for none", "HOST:PORT"),
    Option("--log-format", choice(LogFormat), LogFormat.JSON, "one of " + ", ".join(LogFormat), "FORMAT"),
    Option("--log-level", choice(LogLevel), LogLevel.INFO, "one of " + ", ".join(LogLevel), "LEVEL"),
    Option("--output", choice(Output), Output.TABLE, "with --once: one of " + ", ".join(Output), "FORMAT", short="-o"),
)

AGENT = Program(
    "hypertally-agent",
    "Reports the libvirt hosts that it is connected to as ComputeNodes.",
    OPTIONS,
    (Switch("--once", "audit once, print the report and end; needs no cluster"), CHECK_CONFIG),
)
PROGRAM = AGENT.name
