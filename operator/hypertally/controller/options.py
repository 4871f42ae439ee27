"""Flags and environment of `hypertally-controller`: the same names, the flag wins."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any

from hypertally.serving.health import Address, ListenError
from hypertally.serving.logs import LogFormat, LogLevel

from .settings import Settings

PREFIX = "HYPERTALLY_"

_HELP = {
    "kubeconfig": "path of a kubeconfig (default: $KUBECONFIG, the Pod's service account, ~/.kube/config)",
    "context": "context of the kubeconfig (default: its current one)",
    "lease_namespace": "where the agents' Leases are",
    "agent_grace": "seconds that an agent's Lease may stand still before Ready is Unknown",
    "resync_interval": "seconds between two comparisons of all Instances and Migrations with the cache",
    "workers": "objects reconciled at once",
    "listen": "address of /healthz, /readyz and /metrics, as host:port or :port; '' for none",
    "log_format": "json or text",
    "log_level": "debug, info, warning or error",
}


def parse(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Ends the program with status 2 and one line for a value that is not allowed."""
    parser = argparse.ArgumentParser(
        prog="hypertally-controller",
        description="Keeps the ledgers of all ComputeNodes: which Instance and which Migration holds what.",
        epilog=f"Each flag may also be set in the environment, as {PREFIX}LEASE_NAMESPACE for --lease-namespace.",
        allow_abbrev=False,
    )
    for field in fields(Settings):
        flag = f"--{field.name.replace('_', '-')}"
        given = environ.get(PREFIX + field.name.upper())
        default: Any = field.default if given is None else given
        text = f"{_HELP[field.name]} (default: {_shown(field.default) or 'none'})"
        parser.add_argument(flag, default=default, type=_TYPES.get(field.name, str), help=text, metavar="VALUE")
    return Settings(**vars(parser.parse_args(arguments)))


def _shown(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _between(low: float, high: float, kind: type[float] | type[int]) -> Callable[[str], float]:
    def check(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed: a number from {low:g} to {high:g}")
        return value

    return check


def _one_of(kind: type[LogFormat] | type[LogLevel]) -> Callable[[str], Enum]:
    def check(text: str) -> Enum:
        try:
            return kind(text)
        except ValueError:
            allowed = ", ".join(kind)
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed: one of {allowed}") from None

    return check


def _address(text: str) -> str:
    if text:
        try:
            Address.parse(text)
        except ListenError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return text


_TYPES: dict[str, Callable[[str], Any]] = {
    "agent_grace": _between(1, 86400, float),
    "resync_interval": _between(1, 86400, float),
    "workers": _between(1, 256, int),
    "listen": _address,
    "log_format": _one_of(LogFormat),
    "log_level": _one_of(LogLevel),
}
