"""What people read of a Migration, word by word: each sentence that its conditions can say.

Texts are an interface for people: they change on purpose and not by the way. When each is said, other tests say.
"""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from hypertally.api.compute_node import ComputeNode, Maintenance, MaintenanceMode, Schedulable
from hypertally.api.conditions import Status
from hypertally.api.instance import Instance, MovePhase, MoveType
from hypertally.api.migration import Migration, Outcome
from hypertally.ledger.conditions import Finding
from hypertally.ledger.evidence import gather
from hypertally.ledger.gate import Bar, bar
from hypertally.ledger.migration_conditions import findings
from hypertally.ledger.shortage import Shortage
from tests.ledger.make import INCOMING, claim, instance, migration, move, node, node_spec

TRUE, FALSE = Status.TRUE, Status.FALSE
HOME = instance("a", home="n0")
SHORT = (Shortage("vcpus", 4, 1),)
N0, N1 = node("n0", claims=[claim("a")]), node("n1")
CORDONED = node("n1", spec=replace(node_spec("n1"), schedulable=Schedulable.DISABLED))
FIRMWARE = Maintenance(mode=MaintenanceMode.FROZEN, reason="firmware")
FROZEN = node("n0", claims=[claim("a")], spec=replace(node_spec("n0"), maintenance=FIRMWARE))
MOVING = instance("a", home="n0", move=move())
RESIZING = instance("a", home="n0", move=move(MoveType.RESIZE, target="n0", new=2))
FINISHED = instance("a", home="n1", move=move(MoveType.RESIZE, MovePhase.MOVED, new=2))
ENDED = instance("a", home="n1", move=move(phase=MovePhase.ENDED))
ENDED_AT_HOME = instance("a", home="n0", move=move(MoveType.RESIZE, MovePhase.ENDED, target="n0"))
ENDED_NOWHERE = instance("a", bound="", move=move(phase=MovePhase.ENDED))


def of_migration(
    of: Migration, on: Instance | None, *nodes: ComputeNode, missing: tuple[Shortage, ...] = ()
) -> set[Finding]:
    evidence = {n.metadata.name: gather(on, n, None) for n in nodes} if on else {}
    known = frozenset(n.metadata.name for n in nodes)
    return set(findings(of, on, evidence, known, missing=missing))


def unseen_target(of: Migration, on: Instance, source: ComputeNode) -> set[Finding]:
    """The target is known and nothing was read of it."""
    return set(findings(of, on, {"n0": gather(on, source, None)}, frozenset({"n0", "n1"})))


def closed(on: ComputeNode) -> Bar:
    found = bar(on)
    assert found is not None
    return found


