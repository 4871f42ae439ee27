"""A settled fleet of any size: one host and its guests, as the controller left them, copied in etcd under other names.

The API server takes a few hundred writes a second, etcd tens of thousands. What is copied went through the API server
and its rules once, so a copy is what the server would hold: managedFields, conditions, ledger and all.
"""

import asyncio
import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import urllib3

from devcluster import Cluster, wait_until
from hypertally.kube.aio import AsyncKubeClient
from hypertally.kube.errors import ServerError
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, LEASE, Kind
from tests.support.fleet import Fleet, Host, controller, find_condition
from tests.support.samples import amounts, cpu, inventory, numa_cell

from .client import client

Pair = tuple[bytes, bytes]

GUESTS = 10
"""Of each host, every one the guest of an Instance."""

_FIRST = "host-00000"
_PART = re.compile(rb"(?:host|guest)-00000|(?<=[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{4})[0-9a-f]{8}")
"""What tells one copy from another. As long as what takes its place: Leases are stored as protobuf, with lengths. Of a
UUID it is the end: claims are sorted by it, and a controller would write every ledger whose order is another."""

_PREFIXES = ("compute.hypertally.dev/computenodes/", "compute.hypertally.dev/instances/default/",
             "leases/hypertally-system/")  # fmt: skip
_SECONDS = 600.0
_PUTS = 100
"""In one transaction; etcd takes 128."""


def host_name(number: int) -> str:
    return f"host-{number:05}"


def guest_name(host: int, guest: int) -> str:
    return f"guest-{host:05}-{guest}"


class Copies:
    """The fleet of one cluster: `grow` makes it larger, never smaller."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._etcd = _Etcd(cluster.etcd_url)
        _settle_one(cluster, folder)
        self._originals = [pair for prefix in _PREFIXES for pair in self._etcd.read(f"/registry/{prefix}")]
        self.size = 1

    def grow(self, hosts: int) -> None:
        """Until the API server lists that many hosts."""
        self._etcd.write(_copy(pair, number) for number in range(self.size, hosts) for pair in self._originals)
        self.size = hosts
        wait_until(self._is_served, seconds=_SECONDS, what=f"{hosts} hosts at the API server")

    def _is_served(self) -> bool:
        """A server that is far behind etcd says so, instead of a list."""
        try:
            return asyncio.run(self._counts()) == (self.size, self.size * GUESTS, self.size)
        except ServerError:
            return False

    async def _counts(self) -> tuple[int, ...]:
        async with client(self._cluster) as api:
            return tuple([await _count(api, kind) for kind in (COMPUTE_NODE, INSTANCE, LEASE)])


async def _count(api: AsyncKubeClient, kind: Kind) -> int:
    return sum(item["metadata"]["name"].startswith(("host-", "guest-")) for item in
               (await api.list(kind, names_only=True)).items)  # fmt: skip


def _settle_one(cluster: Cluster, folder: Path) -> None:
    """The original: ten guests that run, their Instances, and all that the controller has to say of them."""
    fleet = Fleet(cluster)
    host = Host(fleet, _FIRST, amounts(64, 262144, 10**6), inventory=_inventory())
    host.create()
    names = [guest_name(0, number) for number in range(GUESTS)]
    for name in names:
        uuid = str(uuid4())
        fleet.instance(_FIRST, uuid=uuid, name=name)
        host.run(uuid)
    host.report()
    with controller(cluster.kubeconfig_for("controller"), folder / "original.log"):
        wait_until(
            lambda: host.is_settled() and all(_is_ready(fleet, name) for name in names),
            seconds=_SECONDS,
            what="the first host to settle",
        )


def _is_ready(fleet: Fleet, name: str) -> bool:
    return bool(find_condition(fleet.instances.get(name), "Ready").get("status") == "True")


def _inventory() -> dict[str, Any]:
    """Of a server with two sockets."""
    features = [f"feature-{number}" for number in range(80)]
    return inventory() | {"cpu": cpu() | {"features": features}, "numaCells": [numa_cell(0), numa_cell(1)]}


def _copy(pair: Pair, number: int) -> Pair:
    tail, head = b"-%05d" % number, b"%08x" % number

    def other(found: re.Match[bytes]) -> bytes:
        return found[0][:-6] + tail if b"-" in found[0] else head

    return _PART.sub(other, pair[0]), _PART.sub(other, pair[1])


class _Etcd:
    """The two requests that copying needs, through etcd's gateway for JSON."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = urllib3.PoolManager(timeout=30.0, retries=False)

    def read(self, prefix: str) -> list[Pair]:
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        found = self._ask("range", {"key": _text(prefix.encode()), "range_end": _text(end.encode())})
        return [(base64.b64decode(kv["key"]), base64.b64decode(kv["value"])) for kv in found.get("kvs", [])]

    def write(self, pairs: Iterable[Pair]) -> None:
        for some in _batches(pairs):
            puts = [{"requestPut": {"key": _text(key), "value": _text(value)}} for key, value in some]
            self._ask("txn", {"success": puts})

    def _ask(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.request("POST", f"{self._url}/v3/kv/{verb}", body=json.dumps(body).encode())
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"etcd answered {answer.status}: {answer.data[:200]!r}")
        found: dict[str, Any] = json.loads(answer.data)
        return found


def _batches(pairs: Iterable[Pair]) -> Iterator[Sequence[Pair]]:
    rest = iter(pairs)
    while some := list(islice(rest, _PUTS)):
        yield some


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
