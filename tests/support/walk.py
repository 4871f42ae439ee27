"""Users, movers and agents who do at random what they may, one step after the other, and remember what really was.

Guests of Instances start only where their Instance is accounted and move only by Migrations whose claim stands, so that
each is charged wherever it really is, whatever a controller knows (`stays`). Strangers appear and vanish as they like.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from tests.support.fleet import Fleet, Host
from tests.support.history import Recorder
from tests.support.ledgers import Stay
from tests.support.movers import Mover
from tests.support.samples import Object, fresh_name
from tests.support.story import KEYS, Size, size_of

if TYPE_CHECKING:
    from collections.abc import Callable

_OK = 200
FIRST_INSTANCES = 4
MOST_INSTANCES = 9
SIZES_MIB = (1024, 2048, 3072)
PINNED: Object = {
    "cpuPolicy": "Dedicated",
    "pciRequests": [{"name": "net", "tags": {"physical_network": "net1"}, "numaPolicy": "Preferred"}],
}
PLACEMENTS: tuple[Object | None, ...] = (None, None, None, {"pciRequests": PINNED["pciRequests"]}, PINNED)


@dataclass
class Look:
    """An audit under way: the moment before it began, and what it saw."""

    began: int
    seen: dict[str, Object]


@dataclass
class World:
    """The hosts as they really are."""

    fleet: Fleet
    recorder: Recorder
    hosts: dict[str, Host]
    audits: dict[tuple[str, str, int], int] = field(default_factory=dict)
    stays: list[Stay] = field(default_factory=list)
    _present: dict[tuple[str, str], tuple[Size, int]] = field(default_factory=dict)
    _reported: dict[str, object] = field(default_factory=dict)
    _looks: dict[str, Look] = field(default_factory=dict)
    _guests: dict[str, dict[str, Object]] = field(default_factory=dict)

    def guests(self, host: str) -> dict[str, Object]:
        return self._guests.setdefault(host, {})

    def where(self, uuid: str) -> list[str]:
        return [name for name in self.hosts if uuid in self.guests(name)]

    def put(self, host: str, uuid: str, guest: Object, *, declared: bool = True) -> None:
        """The guest is there now, as it is given."""
        self.take(host, uuid)
        self.guests(host)[uuid] = {"uuid": uuid, "name": f"guest-{uuid[-4:]}", **guest}
        if declared:
            self._present[uuid, host] = size_of(guest), self.recorder.now()

    def take(self, host: str, uuid: str) -> None:
        """It is there no longer."""
        if (uuid, host) in self._present:
            until = self.recorder.now()
            size, since = self._present.pop((uuid, host))
            self.stays.append(Stay(uuid, host, size, since, until))
        self.guests(host).pop(uuid, None)

    def begin_audit(self, name: str) -> None:
        self._looks[name] = Look(self.recorder.now(), dict(self.guests(name)))

    def end_audit(self, name: str) -> None:
        look, host = self._looks.pop(name, None), self.hosts[name]
        if look is None:
            return
        self.audits[name, host.holder, host.audit + 1] = look.began
        if look.seen == self._reported.get(name):
            host.look()
            return
        host.guests = look.seen
        self._reported[name] = look.seen
        host.report()

    def audit(self, name: str) -> None:
        self.begin_audit(name)
        self.end_audit(name)

    def restart_agent(self, name: str) -> None:
        """Its count begins anew, under another holder."""
        host = self.hosts[name]
        host.holder, host.audit = fresh_name("holder"), 0
        self._looks.pop(name, None)

    def end(self) -> None:
        until = self.recorder.now()
        for (uuid, host), (size, since) in self._present.items():
            self.stays.append(Stay(uuid, host, size, since, until))
        self._present.clear()


class Walk:
    """`step` does one thing; `tally` counts what was done."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.fleet = world.fleet
        self.dice = random.Random(seed)  # noqa: S311
        self.tally: Counter[str] = Counter()
        self.mover = Mover(world.fleet, self.dice, self)
        self._strangers = [self._uuid() for _ in range(2)]
        self._kinds: list[tuple[int, Callable[[], bool]]] = [
            (36, self.audit),
            (10, self.declare),
            (14, self.start),
            (3, self.stop),
            (4, self.rebind),
            (2, self.delete),
            (2, self.undefine),
            (3, self.adopt),
            (4, self.wander),
            (1, self.restart_agent),
            (10, self.mover.declare),
            (24, self.mover.go_on),
            (2, self.mover.withdraw),
        ]

    def begin(self) -> None:
        """With some that are accounted and run: what is new comes by itself."""
        for _ in range(FIRST_INSTANCES):
            self.declare()
        self.fleet.until(
            lambda: sum(map(self._may_start, self.instances())) >= FIRST_INSTANCES - 1, "some to have homes"
        )
        for _ in range(FIRST_INSTANCES - 1):
            self.start()

    def step(self) -> None:
        weights = [weight for weight, _ in self._kinds]
        (kind,) = self.dice.choices([kind for _, kind in self._kinds], weights)
        if kind():
            self.tally[kind.__qualname__] += 1

    def instances(self) -> list[Object]:
        """In an order that does not depend on the server."""
        listed = self.fleet.instances.every()
        return sorted(listed, key=lambda i: str(i["metadata"]["name"]))

    # -- agents

    def audit(self) -> bool:
        """Half of them in one go; of the others the end comes with a later step."""
        name = self.dice.choice(sorted(self.world.hosts))
        self.dice.choice([self.world.audit, self.world.audit, self.world.begin_audit, self.world.end_audit])(name)
        return True

    def restart_agent(self) -> bool:
        self.world.restart_agent(self.dice.choice(sorted(self.world.hosts)))
        return True

    # -- users

    def declare(self) -> bool:
        if len(self.fleet.instances.every()) >= MOST_INSTANCES:
            return False
        self._declare(self._uuid(), self.dice.choice(sorted(self.world.hosts)), self.dice.choice(PLACEMENTS))
        return True

    def _declare(self, uuid: str, node: str, placement: Object | None) -> None:
        name = self.fleet.instance("", uuid=uuid, memoryMiB=self.dice.choice(SIZES_MIB))
        if placement is not None:
            self.fleet.instances.merge(name, {"spec": {"placement": placement}}).check()
        self.fleet.instances.merge(name, {"spec": {"computeNodeName": node}}).check()

    def rebind(self) -> bool:
        for instance in self.instances():
            refused = instance.get("status", {}).get("refusedComputeNodeName")
            if refused and refused == instance["spec"]["computeNodeName"]:
                elsewhere = self.dice.choice(sorted(self.world.hosts.keys() - {refused}))
                # A controller may just have found room: then the API server refuses.
                name = instance["metadata"]["name"]
                return self.fleet.instances.merge(name, {"spec": {"computeNodeName": elsewhere}}).status == _OK
        return False

    def delete(self) -> bool:
        """Its guest, if there is one, becomes an orphan."""
        found = self.instances()
        if len(found) < MOST_INSTANCES // 2:
            return False
        self.fleet.instances.delete(self.dice.choice(found)["metadata"]["name"])
        return True

    def adopt(self) -> bool:
        """An Instance for a guest that has none; its user may be wrong about where it is."""
        declared = {instance["spec"]["uuid"] for instance in self.instances()}
        orphans = sorted({u for name in self.world.hosts for u in self.world.guests(name)} - declared)
        orphans = [uuid for uuid in orphans if uuid not in self._strangers]
        if not orphans:
            return False
        uuid = self.dice.choice(orphans)
        self._declare(uuid, self.dice.choice([*self.world.where(uuid), *sorted(self.world.hosts)]), None)
        return True

    # -- guests

    def start(self) -> bool:
        """Where its Instance is accounted, as it was granted."""
        idle = [i for i in self.instances() if self._may_start(i)]
        if not idle:
            return False
        instance = self.dice.choice(idle)
        status = instance["status"]
        guest = self.as_claimed(status["computeNodeName"], instance["spec"]["uuid"], "Running")
        if guest is None:
            return False
        self.world.put(status["computeNodeName"], instance["spec"]["uuid"], guest)
        return True

    def _may_start(self, instance: Object) -> bool:
        status = instance.get("status", {})
        nowhere = not self.world.where(instance["spec"]["uuid"])
        return nowhere and "move" not in status and bool(status.get("computeNodeName"))

    def as_claimed(self, host: str, uuid: str, state: str, size: Size | None = None) -> Object | None:
        """A guest as its host would list it that started with what is held for it there; None if nothing is."""
        claims = self.world.hosts[host].ledger.get("claims", [])
        own = [c for c in claims if c["uuid"] == uuid and c["role"] in ("Incoming", "Running", "ReservedForRevert")]
        if not own:
            return None
        claim = own[0]
        places: Object = {
            "cells": sorted(cell["id"] for cell in claim.get("cells", [])),
            "pinnedCPUs": ",".join(cell["cpus"] for cell in claim.get("cells", []) if "cpus" in cell),
            "pciAddresses": sorted(device["address"] for device in claim.get("devices", [])),
        }
        amounts = {key: (size or size_of(claim["resources"]))[key] for key in KEYS}
        return {"state": state, **amounts, **{key: value for key, value in places.items() if value}}

    def stop(self) -> bool:
        """Or start again, where it is: its size stays."""
        running = [(name, uuid) for name in sorted(self.world.hosts) for uuid in sorted(self.world.guests(name))]
        still = [(name, uuid) for name, uuid in running if self.world.where(uuid) == [name]]
        if not still:
            return False
        name, uuid = self.dice.choice(still)
        guest = self.world.guests(name)[uuid]
        self.world.guests(name)[uuid] = {**guest, "state": self.dice.choice(["Running", "Shutoff", "Crashed"])}
        return True

    def undefine(self) -> bool:
        everything = [(name, uuid) for name in sorted(self.world.hosts) for uuid in sorted(self.world.guests(name))]
        if not everything:
            return False
        self.world.take(*self.dice.choice(everything))
        return True

    def wander(self) -> bool:
        """A stranger appears, or leaves. It may be larger than what is free."""
        name, uuid = self.dice.choice(sorted(self.world.hosts)), self.dice.choice(self._strangers)
        if self.world.where(uuid):
            self.world.take(self.world.where(uuid)[0], uuid)
        else:
            size = dict(zip(KEYS, (1, 0, self.dice.choice([512, 4096]), 0), strict=True))
            self.world.put(name, uuid, {"state": "Running", **size}, declared=False)
        return True

    def _uuid(self) -> str:
        return str(UUID(int=self.dice.getrandbits(128), version=4))

    def wind_up(self) -> None:
        """Whoever moves a guest says so; then nobody does anything any more but look."""
        self.mover.wind_up()
