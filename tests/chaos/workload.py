"""Users, whoever starts and moves guests, and a GitOps that puts back what was declared: at random, from a seed.

Each keeps to what it may do: a guest starts where its Instance is accounted, and moves where a claim stands for it.
What fails, because something is down, is given up or tried again later, as people do.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from threading import Event, Thread
from typing import Self
from uuid import UUID

from devhost import HostError

from .client import Object
from .ghosts import Ghosts
from .moves import Mover
from .plan import HOSTS
from .world import LAB, World

MOST_REAL, MOST_PINNED, MOST_GUESTS, MOST_STRANGERS = 6, 18, 5, 2
MEMORY_MIB = (48, 64, 96)
ROOM_MIB = 320
"""What guests may have of a real host: four or five, so that some are refused."""
LAB_RATIO = 4000
"""libvirt's test host always runs a guest that may grow beyond it."""
PAUSE_SECONDS = 0.15
_BEGIN_SECONDS = 20.0


class Retry(Exception):
    """Something needed is away."""


class Workload:
    """`step` does one thing; a context manager does them all the time, in a thread of its own."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.api = world.api
        self.dice = random.Random(seed)  # noqa: S311
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []
        self.declared: dict[str, Object] = {}
        """By name, the specs of Instances as somebody keeps them in a repository."""
        self.mover = Mover(self)
        self.ghosts = Ghosts(self)
        self._over = Event()
        self._strangers = 0
        self._kinds: list[tuple[int, Callable[[], bool]]] = [
            (6, self.declare), (8, self.declare_pinned), (4, self.delete), (3, self.rebind), (8, self.start),
            (3, self.stop), (3, self.wander), (3, self.revive), (5, self.mover.declare), (9, self.mover.go_on),
            (2, self.ghosts.appear), (2, self.ghosts.let_go), (3, self.apply),
        ]  # fmt: skip

    def __enter__(self) -> Self:
        self._over.clear()
        self._thread = Thread(target=self._run, name="workload", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _run(self) -> None:
        try:
            while not self._over.wait(self.dice.uniform(0, 2 * PAUSE_SECONDS)):
                self.step()
        except Exception as error:  # noqa: BLE001  # a run in which nobody does anything would find nothing wrong
            self.failures.append(f"the workload failed: {type(error).__name__}: {error}")

    def begin(self) -> None:
        """With some that are accounted and run: what is new comes by itself."""
        for kind in (self.apply, *[self.declare] * MOST_REAL, *[self.declare_pinned] * (MOST_PINNED // 2)):
            self.tried(kind)
        deadline = time.monotonic() + _BEGIN_SECONDS
        while not self.done["started"] >= MOST_GUESTS - 1 and time.monotonic() < deadline:
            self.done["started"] += self.tried(self.start)

    def step(self) -> None:
        (kind,) = self.dice.choices([kind for _, kind in self._kinds], [weight for weight, _ in self._kinds])
        if self.tried(kind):
            self.done[kind.__qualname__] += 1

    @staticmethod
    def tried(kind: Callable[[], bool]) -> bool:
        try:
            return kind()
        except (Retry, HostError):
            return False

    # -- what there is

    def instances(self) -> list[Object]:
        return self.items("instances")

    def items(self, plural: str) -> list[Object]:
        answer = self.api.list(plural)
        if not answer.ok:
            raise Retry
        return sorted(answer.body["items"], key=lambda item: str(item["metadata"]["name"]))

    def where(self, uuid: str) -> list[str]:
        return [host for host, uuids in self.everywhere().items() if uuid in uuids]

    def everywhere(self) -> dict[str, list[str]]:
        return {host: self.guests(host) for host in HOSTS}

    def guests(self, host: str) -> list[str]:
        return self.world.hosts[host].virsh("list", "--all", "--uuid", timeout=5.0).split()

    # -- users

    def declare(self) -> bool:
        if sum(spec["computeNodeName"] in HOSTS for spec in self.declared.values()) >= MOST_REAL:
            return False
        memory = self.dice.choice(MEMORY_MIB)
        return self._declare("web", self.dice.choice(HOSTS), {"vcpus": 1, "memoryMiB": memory})

    def declare_pinned(self) -> bool:
        """For CPUs of their own, of which there are never enough."""
        if sum(spec["computeNodeName"] in LAB for spec in self.declared.values()) >= MOST_PINNED:
            return False
        resources = {"vcpus": self.dice.randint(1, 4), "memoryMiB": 64}
        return self._declare("pin", self.dice.choice(LAB), resources, placement={"cpuPolicy": "Dedicated"})

    def _declare(self, prefix: str, node: str, resources: Object, **more: Object) -> bool:
        uuid = self.fresh_uuid()
        spec = {"uuid": uuid, "computeNodeName": node, "resources": resources, **more}
        self.declared[f"{prefix}-{uuid[:8]}"] = spec
        return self.create(f"{prefix}-{uuid[:8]}", spec)

    def create(self, name: str, spec: Object) -> bool:
        """Who gets no answer asks again: `apply` does."""
        return self.api.create("instances", _instance(name, spec)).ok

    def rebind(self) -> bool:
        for instance in self.instances():
            refused, name = instance.get("status", {}).get("refusedComputeNodeName"), instance["metadata"]["name"]
            if name in self.declared and refused and refused == instance["spec"]["computeNodeName"]:
                others = sorted({*(HOSTS if refused in HOSTS else LAB)} - {refused})
                elsewhere = self.dice.choice(others)
                if self.api.merge("instances", name, {"spec": {"computeNodeName": elsewhere}}).ok:
                    self.declared[name] = {**self.declared[name], "computeNodeName": elsewhere}
                    return True
        return False

    def delete(self) -> bool:
        """Its guest, if there is one, becomes an orphan."""
        if len(self.declared) < (MOST_REAL + MOST_PINNED) // 2:
            return False
        name = self.dice.choice(sorted(self.declared))
        answer = self.api.delete("instances", name)
        if answer.ok or answer.status == HTTPStatus.NOT_FOUND:
            del self.declared[name]
        return answer.ok

    # -- guests

    def start(self) -> bool:
        """Where its Instance is accounted, as it was granted."""
        there = {uuid for uuids in self.everywhere().values() for uuid in uuids}
        idle = [i for i in self.instances() if self._may_start(i) and i["spec"]["uuid"] not in there]
        if not idle or len(there) >= MOST_GUESTS:
            return False
        instance = self.dice.choice(idle)
        self.put(instance["status"]["computeNodeName"], instance)
        return True

    def put(self, host: str, instance: Object) -> None:
        size = instance["status"]["resources"]
        self.world.hosts[host].start_guest(
            instance["metadata"]["name"], uuid=instance["spec"]["uuid"], memory_mib=size["memoryMiB"], vcpus=1
        )

    def _may_start(self, instance: Object) -> bool:
        status = instance.get("status", {})
        at_home = status.get("computeNodeName") in HOSTS and "move" not in status
        return at_home and not self.mover.moves(instance["metadata"]["name"])

    def stop(self) -> bool:
        """For good: the host forgets it."""
        host = self.dice.choice(HOSTS)
        found = sorted(uuid for uuid in self.guests(host) if not self.mover.moves_guest(uuid))
        if not found:
            return False
        self.take(host, self.dice.choice(found))
        return True

    def take(self, host: str, uuid: str) -> None:
        if uuid in self.world.hosts[host].virsh("list", "--uuid", timeout=5.0).split():
            self.world.hosts[host].destroy_guest(uuid)
        self.world.hosts[host].undefine(uuid)

    def revive(self) -> bool:
        """A guest that ended by itself."""
        host = self.dice.choice(HOSTS)
        off = self.world.hosts[host].virsh("list", "--inactive", "--uuid", timeout=5.0).split()
        off = sorted(uuid for uuid in off if not self.mover.moves_guest(uuid))
        if not off:
            return False
        self.world.hosts[host].virsh("start", self.dice.choice(off), timeout=15.0)
        return True

    def wander(self) -> bool:
        """A guest that nobody declared."""
        if self._strangers >= MOST_STRANGERS * len(HOSTS) and self.dice.random() < 1 / 2:
            return False
        host = self.dice.choice(HOSTS)
        if len(self.guests(host)) >= MOST_GUESTS - MOST_STRANGERS:
            return False
        self._strangers += 1
        self.world.hosts[host].start_guest(f"stranger-{self._strangers}", memory_mib=32, uuid=self.fresh_uuid())
        return True

    def fresh_uuid(self) -> str:
        return str(UUID(int=self.dice.getrandbits(128), version=4))

    # -- what is kept in a repository

    def apply(self) -> bool:
        """What was declared and is not there is declared again, as it was: nobody knows of moves."""
        there = {instance["metadata"]["name"] for instance in self.instances()}
        missing = [name for name in sorted(self.declared) if name not in there]
        for name in missing:
            self.create(name, self.declared[name])
        return bool(self._apply_policies()) or bool(missing)

    def _apply_policies(self) -> int:
        wanted: dict[str, Object] = {name: {"allocationRatios": {"memoryMiB": LAB_RATIO}} for name in LAB}
        changed = 0
        for node in self.items("computenodes"):
            name, report = node["metadata"]["name"], node.get("status", {}).get("report")
            if name in HOSTS and report:
                wanted[name] = {"reserved": {"memoryMiB": report["capacity"]["memoryMiB"] - ROOM_MIB}}
            if name in wanted and any(node["spec"].get(key) != value for key, value in wanted[name].items()):
                changed += self.api.merge("computenodes", name, {"spec": wanted[name]}).ok
        return changed

    def tidy(self) -> bool:
        """Nobody needs a Migration that is over."""
        for move in self.items("migrations"):
            self.api.delete("migrations", move["metadata"]["name"])
        return True

    def wind_up(self) -> list[str]:
        """Whoever moves a guest brings it to an end, and what is declared is there. What is still to be done."""
        left = []
        if not self.tried(self.mover.wind_up):
            left.append("moves")
        if not self.tried(lambda: self.apply() or True):
            left.append("what is declared")
        return left


def _instance(name: str, spec: Object) -> Object:
    return {
        "apiVersion": "compute.hypertally.dev/v1alpha1", "kind": "Instance", "metadata": {"name": name}, "spec": spec,
    }  # fmt: skip
