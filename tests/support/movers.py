"""Somebody who moves guests at random, by Migrations, and keeps the rules of the trade: no guest goes where no place is
held for it, and an outcome is said only of what is so.
"""

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.fleet import Fleet, find_condition
from tests.support.samples import Object
from tests.support.story import Size, size_of

if TYPE_CHECKING:
    from tests.support.walk import Walk

_PATIENCE_SECONDS = 4.0
_GIVEN_UP, _EARLY, _REVERTED = 0.15, 0.2, 0.5


@dataclass
class Plan:
    """One Migration. `stage`: asked, half (live: paused at the target), there (an outcome is due), over."""

    type: str
    instance: str
    uuid: str
    source: str
    target: str
    old: Size
    new: Size
    stage: str = "asked"


class Mover:
    def __init__(self, fleet: Fleet, dice: random.Random, walk: "Walk") -> None:
        self._fleet = fleet
        self._dice = dice
        self._walk = walk
        self._plans: dict[str, Plan] = {}

    def declare(self) -> bool:
        """For a guest that is where it is accounted; there may be another Migration of it already."""
        ready = [i for i in self._walk.instances() if self._is_at_home(i)]
        if not ready:
            return False
        instance = self._dice.choice(ready)
        plain = "placement" not in instance["spec"]
        type_ = self._dice.choice(["Live", "Cold", "Cold", "Evacuation", *(["Resize", "Resize"] if plain else [])])
        home = instance["status"]["computeNodeName"]
        others = sorted(self._walk.world.hosts.keys() - {home})
        target = self._dice.choice([*others, *([home] if type_ == "Resize" else [])])
        old = size_of(instance["status"]["resources"])
        new = {**old, "memoryMiB": self._dice.choice([512, 1536, 2560])} if type_ == "Resize" else old
        sizes = {"vcpus": 1, "memoryMiB": new["memoryMiB"]}
        more = {"resources": sizes} if type_ == "Resize" else {}
        name = self._fleet.migration(instance["metadata"]["name"], type_, target, **more)
        uuid = instance["spec"]["uuid"]
        self._plans[name] = Plan(type_, instance["metadata"]["name"], uuid, home, target, old, new)
        return True

    def _is_at_home(self, instance: Object) -> bool:
        home = instance.get("status", {}).get("computeNodeName")
        return bool(home) and self._walk.world.where(instance["spec"]["uuid"]) == [home]

    def withdraw(self) -> bool:
        """Whatever has happened to the guest so far."""
        if not self._plans:
            return False
        name = self._dice.choice(sorted(self._plans))
        del self._plans[name]
        self._fleet.migrations.delete(name)
        return True

    def go_on(self) -> bool:
        names = sorted(name for name, plan in self._plans.items() if plan.stage != "over")
        if not names:
            return False
        name = self._dice.choice(names)
        plan = self._plans[name]
        self._wait(name, plan)
        if plan.stage == "asked":
            return self._begin(name, plan)
        return self._arrive_live(name, plan) if plan.stage == "half" else self._decide(name, plan)

    def _wait(self, name: str, plan: Plan) -> None:
        """For a while: the hosts are looked at meanwhile."""
        ends = time.monotonic() + self._dice.choice([0.0, _PATIENCE_SECONDS])
        while time.monotonic() < ends and not self._is_due(name, plan):
            self._walk.world.audit(plan.target)

    def _is_due(self, name: str, plan: Plan) -> bool:
        if plan.stage == "asked":
            return "Incoming" in self._walk.world.hosts[plan.target].roles(plan.uuid)
        return plan.stage == "half" or self._move_of(name, plan).get("phase") == "Moved"

    def _move_of(self, name: str, plan: Plan) -> Object:
        """The Instance's move, if it is of this Migration; empty if there is none."""
        found = (i for i in self._walk.instances() if i["metadata"]["name"] == plan.instance)
        move: Object = next(found, {}).get("status", {}).get("move", {})
        return move if move.get("migrationName") == name else {}

    def _begin(self, name: str, plan: Plan) -> bool:
        if self._dice.random() < _GIVEN_UP:
            return self._say(name, plan, "Cancelled" if plan.type == "Live" else self._dice.choice(_BACK))
        claimed = find_condition(self._fleet.migrations.get(name), "Claimed").get("status") == "True"
        if not claimed or self._move_of(name, plan).get("phase") != "Accepted" or not self._is_whole(plan):
            return False
        held = self._walk.world.hosts[plan.target].roles(plan.uuid)
        guest = self._walk.as_claimed(plan.target, plan.uuid, "Running", plan.new)
        if "Incoming" not in held or guest is None:
            return False
        self._set_off(plan, guest)
        return True

    def _is_whole(self, plan: Plan) -> bool:
        return self._walk.world.where(plan.uuid) == [plan.source]

    def _set_off(self, plan: Plan, guest: Object) -> None:
        world = self._walk.world
        if plan.type == "Live":
            world.put(plan.target, plan.uuid, {**guest, "state": "Paused"})
            plan.stage = "half"
            return
        if plan.source != plan.target:
            world.take(plan.source, plan.uuid)
        world.put(plan.target, plan.uuid, guest if plan.type == "Evacuation" else {**guest, "state": "Shutoff"})
        plan.stage = "over" if plan.type == "Evacuation" else "there"

    def _arrive_live(self, name: str, plan: Plan) -> bool:
        """Or stay: the copy at the target goes, and the move is cancelled."""
        world = self._walk.world
        if world.where(plan.uuid) != sorted({plan.source, plan.target}, key=list(world.hosts).index):
            return self._drop(name)
        if self._dice.random() < _GIVEN_UP:
            world.take(plan.target, plan.uuid)
            return self._say(name, plan, "Cancelled")
        self._switch(plan)
        return True

    def _switch(self, plan: Plan) -> None:
        guest = self._walk.world.guests(plan.target)[plan.uuid]
        self._walk.world.guests(plan.target)[plan.uuid] = {**guest, "state": "Running"}
        self._walk.world.take(plan.source, plan.uuid)
        plan.stage = "over"

    def _decide(self, name: str, plan: Plan) -> bool:
        phase = self._move_of(name, plan).get("phase")
        if self._walk.world.where(plan.uuid) != [plan.target]:
            return self._drop(name)
        if phase == "Accepted" and self._dice.random() < _EARLY:
            return self._say(name, plan, "Confirmed")
        if phase != "Moved":
            return False
        if self._dice.random() < _REVERTED and self._is_put_back(plan):
            return self._say(name, plan, "Reverted")
        return self._say(name, plan, "Confirmed")

    def _is_put_back(self, plan: Plan) -> bool:
        """At its source, where its old size is reserved."""
        guest = self._walk.as_claimed(plan.source, plan.uuid, "Running", plan.old)
        if guest is None:
            return False
        self._walk.world.put(plan.source, plan.uuid, guest)
        if plan.source != plan.target:
            self._walk.world.take(plan.target, plan.uuid)
        return True

    def _say(self, name: str, plan: Plan, outcome: str) -> bool:
        self._fleet.migrations.merge(name, {"spec": {"outcome": outcome}}).check()
        plan.stage = "over"
        return True

    def _drop(self, name: str) -> bool:
        """Somebody undefined the guest meanwhile."""
        self._plans.pop(name)
        self._fleet.migrations.delete(name)
        return False

    def wind_up(self) -> None:
        """Every move comes to its end, or is given up."""
        for name, plan in self._plans.items():
            if plan.stage == "half" and len(self._walk.world.where(plan.uuid)) == _BOTH:
                self._switch(plan)
            elif plan.stage == "there":
                self._say(name, plan, "Confirmed")
            elif plan.stage == "asked" or self._is_lost(name, plan):
                self._say(name, plan, "Cancelled")

    def _is_lost(self, name: str, plan: Plan) -> bool:
        """The guest never arrives: somebody undefined it on its way."""
        said = self._fleet.migrations.get(name)["spec"].get("outcome")
        return said is None and plan.target not in self._walk.world.where(plan.uuid)


_BACK = ("Cancelled", "Reverted")
_BOTH = 2
