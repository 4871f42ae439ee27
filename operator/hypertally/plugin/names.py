"""What could stand next on the command line: names that the cluster has. Without a cluster there are none."""

import asyncio
from contextlib import suppress

import click

from hypertally.kube.aio import Deadlines
from hypertally.kube.errors import KubeError
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, Kind

from .cluster import Target, connect

_DEADLINES = Deadlines(connect=2.0, answer=3.0)
"""A person waits with a finger on the key."""


def complete_nodes(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    given = set(context.params.get("node") or ())
    return [name for name in _names(context, COMPUTE_NODE) if name.startswith(incomplete) and name not in given]


def complete_instances(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in _names(context, INSTANCE) if name.startswith(incomplete)]


def _names(context: click.Context, kind: Kind) -> list[str]:
    given = (str(context.params.get(key) or "") for key in ("kubeconfig", "context", "namespace"))
    with suppress(KubeError):
        return sorted(asyncio.run(_ask(Target(*given), kind)))
    return []


async def _ask(target: Target, kind: Kind) -> list[str]:
    async with connect(target, _DEADLINES) as cluster:
        namespace = "" if kind is COMPUTE_NODE else cluster.namespace
        listing = await cluster.client.list(kind, namespace=namespace, names_only=True)
    return [item["metadata"]["name"] for item in listing.items]
