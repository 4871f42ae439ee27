"""What the agent is told: flags, and the environment under the same names. Errors name both, the value and what is
allowed."""

import argparse
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from hypertally.api.bounds import AMOUNT_MAX
from hypertally.api.names import LEASE_NAMESPACE
from hypertally.hypervisor.back_end import DEFAULT_CEPH_CONF, ImagesType
from hypertally.hypervisor.cpu_set import required_cpu_set
from hypertally.hypervisor.device_spec import parse_device_spec, split_device_specs
from hypertally.hypervisor.errors import BadSetting
from hypertally.hypervisor.reserved_pages import parse_reserved_pages
from hypertally.hypervisor.settings import DEFAULT_INSTANCES_PATH, AuditSettings
from hypertally.hypervisor.spec import ConnectionSpec, parse_connection
from hypertally.serving.health import Address, ListenError
from hypertally.serving.logs import LogFormat, LogLevel

from .naming import NodeNameError, check_node_name, compute_node_name
from .timer import DEFAULT_INTERVAL

PROGRAM = "hypertally-agent"
DEFAULT_LISTEN = ":9178"
_LEAST_INTERVAL = 1.0
_LONGEST_TIMEOUT = 600.0

E = TypeVar("E", bound=StrEnum)


class UsageError(ValueError):
    """The user's mistake, in one line."""


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
    kubeconfig: str
    context: str
    lease_namespace: str
    listen: Address | None
    """Of /healthz, /readyz and /metrics; None for nowhere."""
    log_format: LogFormat
    log_level: LogLevel
    once: bool
    output: Output