MIGRATION = [
    (lambda: of_migration(migration(), None), "Claimed", FALSE, "InstanceNotFound",
     "There is no Instance a in this namespace."),
    (lambda: of_migration(migration(), None), "Completed", FALSE, "Open",
     "It has not begun."),
    (lambda: of_migration(migration(pinned="a"), None), "Completed", TRUE, "InstanceDeleted",
     "The Instance was deleted: nothing is left to move."),
    (lambda: of_migration(migration(pinned="b"), HOME, N0, N1), "Claimed", FALSE, "InstanceReplaced",
     "It was for guest b; Instance a stands for another guest now: delete this Migration."),
    (lambda: of_migration(migration(pinned="b"), HOME, N0, N1), "Completed", TRUE, "InstanceDeleted",
     "The Instance that it was for was deleted."),
    (lambda: of_migration(migration(target="n2"), HOME, N0), "Claimed", FALSE, "NodeNotFound",
     "There is no ComputeNode n2: delete this Migration."),
    (lambda: of_migration(migration(name="second"), instance("a", home="n0", move=move(MoveType.OBSERVED)), N0, N1),
     "Claimed", FALSE, "MoveInProgress",
     "Another move is under way: one that nobody declared. This one waits for it."),
    (lambda: of_migration(migration(name="second"), instance("a", home="n0", move=move(MoveType.OBSERVED)), N0, N1),
     "Completed", FALSE, "InProgress",
     "It has not begun."),
    (lambda: of_migration(migration(), instance("a"), N0, N1), "Claimed", FALSE, "InstanceNotAccounted",
     "The Instance has no home to move from: its condition Claimed says why."),
    (lambda: of_migration(migration(target="n0"), HOME, N0, N1), "Claimed", FALSE, "TargetIsSource",
     "It is accounted on n0 already: delete this Migration."),
    (lambda: of_migration(migration(), HOME, N0, N1), "Claimed", FALSE, "Pending",
     "Not accepted yet."),
    (lambda: of_migration(migration(), HOME, N0, node("n1", claims=None)), "Claimed", FALSE, "Pending",
     "Nothing has been accounted on n1 yet: its condition Ready says why."),
    (lambda: of_migration(migration(), HOME, N0, CORDONED), "Claimed", FALSE, "Cordoned",
     "n1 takes nothing new: its spec.schedulable is Disabled."),
    (lambda: of_migration(migration(), HOME, FROZEN, N1), "Claimed", FALSE, "SourceFrozen",
     "n0 is frozen by its operator: no move away begins."),
    (lambda: unseen_target(migration(), HOME, FROZEN), "Claimed", FALSE, "SourceFrozen",
     "n0 is frozen by its operator: no move away begins."),
    (lambda: of_migration(migration(), MOVING, N0, N1), "Claimed", FALSE, "NoRoom",
     "n1 does not hold a place for it yet."),
    (lambda: unseen_target(migration(), MOVING, N0), "Claimed", FALSE, "NoRoom",
     "n1 does not hold a place for it yet."),
    (lambda: of_migration(migration(), MOVING, N0, CORDONED, missing=(closed(CORDONED),)), "Claimed", FALSE, "Cordoned",
     (
         "n1 takes nothing new: its spec.schedulable is Disabled. Do not move the guest: wait, or set spec.outcome to "
         "Cancelled."
     )),
    (lambda: of_migration(migration(), MOVING, N0, N1), "Completed", FALSE, "InProgress",
     "Waits for a report of n1 that lists the guest."),
    (lambda: of_migration(migration(), MOVING, N0, N1, missing=SHORT), "Claimed", FALSE, "NoRoom",
     (
         "n1 has no room: vcpus: asked 4, free 1. It would fit with vcpus 1. Do not move the guest: wait for "
         "room, or set spec.outcome to Cancelled."
     )),
    (lambda: of_migration(migration(), MOVING, N0, node("n1", claims=[claim("a", INCOMING)])),
     "Claimed", TRUE, "Claimed",
     "n1 holds its place: the guest may be moved now."),
    (lambda: of_migration(migration(MoveType.RESIZE, "n0"), RESIZING, N0), "Completed", FALSE, "InProgress",
     "Waits for a report of n0 that lists the guest with its new size."),
    (lambda: of_migration(migration(MoveType.RESIZE), FINISHED, N0, N1), "Claimed", TRUE, "Moved",
     "Accounted on n1."),
    (lambda: of_migration(migration(MoveType.RESIZE), FINISHED, N0, N1), "Completed", FALSE, "InProgress",
     "n1 has the guest: spec.outcome is awaited, Confirmed or Reverted."),
    (lambda: of_migration(migration(), ENDED, N0, N1), "Completed", FALSE, "InProgress",
     "It is accounted on n1; waits for n0 to let go of its claim."),
    (lambda: of_migration(migration(MoveType.RESIZE, "n0"), ENDED_AT_HOME, node("n0", claims=[claim("a", INCOMING)])),
     "Completed", FALSE, "InProgress",
     "It is accounted on n0; waits for n0 to let go of its claim."),
    (lambda: of_migration(migration(), ENDED_NOWHERE, N0, N1), "Completed", FALSE, "InProgress",
     "It is accounted on no node; waits for n0, n1 to let go of its claim."),
    (lambda: of_migration(migration(), ENDED, node("n0"), N1), "Completed", TRUE, "Completed",
     "The Instance is accounted on n1."),
    (lambda: of_migration(migration(outcome=Outcome.CANCELLED), instance("a", bound=""), N0, N1),
     "Completed", TRUE, "Completed",
     "The Instance is accounted on no node."),
    (lambda: of_migration(migration(completed=True), HOME, N0, N1), "Completed", TRUE, "Completed",
     ""),
]  # fmt: skip


@pytest.mark.parametrize(("said", "type_", "status", "reason", "text"), MIGRATION)
def test_a_migration_says(said: Callable[[], set[Finding]], type_: str, status: Status, reason: str, text: str) -> None:
    assert Finding(type_, status, reason, text) in said()
