"""What must hold of a cluster's books, at any time and when it has come to rest."""

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim, ComputeNode, Role
from hypertally.api.instance import MovePhase
from hypertally.ledger.charges import allocated, charge, sizes
from hypertally.ledger.evidence import Sight, sight_of
from hypertally.ledger.vectors import KEYS, ZERO, add, covers
from hypertally.ledger.wants import owner, wants
from tests.ledger.world import World


def charges(node: ComputeNode) -> dict[str, Amounts]:
    listed = sizes(node.status.report.guests) if node.status.report else {}
    claims = node.status.ledger.claims if node.status.ledger else ()
    uuids = listed.keys() | {c.uuid for c in claims}
    return {u: charge((c for c in claims if c.uuid == u), listed.get(u, ZERO)) for u in uuids}


def assert_room(before: ComputeNode, after: ComputeNode) -> None:
    """A write raises nothing above allocatable, but for listed guests and what a new object already granted."""
    ledger, report = after.status.ledger, after.status.report
    if before.status.ledger is None or ledger is None or report is None:
        return
    was, now, listed = charges(before), charges(after), sizes(report.guests)
    for key in KEYS:
        if getattr(ledger.free, key) < 0:
            raised = {u for u, c in now.items() if getattr(c, key) > getattr(was.get(u, ZERO), key)}
            assert raised <= listed.keys(), f"{after.metadata.name}: {raised} have no room"


class Clerk:
    """Remembers when each claim was written, and checks each write against what a controller can only infer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._written: dict[tuple[str, str, Role], int] = {}

    def check(self, before: ComputeNode, after: ComputeNode) -> None:
        assert_room(before, after)
        was = before.status.ledger.claims if before.status.ledger else ()
        now = after.status.ledger.claims if after.status.ledger else ()
        for claim in now:
            if not any((c.uuid, c.role, c.resources) == (claim.uuid, claim.role, claim.resources) for c in was):
                self._written[after.metadata.name, claim.uuid, claim.role] = self.world.tick()
        stands = {(c.uuid, c.role, c.instance_uid) for c in now}
        for claim in was:
            if (claim.uuid, claim.role, claim.instance_uid) not in stands and not claim.overcommitted:
                self._check_gone(after, claim, stands={role for uuid, role, _ in stands if uuid == claim.uuid})

    def _check_gone(self, node: ComputeNode, gone: Claim, stands: set[Role]) -> None:
        name = node.metadata.name
        if gone.role is Role.LEAVING and Role.LEAVING not in stands:
            assert self.is_newer(name, gone), f"{name}: {gone} went, and no audit began since it was written"
        twins = [i for i in self.world.instances.values() if i.spec.uuid == gone.uuid]
        first = owner(twins)
        if first is not None and first.metadata.uid == gone.instance_uid:
            want = wants(first, name).get(gone.role)
            assert want is None or want.resources != gone.resources, f"{name}: {gone} went, and is wanted still"

    def is_newer(self, name: str, claim: Claim) -> bool:
        """The audit that the Lease shows began after the claim was written."""
        return self.world.began.get(name, 0) > self._written.get((name, claim.uuid, claim.role), 0)


def assert_listed(node: ComputeNode) -> None:
    now = charges(node)
    for uuid, listed in sizes(node.status.report.guests).items() if node.status.report else ():
        assert covers(now[uuid], listed), f"{node.metadata.name} lists {uuid} with {listed}, charged {now[uuid]}"


def assert_sums(node: ComputeNode) -> None:
    ledger, report = node.status.ledger, node.status.report
    if ledger is None or report is None:
        return
    assert add(ledger.free, ledger.allocated) == ledger.allocatable
    if ledger.observed_report_generation == report.generation:
        assert ledger.allocated == allocated(ledger.claims, sizes(report.guests))


def assert_truth(world: World) -> None:
    """With no lag at all."""
    for name, host in world.hosts.items():
        node = world.nodes.get(name)
        if node is None or node.status.ledger is None:
            continue
        now = charges(node)
        for uuid, size in sizes(host.guests.values()).items():
            held = now.get(uuid, ZERO)
            assert covers(held, size), f"{uuid} is really on {name} with {size}, charged {held}"


def assert_granted(world: World) -> None:
    for instance in world.instances.values():
        status, uuid = instance.status, instance.spec.uuid
        promised = [(status.compute_node_name, status.resources or ZERO)] if status.compute_node_name else []
        if status.move and status.move.phase is MovePhase.MOVED:
            here = status.move.source == status.compute_node_name
            both = add(status.move.old_resources, status.resources or ZERO) if here else status.move.old_resources
            promised.append((status.move.source, both))
        for name, promise in promised:
            node = world.nodes.get(name)
            if node is None or node.status.ledger is None:
                continue
            if any(c.overcommitted for c in node.status.ledger.claims if c.uuid == uuid):
                continue
            held = charges(node).get(uuid, ZERO)
            assert covers(held, promise), f"{uuid} is granted {promise} on {name}, charged {held}"


def assert_leftover_free(world: World) -> None:
    """After everything settled, with all agents alive."""
    uids = {i.metadata.uid for i in world.instances.values()}
    for name, node in world.nodes.items():
        ledger = node.status.ledger
        assert ledger is not None, f"{name} has no ledger"
        for c in ledger.claims:
            assert c.role is not Role.LEAVING, f"{name}: {c} stays for ever"
            assert c.instance_uid in uids, f"{name}: {c} of a deleted Instance stays for ever"
    for uuid in {i.spec.uuid for i in world.instances.values()}:
        first = owner(i for i in world.instances.values() if i.spec.uuid == uuid)
        assert first is not None
        if first.status.move is None:
            _assert_at_home(world, first.metadata.name)


def _assert_at_home(world: World, name: str) -> None:
    instance = world.instances[name]
    uuid, home = instance.spec.uuid, instance.status.compute_node_name
    sights = {n: sight_of(host.guests.get(uuid)) for n, host in world.hosts.items()}
    best = max(sights.values())
    if best is not Sight.ABSENT and (home or instance.spec.compute_node_name):
        assert sights.get(home, Sight.ABSENT) is best, f"{name} is accounted on {home or 'no node'}, seen {sights}"
    on = [n for n, node in world.nodes.items() if node.status.ledger and _holds(node, instance.metadata.uid)]
    assert on == ([home] if home else []), f"{name} of home {home or 'none'} is held on {on}"


def _holds(node: ComputeNode, uid: str) -> bool:
    return any(c.instance_uid == uid for c in node.status.ledger.claims) if node.status.ledger else False
