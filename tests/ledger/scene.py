"""One Instance, accounted and running on n0, that moves to n1: the steps of whoever moves it, and who is charged."""

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import GuestState, Role
from hypertally.api.instance import MoveType
from hypertally.api.migration import Outcome
from hypertally.ledger.charges import charge, sizes
from hypertally.ledger.vectors import ZERO
from tests.ledger.books import Controller
from tests.ledger.make import migration, size
from tests.ledger.world import World

PAUSED, SHUTOFF, CRASHED = GuestState.PAUSED, GuestState.SHUTOFF, GuestState.CRASHED


class Scene:
    """Every step is followed by the controller at once; agents audit only when a test says so."""

    def __init__(self, old: Amounts | int = 1, room: Amounts | int = 8, *, nodes: int = 2) -> None:
        self.world = World()
        self.controller = Controller(self.world)
        self.old = old if isinstance(old, Amounts) else size(old)
        for number in range(nodes):
            self.world.host(f"n{number}", room)
        self.world.declare("a", "a", "n0", self.old)
        self.world.run("n0", "a", self.old)
        self.controller.settle()

    def declare(
        self, type_: MoveType, new: Amounts | int | None = None, target: str = "n1", name: str = "m"
    ) -> "Scene":
        self.world.move(migration(type_, target, name=name, new=new))
        return self.follow()

    def follow(self) -> "Scene":
        self.controller.rest()
        return self

    def audit(self, *nodes: str) -> "Scene":
        """Once each: what is listed changes, and nothing is proven by it alone."""
        for name in nodes:
            self.world.audit(name)
        return self.follow()

    def prove(self) -> "Scene":
        """As many audits of every living host as any proof needs."""
        self.controller.settle()
        return self

    def put(self, host: str, resources: Amounts | int, state: GuestState = GuestState.RUNNING) -> "Scene":
        self.world.run(host, "a", resources, state)
        return self

    def lose(self, host: str) -> "Scene":
        self.world.lose(host, "a")
        return self

    def decide(self, outcome: Outcome, name: str = "m") -> "Scene":
        self.world.decide(name, outcome)
        return self.follow()

    def kill(self, host: str) -> "Scene":
        self.world.hosts[host].alive = False
        return self

    def charged(self, host: str, uuid: str = "a") -> Amounts:
        status = self.world.nodes[host].status
        claims = [c for c in status.ledger.claims if c.uuid == uuid] if status.ledger else []
        return charge(claims, sizes(status.report.guests).get(uuid, ZERO) if status.report else ZERO)

    def both(self) -> tuple[int, int]:
        """What source and target are charged for the guest, where a size is one number."""
        return self.charged("n0").vcpus, self.charged("n1").vcpus

    def roles(self, host: str) -> dict[Role, int]:
        ledger = self.world.nodes[host].status.ledger
        return {c.role: c.resources.vcpus for c in ledger.claims if c.uuid == "a"} if ledger else {}

    @property
    def home(self) -> str:
        return self.world.instances["a"].status.compute_node_name

    def reason(self, type_: str = "Claimed", name: str = "m") -> str:
        said = self.world.migrations[name].status.conditions
        return next((c.reason for c in said if c.type == type_), "")
