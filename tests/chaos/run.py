"""One run: rounds of faults, each followed by a rest in which everything must settle."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition

from .checker import Checker
from .faults import Log, fault
from .plan import Planned, deal
from .report import Report
from .workload import Workload
from .world import World, running_world

AT_ONCE = 4
ROUND = 50
"""Faults between two rests."""
QUIET_SECONDS = 4.0
AROUND_SECONDS = 40.0
FREE_SECONDS = 300.0
"""Longer than the longest fault, with what is started again after it."""
_WINDING_SECONDS = 180.0
_LOOK_SECONDS = 0.2

Say = Callable[[str], None]


@dataclass(frozen=True)
class Bounds:
    """`minutes`: no round begins after that. `settling`: seconds after the last fault until everything is at rest."""

    minutes: float = float("inf")
    settling: float = 60.0


class Violated(Exception):
    """An invariant does not hold; the message says which, and what was wrong around it."""


@dataclass
class Run:
    world: World
    log: Log
    checker: Checker
    workload: Workload
    report: Report
    say: Say
    bounds: Bounds
    _busy: set[str] = field(default_factory=set)
    _under_way: int = 0
    _free: Condition = field(default_factory=Condition)

    def throw(self, plan: Sequence[Planned]) -> None:
        self.workload.begin()
        ends = time.monotonic() + 60 * self.bounds.minutes
        for number, start in enumerate(range(0, len(plan), ROUND)):
            if time.monotonic() > ends:
                self.say("the time is up")
                return
            if number:
                self.world.elect(leader=number % 2 == 0)
                self.world.restart_controllers()
            self._round(plan[start : start + ROUND])
            self._rest()
            self.say(f"{min(start + ROUND, len(plan))} faults, at rest after {self.report.settled[-1]:.1f} s")

    def _round(self, plan: Sequence[Planned]) -> None:
        with self.workload, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fault") as lanes:
            under_way: list[Future[None]] = []
            for planned in plan:
                time.sleep(planned.pause)
                self._wait_for(planned)
                under_way.append(lanes.submit(self._one, planned))
                self.check()
            for future in under_way:
                future.result()
        self.check()

    def _wait_for(self, planned: Planned) -> None:
        """Until what it needs is free, and not too much is broken at once."""
        with self._free:
            if not self._free.wait_for(lambda: self._is_free(planned), timeout=FREE_SECONDS):
                raise TimeoutError(f"{planned} has waited {FREE_SECONDS:g} s for what it needs")
            self._busy |= planned.needs
            self._under_way += 1

    def _is_free(self, planned: Planned) -> bool:
        return self._under_way < AT_ONCE and not self._busy & planned.needs

    def _one(self, planned: Planned) -> None:
        try:
            with self.log.noting(planned), fault(self.world, planned, self.log):
                time.sleep(planned.seconds)
        finally:
            with self._free:
                self._busy -= planned.needs
                self._under_way -= 1
                self._free.notify_all()

    def _rest(self) -> None:
        began = time.monotonic()
        while left := self.workload.wind_up():
            if time.monotonic() - began > _WINDING_SECONDS:
                raise Violated(self.story([f"the workload does not come to an end: {left}"]))
            time.sleep(_LOOK_SECONDS)
        self._settle(time.monotonic())
        self.checker.check_quiet(QUIET_SECONDS)
        self.check()
        self.workload.tried(self.workload.tidy)

    def _settle(self, since: float) -> None:
        while left := self.checker.unsettled(since):
            self.check()
            if time.monotonic() - since > self.bounds.settling:
                raise Violated(self.story([f"not at rest {self.bounds.settling:g} s after the last fault:", *left]))
            time.sleep(_LOOK_SECONDS)
            self.workload.tried(self.workload.apply)
        self.report.settled.append(time.monotonic() - since)

    def check(self) -> None:
        broken = [*self.checker.violations, *self.workload.failures, *self.world.traces()]
        if broken:
            raise Violated(self.story(broken))

    def story(self, broken: Sequence[str]) -> str:
        around = self.log.around(AROUND_SECONDS) or ["nothing"]
        head = f"seed {self.report.seed}, after fault {len(self.log.faults)}; logs in {self.world.folder}"
        return "\n".join([head, *broken, f"What was wrong in the last {AROUND_SECONDS:g} s:", *around])


def run(seed: int, faults: int, folder: Path, say: Say, bounds: Bounds = Bounds()) -> Report:
    """Raises Violated; Ctrl-C leaves nothing behind but the folder."""
    plan, log, began = deal(seed, faults), Log(), time.monotonic()
    with running_world(folder, seed) as world:
        workload = Workload(world, seed)
        say(f"the world stands after {time.monotonic() - began:.0f} s")
        with Checker(world, log, lambda: dict(workload.declared)) as checker:
            report = Report(seed, log, checker, workload.done)
            try:
                Run(world, log, checker, workload, report, say, bounds).throw(plan)
            finally:
                report.seconds = time.monotonic() - began
                report.ended = {name: part.ended for name, part in world.programs.items()}
                say("\n".join(report.lines()))
        return report
