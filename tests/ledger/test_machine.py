"""The real rules under all that users, movers, agents and two controllers with stale caches may do, step by step.

With HYPERTALLY_EXHAUSTIVE=1 for many more and longer runs.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hypertally.api.compute_node import ComputeNode, GuestState
from hypertally.api.conditions import is_true
from hypertally.api.instance import Instance, MovePhase, MoveType
from hypertally.api.migration import Migration, Outcome
from hypertally.ledger.moves import is_closed
from hypertally.ledger.proof import AgentLook
from tests.ledger.audit import (
    assert_granted,
    assert_leftover_free,
    assert_listed,
    assert_room,
    assert_sums,
    assert_truth,
)
from tests.ledger.books import (
    Controller,
    Memory,
    concerned,
    decide_ledger,
    decide_migration,
    decide_status,
    migrations_of,
)
from tests.ledger.bounds import EXAMPLES, STEPS
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


@dataclass
class Reader:
    """A controller half way: what it has read and not yet written."""

    memory: Memory = field(default_factory=Memory)
    node: ComputeNode | None = None
    instance: Instance | None = None
    nodes: dict[str, tuple[ComputeNode | None, AgentLook | None]] = field(default_factory=dict)
    migrations: list[Migration] | None = None


@dataclass(frozen=True)
class Told:
    """What a mover remembers once `Claimed` was True: it moves nothing before."""

    source: str
    target: str
    before: int
    new: int
    guest: str
    kind: str


class Declared(RuleBasedStateMachine):
    """Guests move only by Migrations whose claim stands, and start only where their Instance is accounted."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.readers = [Reader(), Reader()]
        self.told: dict[str, Told] = {}
        self.strayed = False

    @initialize(rooms=st.lists(st.integers(2, 4), min_size=len(HOSTS), max_size=len(HOSTS)), number=sizes)
    def build(self, rooms: list[int], number: int) -> None:
        """It begins with an Instance that is accounted and runs: what is new comes by itself."""
        for host, room in zip(HOSTS, rooms, strict=True):
            self.world.host(host, room)
        self.create("a", HOSTS[0], number, runs=True)
        Controller(self.world).settle()

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
                self.keep_all(1)

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

    # -- controllers

    @rule(c=controllers, name=names)
    def see(self, c: int, name: str) -> None:
        self.readers[c].memory.see(self.world, name)

    @rule(c=controllers, host=hosts)
    def read_node(self, c: int, host: str) -> None:
        self.readers[c].node = self.world.nodes.get(host)

    @rule(c=controllers)
    def write_node(self, c: int) -> None:
        """Instances and the Lease are read now, or remembered from long ago."""
        reader = self.readers[c]
        if reader.node is not None:
            self.swap(reader.node, reader.memory)
        reader.node = None

    def swap(self, node: ComputeNode, memory: Memory) -> None:
        new = decide_ledger(self.world, memory, node)
        before = self.world.nodes.get(node.metadata.name)
        if new is not None and self.world.swap_ledger(node, new) and before is not None:
            assert_room(before, self.world.nodes[node.metadata.name])

    @rule(c=controllers, host=hosts)
    def keep_node(self, c: int, host: str) -> None:
        if host in self.world.nodes:
            self.readers[c].memory.catch_up(self.world)
            self.swap(self.world.nodes[host], self.readers[c].memory)

    @rule(c=controllers, name=names)
    def read_instance(self, c: int, name: str) -> None:
        reader = self.readers[c]
        reader.instance, reader.nodes, reader.migrations = self.world.instances.get(name), {}, None

    @rule(c=controllers, host=hosts)
    def read_surroundings(self, c: int, host: str) -> None:
        node = self.world.nodes.get(host)
        self.readers[c].nodes[host] = (node, self.world.look(node))

    @rule(c=controllers)
    def read_migrations(self, c: int) -> None:
        reader = self.readers[c]
        if reader.instance is not None:
            reader.migrations = migrations_of(self.world, reader.instance)

    @rule(c=controllers)
    def write_instance(self, c: int) -> None:
        """What was not read before is read now."""
        reader, instance = self.readers[c], self.readers[c].instance
        if instance is None:
            return
        world = self.world
        around = {}
        for name in concerned(world, instance):
            around[name] = reader.nodes.get(name) or (world.nodes.get(name), world.look(world.nodes.get(name)))
        declared = migrations_of(world, instance) if reader.migrations is None else reader.migrations
        status = decide_status(world, reader.memory, instance, around, declared)
        if status != instance.status and world.swap_instance(instance, status):
            move = status.move
            followed = move is not None and (move.type, move.phase) == (MoveType.OBSERVED, MovePhase.ENDED)
            self.strayed |= followed and move is not None and status.compute_node_name == move.target
        reader.instance = None

    @rule(c=controllers, name=names)
    def keep_instance(self, c: int, name: str) -> None:
        self.read_instance(c, name)
        self.readers[c].memory.catch_up(self.world)
        self.write_instance(c)

    @rule(name=moves)
    def keep_migration(self, name: str) -> None:
        held = self.world.migrations.get(name)
        if held is not None:
            status = decide_migration(self.world, held)
            self.world.swap_migration(held, status)
            self.hear(name, self.world.migrations[name])

    @rule(c=controllers)
    def keep_all(self, c: int) -> None:
        for name in NAMES:
            self.keep_instance(c, name)
        for host in HOSTS:
            self.keep_node(c, host)
        for name in MOVES:
            self.keep_migration(name)

    # -- what holds

    @invariant()
    def what_is_listed_is_charged_and_the_sums_are_right(self) -> None:
        for node in self.world.nodes.values():
            assert_listed(node)
            assert_sums(node)

    @invariant()
    def every_guest_is_charged_where_it_really_is(self) -> None:
        assert_truth(self.world)

    @invariant()
    def what_was_granted_is_in_the_ledger(self) -> None:
        if not self.strayed:
            assert_granted(self.world)

    def teardown(self) -> None:
        if not self.world.hosts:
            return
        for host in self.world.hosts.values():
            host.alive = True
        Controller(self.world).settle()
        assert_leftover_free(self.world)


class Anything(Declared):
    """Guests become anything anywhere, node objects are deleted, agents fall silent, Instances share a uuid."""

    @rule(name=names, host=hosts, number=sizes, state=st.integers(0, 2))
    def become(self, name: str, host: str, number: int, state: int) -> None:
        self.put(host, name, number * 4 + state if state else 0)

    @rule(host=hosts)
    def drop(self, host: str) -> None:
        if host in self.world.nodes:
            self.world.drop_node(host)

    @rule(host=hosts, alive=st.booleans())
    def fall_silent(self, host: str, alive: bool) -> None:
        self.world.hosts[host].alive = alive

    @rule(host=hosts, number=sizes)
    def twin(self, host: str, number: int) -> None:
        if "twin-of-a" not in self.world.instances:
            self.world.declare("twin-of-a", "a", host, number)

    @rule()
    def delete_twin(self) -> None:
        self.world.instances.pop("twin-of-a", None)

    @invariant()
    def every_guest_is_charged_where_it_really_is(self) -> None:
        """Not in this world: what nobody declared is charged once it is reported."""

    @invariant()
    def what_was_granted_is_in_the_ledger(self) -> None:
        """Not in this world: a node object that somebody deletes takes its ledger with it."""


Declared.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
Anything.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)

TestDeclared = Declared.TestCase
TestAnything = Anything.TestCase
