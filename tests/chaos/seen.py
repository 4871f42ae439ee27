"""What is looked at: all objects as they were at one moment, and what libvirt itself says of a host."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from devhost import Host, HostError

from .client import Answer, Api, Object

Size = Mapping[str, int]
_LIST = "list --uuid; echo inactive; list --inactive --uuid"
_SECONDS = 4.0
_KIB = 1024


@dataclass(frozen=True)
class Snapshot:
    """Everything that was stored when `version` was the newest revision; by name."""

    at: float
    version: int
    nodes: Mapping[str, Object]
    instances: Mapping[str, Object] = field(default_factory=dict)
    migrations: Mapping[str, Object] = field(default_factory=dict)
    machines: frozenset[str] = frozenset()
    """Kubernetes nodes."""


def take_snapshot(api: Api, version: int = 0) -> Snapshot | None:
    """All kinds share one etcd, whose revision is everybody's resourceVersion: so a list of one kind names a moment,
    and the others are listed as they were then. Without `version`, of now. None where it cannot be had."""
    first = _list(api, "computenodes", version)
    if first is None:
        return None
    at, version = time.monotonic(), int(first.body["metadata"]["resourceVersion"])
    others = [_list(api, plural, version) for plural in ("instances", "migrations", "nodes")]
    if any(other is None for other in others):
        return None
    nodes, instances, migrations, machines = (_by_name(answer) for answer in (first, *others) if answer)
    return Snapshot(at, version, nodes, instances, migrations, frozenset(machines))


def _list(api: Api, plural: str, version: int) -> Answer | None:
    exact = {"resourceVersion": str(version), "resourceVersionMatch": "Exact"} if version else {}
    answer = api.list(plural, **exact)
    return answer if answer.ok else None


def _by_name(answer: Answer) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in answer.body["items"]}


@dataclass(frozen=True)
class Guests:
    """Of one host, by UUID."""

    sizes: Mapping[str, Size]
    active: frozenset[str]


class Eyes:
    """On one host, by virsh. The size of a guest is asked for once: nobody changes it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._sizes: dict[str, Size] = {}

    def look(self) -> Guests | None:
        """None where libvirt does not answer, or changes its mind meanwhile."""
        try:
            running, _, rest = self._host.virsh(_LIST, timeout=_SECONDS).partition("inactive")
            found = {*running.split(), *rest.split()}
            self._sizes = {uuid: self._sizes.get(uuid) or self._size(uuid) for uuid in found}
        except HostError:
            return None
        return Guests(dict(self._sizes), frozenset(running.split()))

    def _size(self, uuid: str) -> Size:
        text = self._host.virsh("dominfo", uuid, timeout=_SECONDS)
        said = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        memory = int(said["Max memory"].split()[0]) // _KIB
        return {"vcpus": int(said["CPU(s)"]), "pcpus": 0, "memoryMiB": memory, "diskMiB": 0}
