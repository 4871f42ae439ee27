"""What one node's ledger and report say about one guest: all that an Instance's status may be decided on."""

from dataclasses import dataclass
from enum import IntEnum

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim, ComputeNode, Guest, GuestState, Role
from hypertally.api.instance import Instance

from .charges import sizes
from .gate import Bar, bar, is_frozen
from .proof import AgentLook, is_proven
from .transitions import STAYS


class Sight(IntEnum):
    """How much of a guest a report lists; a greater sight is the better evidence of where the guest lives."""

    ABSENT = 0
    DEFINED = 1
    RUNNING = 2


_RUNS = (GuestState.RUNNING, GuestState.BLOCKED)


@dataclass(frozen=True)
class Evidence:
    """Of one guest on one node. `fresh` sight is that of a report proven newer than the node's `Incoming` claim."""

    has_ledger: bool = False
    """Without one nothing was ever admitted on the node, and the first has what was granted, fitting or not."""
    current: bool = False
    """There is a ledger, and it has seen the report that was read."""
    claims: tuple[Claim, ...] = ()
    sight: Sight = Sight.ABSENT
    hidden: bool = False
    """Its list was cut and does not have the guest: it may be there all the same, in any state."""
    settled: bool = False
    """No claim that stays, and no `Leaving` without proof: the listing is not the shadow of something older."""
    fresh: Sight | None = None
    size: Amounts | None = None
    """As listed; with `fresh`, proven."""
    silent: bool = False
    """The agent's Lease has expired, or it serves the host no longer: what it listed last is no evidence against a
    guest that runs elsewhere."""
    bar: Bar | None = None
    """The node's operator lets nothing begin on it."""
    frozen: bool = False
    """Nor does he let a move away begin."""

    def holds(self, *roles: Role) -> bool:
        return any(c.role in roles for c in self.claims)

    @property
    def stays(self) -> bool:
        return self.holds(*STAYS)

    @property
    def nothing(self) -> bool:
        return not self.claims and self.gone

    @property
    def gone(self) -> bool:
        """Not listed, and not cut from the list either."""
        return self.sight is Sight.ABSENT and not self.hidden


def is_better(there: Sight, than: Evidence) -> bool:
    """A sight elsewhere, against all that a node may have of the guest; a silent one may have nothing any more."""
    if than.silent and there is Sight.RUNNING:
        return True
    return there > than.sight and not than.hidden


def sight_of(guest: Guest | None) -> Sight:
    if guest is None:
        return Sight.ABSENT
    return Sight.RUNNING if guest.state in _RUNS else Sight.DEFINED


def find_guest(node: ComputeNode, uuid: str) -> Guest | None:
    report = node.status.report
    return next((g for g in report.guests if g.uuid == uuid), None) if report else None


def gather(instance: Instance, node: ComputeNode | None, look: AgentLook | None, *, silent: bool = False) -> Evidence:
    """Read after the Instance was; without a node there is nothing to see, and nothing held."""
    if node is None:
        return Evidence()
    uuid = instance.spec.uuid
    ledger = node.status.ledger
    claims = tuple(c for c in ledger.claims if c.uuid == uuid) if ledger else ()
    guest = find_guest(node, uuid)
    sight = sight_of(guest)
    incoming = next((c for c in claims if c.role is Role.INCOMING and c.instance_uid == instance.metadata.uid), None)
    unproven = any(c.role in STAYS or not is_proven(c, node, look) for c in claims)
    return Evidence(
        has_ledger=ledger is not None,
        current=is_current(node),
        claims=claims,
        sight=sight,
        hidden=guest is None and node.status.report is not None and node.status.report.guests_omitted > 0,
        settled=not unproven,
        fresh=sight if incoming and is_proven(incoming, node, look) else None,
        size=sizes([guest])[uuid] if guest else None,
        silent=silent,
        bar=bar(node),
        frozen=is_frozen(node),
    )


def is_current(node: ComputeNode) -> bool:
    """There is a ledger, and it has seen the report."""
    ledger, report = node.status.ledger, node.status.report
    return ledger is not None and report is not None and ledger.observed_report_generation == report.generation
