"""What happens on three real hosts while Prometheus watches: some minutes with everything that a dashboard can show."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devcluster import wait_until
from devhost.host import Host
from devprometheus import Stage

from .busy import start_busy_guest

HOSTS = ("hv1", "hv2", "hv3")
LASTS = 300.0
"""Seconds."""

_WAIT_SECONDS = 60.0
_API = "compute.hypertally.dev/v1alpha1"

Object = dict[str, Any]
Moment = tuple[float, str, Callable[["Scene"], None]]


@dataclass(frozen=True)
class Scene:
    stage: Stage
    hosts: Mapping[str, Host]

    def declare(self, name: str, uuid: str, node: str, memory_mib: int) -> None:
        resources = {"vcpus": 1, "memoryMiB": memory_mib, "rootDiskMiB": 8}
        spec = {"uuid": uuid, "computeNodeName": node, "resources": resources}
        self.make("Instance", name, spec)

    def start(self, node: str, *names: str, memory_mib: int = 96, declared: bool = True) -> None:
        for name in names:
            uuid = start_busy_guest(self.hosts[node], name, memory_mib)
            if declared:
                self.declare(name, uuid, node, memory_mib)

    def migrate(self, name: str, source: str, target: str) -> None:
        """As somebody would: a Migration, its place, the guest's move."""
        self.make("Migration", name, {"instanceName": name, "type": "Live", "targetComputeNodeName": target})
        self._wait(f"migration/{name}", "Claimed")
        self.hosts[source].migrate(name, self.hosts[target], bandwidth_mib=1)

    def resize(self, node: str, name: str, memory_mib: int) -> None:
        """By hand, behind the books' back."""
        host = self.hosts[node]
        host.destroy_guest(name)
        host.virsh(f"setmaxmem {name} {memory_mib}MiB --config; setmem {name} {memory_mib}MiB --config; start {name}")

    def tell(self, node: str, patch: str) -> None:
        self.stage.cluster.kubectl("patch", "computenode", node, "--type=merge", "--patch", patch)

    def make(self, kind: str, name: str, spec: Object) -> None:
        metadata = {"name": name, "namespace": "default"}
        self.stage.cluster.apply_objects({"apiVersion": _API, "kind": kind, "metadata": metadata, "spec": spec})

    def _wait(self, what: str, condition: str) -> None:
        self.stage.cluster.kubectl("wait", what, f"--for=condition={condition}", f"--timeout={_WAIT_SECONDS:.0f}s")


STORY: Sequence[Moment] = (
    (10, "guests that are declared start on two hosts", lambda s: s.start("hv1", "web-1", "web-2", "web-3")),
    (22, "and on the second", lambda s: s.start("hv2", "db-1", "db-2", memory_mib=128)),
    (40, "somebody starts a guest that nobody declared", lambda s: s.start("hv3", "by-hand", declared=False)),
    (55, "a Migration is declared towards a host that is closed", lambda s: close(s, "hv3")),
    (85, "the host opens, and the guest moves", lambda s: s.tell("hv3", '{"spec": {"maintenance": null}}')),
    (90, "another guest moves", lambda s: s.migrate("web-2", "hv1", "hv2")),
    (130, "a guest gets another size behind the books' back", lambda s: s.resize("hv2", "db-2", 192)),
    (150, "libvirtd of the third host hangs", lambda s: s.hosts["hv3"].freeze()),
    (205, "it goes on", lambda s: s.hosts["hv3"].thaw()),
    (210, "the second host's agent is killed", lambda s: s.stage.agents["hv2"].kill()),
    (250, "it is started again", lambda s: s.stage.agents["hv2"].start(seconds=_WAIT_SECONDS)),
    (258, "the guest gets its size back", lambda s: s.resize("hv2", "db-2", 128)),
)


def close(scene: Scene, node: str) -> None:
    scene.tell(node, '{"spec": {"maintenance": {"mode": "Drain", "reason": "a new disk"}}}')
    spec = {"instanceName": "web-3", "type": "Live", "targetComputeNodeName": node}
    scene.make("Migration", "web-3", spec)


def play(scene: Scene, say: Callable[[str], None]) -> None:
    """Takes LASTS, or longer on a machine that is slow."""
    wait_until(lambda: _are_accounted(scene), seconds=_WAIT_SECONDS, what="every host to be accounted")
    begun = time.monotonic()
    for at, what, action in STORY:
        time.sleep(max(0.0, begun + at - time.monotonic()))
        say(f"{at:4.0f} s: {what}")
        action(scene)
    time.sleep(max(0.0, begun + LASTS - time.monotonic()))


def _are_accounted(scene: Scene) -> bool:
    arguments = ("computenodes", "-o", "jsonpath={.items[*].status.ledger.generation}")
    return len(scene.stage.cluster.kubectl("get", *arguments).split()) == len(scene.hosts)
