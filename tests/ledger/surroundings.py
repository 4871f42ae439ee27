"""What users, movers and agents may do, as rules of a state machine; who keeps the books comes on top of it."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from hypertally.api.compute_node import GuestState
from hypertally.api.conditions import is_true
from hypertally.api.instance import MovePhase, MoveType
from hypertally.api.migration import Migration, Outcome
from hypertally.ledger.moves import is_closed
from tests.ledger.books import (
    Controller,
)
from tests.ledger.make import migration
from tests.ledger.reference_mover import Moving
from tests.ledger.world import World

HOSTS = ["n0", "n1"]
NAMES = ["a", "b"]
MOVES = ["m0", "m1"]
TYPES = [MoveType.LIVE, MoveType.COLD, MoveType.RESIZE, MoveType.EVACUATION]
STATES = {1: GuestState.PAUSED, 2: GuestState.RUNNING}

hosts, names, moves = st.sampled_from(HOSTS), st.sampled_from(NAMES), st.sampled_from(MOVES)
sizes = st.integers(1, 2)
controllers = st.integers(0, 1)


@dataclass(frozen=True)
class Told:
    """What a mover remembers once `Claimed` was True: it moves nothing before."""

    source: str
    target: str
    before: int
    new: int
    guest: str
    kind: str


class Surroundings(RuleBasedStateMachine):
    """Guests move only by Migrations whose claim stands, and start only where their Instance is accounted."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.told: dict[str, Told] = {}

    @initialize(rooms=st.lists(st.integers(2, 4), min_size=len(HOSTS), max_size=len(HOSTS)), number=sizes)
    def build(self, rooms: list[int], number: int) -> None:
        """It begins with an Instance that is accounted and runs: what is new comes by itself."""
        for host, room in zip(HOSTS, rooms, strict=True):
            self.world.host(host, room)
        self.create("a", HOSTS[0], number, runs=True)
        Controller(self.world).settle()

    def keep_all(self, c: int) -> None:
        """One controller works through everything once."""
        raise NotImplementedError

    # -- users

    @rule(name=names, host=hosts, number=sizes, runs=st.booleans())
    def create(self, name: str, host: str, number: int, runs: bool) -> None:
        if name in self.world.instances or any(name in h.guests for h in self.world.hosts.values()):
            return
        self.world.declare(name, name, host, number)
        if runs:
            Controller(self.world).settle()
            self.start(name)

    @rule(name=names)
    def delete(self, name: str) -> None:
        self.world.instances.pop(name, None)

    @rule(name=names, host=hosts)
    def rebind(self, name: str, host: str) -> None:
        held = self.world.instances.get(name)
        if held is not None and not held.status.compute_node_name and held.spec.compute_node_name != host:
            self.world.rebind(name, host)

    @rule(name=moves, of=names, type_=st.sampled_from(TYPES), to=hosts, number=sizes, accepted=st.booleans())
    def declare(self, name: str, of: str, type_: MoveType, to: str, number: int, accepted: bool) -> None:
        if name not in self.world.migrations and of in self.world.instances:
            self.told.pop(name, None)
            new = number if type_ is MoveType.RESIZE else None
            self.world.move(migration(type_, to, name=name, instance=of, new=new))
            if accepted:
                self.keep_all(0)
                self.keep_all(0)

    @rule(name=moves)
    def withdraw(self, name: str) -> None:
        self.world.migrations.pop(name, None)

    @rule(name=moves, outcome=st.sampled_from(Outcome))
    def decide(self, name: str, outcome: Outcome) -> None:
        held = self.world.migrations.get(name)
        if held is not None and held.spec.outcome is None and self.may_decide(held, outcome):
            self.world.decide(name, outcome)

    def may_decide(self, held: Migration, outcome: Outcome) -> bool:
        """The mover's word: Confirmed when the guest has arrived; what has arrived for good is not cancelled."""
        told, type_ = self.told.get(held.metadata.name), held.spec.type
        if outcome is Outcome.CONFIRMED:
            if told is None or type_ in (MoveType.LIVE, MoveType.EVACUATION):
                return False
            there = self.shown(told.target, told.guest)
            return there >> 2 == told.new if told.source == told.target else there != 0
        if told is None:
            return True
        here, there = self.shown(told.source, told.guest), self.shown(told.target, told.guest)
        if type_ is MoveType.LIVE:
            return outcome is Outcome.CANCELLED and there & 3 != 2 and (not there or here != 0)
        return type_ is not MoveType.EVACUATION or there == 0

    # -- guests

    def shown(self, host: str, guest: str) -> int:
        found = self.world.hosts[host].guests.get(guest)
        return 0 if found is None else found.vcpus * 4 + (2 if found.state is GuestState.RUNNING else 1)

    def put(self, host: str, guest: str, becomes: int) -> None:
        if becomes >> 2:
            self.world.run(host, guest, becomes >> 2, STATES[becomes & 3])
        else:
            self.world.lose(host, guest)

    @rule(name=names)
    def start(self, name: str) -> None:
        held = self.world.instances.get(name)
        nowhere = not any(name in h.guests for h in self.world.hosts.values())
        if held is not None and nowhere and not held.status.move and held.status.resources:
            self.world.run(held.status.compute_node_name, name, held.status.resources)

    @rule(name=names, host=hosts)
    def undefine(self, name: str, host: str) -> None:
        self.world.lose(host, name)

    @rule(choice=st.integers(0, 3))
    def move_all(self, choice: int) -> None:
        for name in MOVES:
            self.move(name, choice)

    @rule(name=moves, choice=st.integers(0, 3))
    def move(self, name: str, choice: int) -> None:
        """One step of whoever moves the guest."""
        held = self.world.migrations.get(name)
        self.hear(name, held)
        told = self.told.get(name)
        if told is None or (held is not None and is_closed(held)):
            return
        outcome = "gone" if held is None else {None: "", Outcome.CONFIRMED: "C"}.get(held.spec.outcome, "R")
        if told.guest not in self.world.instances and outcome in ("", "R"):
            outcome = "nothing more"
        here = self.shown(told.source, told.guest)
        moving = Moving(
            0, HOSTS.index(told.source), HOSTS.index(told.target), here, self.shown(told.target, told.guest),
            old=here >> 2 or told.before, before=told.before, new=told.new, outcome=outcome, told=True,
            may_stay_paused=True,
        )  # fmt: skip
        steps = list(moving.steps(told.kind))
        for _, changes in steps[choice % len(steps) :][:1] if steps else ():
            for host, _, becomes in changes:
                self.put(HOSTS[host], told.guest, becomes)

    def hear(self, name: str, held: Migration | None) -> None:
        if held is None or name in self.told or not is_true(held.status.conditions, "Claimed"):
            return
        owner = self.world.instances.get(held.spec.instance_name)
        move = owner.status.move if owner else None
        if owner and move and move.migration_uid == held.metadata.uid and move.phase is not MovePhase.ENDED:
            self.told[name] = Told(
                move.source,
                move.target,
                move.old_resources.vcpus,
                move.new_resources.vcpus,
                owner.spec.uuid,
                held.spec.type.value,
            )

    # -- agents

    @rule(host=hosts)
    def begin(self, host: str) -> None:
        if self.world.hosts[host].looking is None:
            self.world.begin(host)

    @rule(host=hosts)
    def publish(self, host: str) -> None:
        self.world.publish(host)

    @rule(host=hosts)
    def renew(self, host: str) -> None:
        self.world.renew(host)

    @rule(host=hosts)
    def audit(self, host: str) -> None:
        self.world.publish(host)
        self.world.audit(host)

    @rule()
    def begin_all(self) -> None:
        for host in HOSTS:
            self.begin(host)

    @rule()
    def publish_all(self) -> None:
        for host in HOSTS:
            self.world.publish(host)
            self.world.renew(host)

    @rule(host=hosts)
    def restart(self, host: str) -> None:
        self.world.restart_agent(host)
