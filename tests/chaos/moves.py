"""Moves of guests, declared by Migrations and made by virsh, however often something fails in the middle."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from devhost import HostError
from tests.support.fleet import find_condition

from .client import Object
from .plan import HOSTS

if TYPE_CHECKING:
    from .workload import Workload

_PATIENCE_SECONDS = 15.0
_MIGRATE_SECONDS = 20.0


@dataclass
class Plan:
    """One Migration. `stage`: asked, sent (Live: it is at its target, and the controller has yet to see it), off (Cold:
    it has left its source), there (Cold: an outcome is due)."""

    type: str
    instance: str
    uuid: str
    source: str
    target: str
    since: float
    stage: str = "asked"

    def is_late(self) -> bool:
        return time.monotonic() - self.since > _PATIENCE_SECONDS


class Mover:
    def __init__(self, workload: "Workload") -> None:
        self._workload = workload
        self._plans: dict[str, Plan] = {}
        self._count = 0

    def moves(self, instance: str) -> bool:
        return any(plan.instance == instance for plan in self._plans.values())

    def moves_guest(self, uuid: str) -> bool:
        return any(plan.uuid == uuid for plan in self._plans.values())

    def declare(self) -> bool:
        """For a guest that runs where it is accounted, and of which there is no other move."""
        work = self._workload
        there = work.everywhere()
        ready = [i for i in work.instances() if self._is_at_home(i, there)]
        if not ready:
            return False
        instance = work.dice.choice(ready)
        home, name = instance["status"]["computeNodeName"], instance["metadata"]["name"]
        (target,) = {*HOSTS} - {home}
        type_ = work.dice.choice(["Live", "Cold"])
        self._count += 1
        move = f"move-{self._count}"
        spec = {"instanceName": name, "type": type_, "targetComputeNodeName": target}
        answer = work.api.create("migrations", _migration(move, spec))
        if answer.refused:
            return False
        # Also where nobody answered: it may be there.
        self._plans[move] = Plan(type_, name, instance["spec"]["uuid"], home, target, time.monotonic())
        return answer.ok

    def _is_at_home(self, instance: Object, there: Mapping[str, Sequence[str]]) -> bool:
        status, name = instance.get("status", {}), instance["metadata"]["name"]
        home = status.get("computeNodeName")
        if home not in HOSTS or "move" in status or self.moves(name):
            return False
        return [host for host, uuids in there.items() if instance["spec"]["uuid"] in uuids] == [home]

    def go_on(self) -> bool:
        if not self._plans:
            return False
        name = self._workload.dice.choice(sorted(self._plans))
        plan = self._plans[name]
        if plan.stage == "asked":
            return self._begin(name, plan)
        if plan.stage == "sent":
            return self._see(name, plan)
        return self._arrive(plan) if plan.stage == "off" else self._decide(name, plan)

    def _begin(self, name: str, plan: Plan) -> bool:
        answer = self._workload.api.get("migrations", name)
        if not answer.ok or not self._may_go(answer.body, plan):
            return plan.is_late() and self._give_up(name)
        if plan.type == "Live":
            return self._live(plan)
        self._workload.take(plan.source, plan.uuid)
        plan.stage = "off"
        return True

    def _may_go(self, migration: Object, plan: Plan) -> bool:
        claimed = find_condition(migration, "Claimed").get("status") == "True"
        return claimed and self._workload.where(plan.uuid) == [plan.source]

    def _live(self, plan: Plan) -> bool:
        """Whatever comes of it: the guest is at one of both ends then, and the move sent or given up."""
        hosts = self._workload.world.hosts
        try:
            hosts[plan.source].migrate(plan.instance, hosts[plan.target], timeout=_MIGRATE_SECONDS)
        except HostError:
            plan.since -= _PATIENCE_SECONDS
            raise
        plan.stage, plan.since = "sent", time.monotonic()
        return True

    def _see(self, name: str, plan: Plan) -> bool:
        """Nobody touches the guest before: of one that is nowhere nobody could tell where it went."""
        answer = self._workload.api.get("migrations", name)
        over = answer.ok and find_condition(answer.body, "Completed").get("status") == "True"
        return self._forget(name) if over else plan.is_late() and self._give_up(name)

    def _arrive(self, plan: Plan) -> bool:
        self._workload.world.hosts[plan.target].start_guest(plan.instance, uuid=plan.uuid, **self._size(plan))  # type: ignore[arg-type]
        plan.stage = "there"
        return True

    def _size(self, plan: Plan) -> dict[str, int]:
        spec = self._workload.declared.get(plan.instance, {"resources": {"memoryMiB": 48}})
        return {"memory_mib": spec["resources"]["memoryMiB"], "vcpus": 1}

    def _decide(self, name: str, plan: Plan) -> bool:
        instance = self._workload.api.get("instances", plan.instance)
        status: Object = instance.body.get("status", {}) if instance.ok else {}
        moved = status.get("move", {}).get("phase") == "Moved"
        return (moved or plan.is_late()) and self._say(name, "Confirmed")

    def _give_up(self, name: str) -> bool:
        """A live move may have gone through, though nobody was told."""
        return self._say(name, "Cancelled")

    def _say(self, name: str, outcome: str) -> bool:
        answer = self._workload.api.merge("migrations", name, {"spec": {"outcome": outcome}})
        # 422: it says something else already, or its type takes no such outcome any more.
        known = answer.ok or answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
        return known and self._forget(name)

    def _forget(self, name: str) -> bool:
        del self._plans[name]
        return True

    def wind_up(self) -> bool:
        """Every move comes to its end, or is given up. True when none is left."""
        for name, plan in sorted(self._plans.items()):
            if plan.stage == "off":
                self._arrive(plan)
            if plan.stage == "sent" and self._workload.where(plan.uuid) == [plan.target]:
                self._forget(name)  # the controller sees it by itself
                continue
            self._say(name, "Confirmed" if plan.stage == "there" else "Cancelled")
        return not self._plans


def _migration(name: str, spec: Object) -> Object:
    return {
        "apiVersion": "compute.hypertally.dev/v1alpha1", "kind": "Migration", "metadata": {"name": name}, "spec": spec,
    }  # fmt: skip