@dataclass(frozen=True)
class _Option:
    flag: str
    parse: Callable[[str], Any]
    default: str
    help: str
    metavar: str = ""
    repeated: bool = False
    split: Callable[[str], Sequence[str]] = str.split
    """Into the values of a repeated one, where the environment has them all in one text."""

    @property
    def key(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")

    @property
    def variable(self) -> str:
        return f"HYPERTALLY_{self.key.upper()}"


def parse(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Flags go before the environment. Errors are UsageError."""
    given = _parser().parse_args(arguments)
    value = {option.key: _value(option, getattr(given, option.key), environ) for option in _OPTIONS}
    connections = _connections(value.pop("connection"))
    node_name = _node_name(value["node_name"], connections, once=given.once)
    audit = _audit({field.name: value.pop(field.name) for field in fields(AuditSettings)})
    return Settings(**value | {"node_name": node_name}, connections=connections, audit=audit, once=given.once)


def _audit(value: Mapping[str, Any]) -> AuditSettings:
    """Each field of AuditSettings has an option of its name; what two of them forbid each other is told here."""
    try:
        return AuditSettings(**value)
    except BadSetting as error:
        raise UsageError(str(error)) from error


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {PROGRAM} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="Reports the libvirt hosts that it is connected to as ComputeNodes.",
        epilog="Each flag but --once can be set in the environment: --node-name as HYPERTALLY_NODE_NAME, and so on.",
        allow_abbrev=False,
    )
    for option in _OPTIONS:
        names = ("-o", option.flag) if option.key == "output" else (option.flag,)
        how: dict[str, Any] = {"action": "append"} if option.repeated else {}
        text = f"{option.help} (default: {option.default or 'none'})".replace("%", "%%")
        parser.add_argument(*names, dest=option.key, metavar=option.metavar or None, help=text, **how)
    parser.add_argument("--once", action="store_true", help="audit once, print the report and end; needs no cluster")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {version('hypertally')}")
    return parser


def _value(option: _Option, given: Any, environ: Mapping[str, str]) -> Any:
    """From the flag, the environment or the default."""
    source = option.flag
    if given is None and option.variable in environ:
        source, given = option.variable, environ[option.variable]
        given = option.split(given) if option.repeated else given
    if given is None:
        given = [] if option.repeated else option.default
    if option.repeated:
        return tuple(_parsed(option, source, text) for text in given)
    return _parsed(option, source, given)


def _parsed(option: _Option, source: str, text: str) -> Any:
    try:
        return option.parse(text)
    except (BadSetting, ListenError, NodeNameError, UsageError) as error:
        raise UsageError(f"{source}: {error}") from error


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


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{text!r} is no number of seconds")
    return value


def _interval(text: str) -> float:
    value = _seconds(text)
    if 0 < value < _LEAST_INTERVAL:
        raise UsageError(
            f"{text!r} is too short; allowed are {_LEAST_INTERVAL:g} s or more, 0 for the default, "
            "a negative number for audits on events only"
        )
    return value


def _period(text: str) -> float:
    value = _seconds(text)
    if value < _LEAST_INTERVAL:
        raise UsageError(f"{text!r} is too short; allowed is {_LEAST_INTERVAL:g} s or more")
    return value


def _timeout(text: str) -> float:
    value = _seconds(text)
    if not 0 < value <= _LONGEST_TIMEOUT:
        raise UsageError(f"{text!r} is out of bounds; allowed is more than 0 s and at most {_LONGEST_TIMEOUT:g} s")
    return value


def _choice(kind: type[E]) -> Callable[[str], E]:
    def choose(text: str) -> E:
        try:
            return kind(text)
        except ValueError:
            raise UsageError(f"{text!r} is unknown; allowed are {', '.join(kind)}") from None

    return choose


def _instances_path(text: str) -> Path:
    return AuditSettings(instances_path=Path(text)).instances_path


def _host_ip(text: str) -> str:
    return AuditSettings(host_ip=text).host_ip


def _cpu_set(text: str) -> frozenset[int] | None:
    return required_cpu_set(text) if text else None


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise UsageError(f"{text!r} is unknown; allowed are true and false")
    return text == "true"


def _mib(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(AMOUNT_MAX)) and int(text) <= AMOUNT_MAX):
        raise UsageError(f"{text!r} is no size; allowed is a whole number of MiB from 0 to {AMOUNT_MAX}")
    return int(text)


def _name_or_none(text: str) -> str:
    return check_node_name(text) if text else ""


def _address(text: str) -> Address | None:
    return Address.parse(text) if text else None


_OPTIONS = (
    _Option(
        "--connection",
        parse_connection,
        "",
        "libvirt connection; repeatable, every further one with a name: its ComputeNode is NODE--NAME",
        "[NAME=]URI",
        repeated=True,
    ),
    _Option("--node-name", _name_or_none, "", "Kubernetes node that this agent runs on", "NAME"),
    _Option(
        "--interval",
        _interval,
        f"{DEFAULT_INTERVAL:g}",
        "time between two audits; 0 means the default, a negative one that only events ask for audits",
        "SECONDS",
    ),
    _Option("--libvirt-timeout", _timeout, "30", "after this a call to libvirt counts as hanging", "SECONDS"),
    _Option("--compare-interval", _period, "300", "an edited status heals within this, ± 20 %", "SECONDS"),
    _Option("--lease-interval", _period, "10", "between two renewals of the Lease, which lives 4 times it", "SECONDS"),
    _Option(
        "--instances-path",
        _instances_path,
        str(DEFAULT_INSTANCES_PATH),
        "folder on the file system that holds the guests' disks",
        "PATH",
    ),
    _Option(
        "--images-type", _choice(ImagesType), ImagesType.FS, "where guests' disks live: one of fs, lvm, rbd", "TYPE"
    ),
    _Option("--lvm-volume-group", str, "", "with images type lvm: the group of the guests' volumes", "NAME"),
    _Option("--rbd-pool", str, "", "with images type rbd: the Ceph pool of the guests' images", "NAME"),
    _Option(
        "--ceph-conf", Path, str(DEFAULT_CEPH_CONF), "Ceph's configuration, names its monitors and keyring", "PATH"
    ),
    _Option("--ceph-user", str, "", "Ceph client, without the 'client.'; none means Ceph's default, admin", "NAME"),
    _Option(
        "--ignore-disk-over-commit",
        _yes_or_no,
        "false",
        "true to leave what thin disks may still grow by out of the disk that is available",
        "BOOL",
    ),
    _Option("--host-ip", _host_ip, "", "address of this host for others; none means the default route's", "ADDRESS"),
    _Option("--cpu-shared-set", _cpu_set, "", "CPUs for vcpus; none means all, or none beside a dedicated set", "CPUS"),
    _Option("--cpu-dedicated-set", _cpu_set, "", "CPUs that guests get to themselves, as pcpus: 2-7,^4", "CPUS"),
    _Option(
        "--cpu-power-management",
        _yes_or_no,
        "false",
        "true where something powers idle dedicated CPUs off and on again for their guests: those that are off count",
        "BOOL",
    ),
    _Option(
        "--reserved-huge-pages",
        parse_reserved_pages,
        "",
        "pages that are not for guests: node:0,size:2048,count:64; repeatable",
        "PAGES",
        repeated=True,
    ),
    _Option(
        "--file-backed-memory-mib",
        _mib,
        "0",
        "size of the files that back all guests' memory, in place of the host's own memory; 0 means none do",
        "MIB",
    ),
    _Option(
        "--device-spec",
        parse_device_spec,
        "",
        "PCI devices that are offered to guests, in Nova's words; repeatable, the first that matches gives the tags; "
        "in the environment a JSON list",
        "JSON",
        repeated=True,
        split=split_device_specs,
    ),
    _Option("--kubeconfig", str, "", "file to use; none means $KUBECONFIG, the Pod's account, ~/.kube/config", "PATH"),
    _Option("--context", str, "", "context of the kubeconfig; none means its current one", "NAME"),
    _Option("--lease-namespace", str, LEASE_NAMESPACE, "namespace of the agents' Leases", "NAME"),
    _Option(
        "--listen", _address, DEFAULT_LISTEN, "address of /healthz, /readyz and /metrics; '' for none", "HOST:PORT"
    ),
    _Option("--log-format", _choice(LogFormat), LogFormat.TEXT, "one of " + ", ".join(LogFormat), "FORMAT"),
    _Option("--log-level", _choice(LogLevel), LogLevel.INFO, "one of " + ", ".join(LogLevel), "LEVEL"),
    _Option("--output", _choice(Output), Output.TABLE, "with --once: one of " + ", ".join(Output), "FORMAT"),
)
