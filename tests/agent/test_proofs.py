"""While the Lease shows k, no audit is numbered k + 2: so k + 2 proves an audit that began after the k was read.

Also when the Lease goes back to what it was, since a backup is restored: then who holds it goes on under a new name.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hypertally.agent.lease import LeaseKeeper
from hypertally.agent.proofs import Proofs
from hypertally.agent.shared import Shared
from hypertally.api.compute_node import AuditMark, LeasedAudit
from hypertally.controller.agents import read_lease
from hypertally.kube.errors import Conflict, NotFound, Unreachable
from hypertally.kube.kinds import LEASE, Ref
from hypertally.ledger.proof import AUDITS_BEGUN_LATER

NODE = "n1"


def audited(number: int) -> LeasedAudit:
    return LeasedAudit(uid="u", report_generation=1, audit=number)


def test_numbers_begin_at_one() -> None:
    assert Proofs().next_number(NODE) == 1


def test_audits_between_two_renewals_of_the_lease_share_a_number() -> None:
    proofs = Proofs()
    proofs.publish(NODE, audited(proofs.next_number(NODE)))
    assert proofs.next_number(NODE) == 1
    proofs.leased(proofs.show())
    assert proofs.next_number(NODE) == 2


def test_what_is_withdrawn_is_shown_no_longer_and_counts_on() -> None:
    proofs = Proofs()
    proofs.publish(NODE, audited(1))
    proofs.leased(proofs.show())
    proofs.withdraw(NODE)
    assert proofs.show() == {}
    assert proofs.next_number(NODE) == 2


def test_each_node_has_its_own_numbers_in_a_stable_order() -> None:
    proofs = Proofs()
    proofs.publish("b", audited(1))
    proofs.publish("a", audited(1))
    assert list(proofs.show()) == ["a", "b"]
    proofs.leased({"a": audited(1)})
    assert (proofs.next_number("a"), proofs.next_number("b")) == (2, 1)


def test_a_lease_shows_what_was_acknowledged_unless_it_shows_less() -> None:
    proofs = Proofs()
    assert proofs.are_shown({})
    proofs.leased({"a": audited(3), "b": audited(1)})
    assert proofs.are_shown({"a": audited(3), "b": audited(1)})
    assert proofs.are_shown({"a": audited(4), "b": audited(1), "c": audited(1)})
    assert not proofs.are_shown({"a": audited(2), "b": audited(1)})
    assert not proofs.are_shown({"a": audited(3)})


Object = dict[str, Any]


@dataclass
class Kept:
    """What a backup holds: all of it goes back at once."""

    lease: Object | None = None
    shown_began: int = 0
    """When the audit that the Lease shows began."""
    stamps: list[tuple[int, AuditMark]] = field(default_factory=list)
    """(when a claim was stamped, with what)."""

    @property
    def mark(self) -> AuditMark | None:
        look = read_lease(self.lease).look(NODE) if self.lease else None
        return look.mark if look else None


@dataclass
class World:
    """The API server as the Lease's keeper knows it, and when things happened."""

    time: int = 0
    kept: Kept = field(default_factory=Kept)
    answers: bool = True
    published_began: int = 0

    def tick(self) -> int:
        self.time += 1
        return self.time

    def touch(self, ref: Ref, subresource: str = "") -> Object:
        assert not subresource
        if self.kept.lease is None:
            raise NotFound(str(ref))
        return copy.deepcopy(self.kept.lease)

    def apply(self, ref: Ref, body: Mapping[str, Any], subresource: str = "") -> Object:
        version = body["metadata"].get("resourceVersion")
        if version and version != self.touch(ref, subresource)["metadata"]["resourceVersion"]:
            raise Conflict(str(ref))
        self.kept.lease, self.kept.shown_began = copy.deepcopy(dict(body)), self.published_began
        self.edit()
        if not self.answers:
            raise Unreachable("no answer")
        return self.touch(ref)

    def edit(self) -> None:
        """A new version. None is given twice here: etcd would have to give, after a restored backup, the very one that
        the agent wrote last, and for somebody else's write of this Lease."""
        if self.kept.lease is not None:
            self.kept.lease["metadata"]["resourceVersion"] = str(self.tick())


class ProofMachine(RuleBasedStateMachine):
    """Audits, renewals whose answer may be lost, claims, people, and backups that are restored, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world, self.backups = World(), [Kept()]
        shared = Shared(300, clock=lambda: 0.0, chance=lambda: 0.5)
        self.proofs = shared.proofs
        self.keeper = LeaseKeeper(self.world, Ref(LEASE, NODE, "ns"), 10.0, shared)
        self.running: tuple[int, int] | None = None

    @rule()
    def an_audit_begins(self) -> None:
        if self.running is None:
            self.running = (self.proofs.next_number(NODE), self.world.tick())

    @rule()
    def the_audit_is_published(self) -> None:
        if self.running is not None:
            number, self.world.published_began = self.running
            self.proofs.publish(NODE, audited(number))
            self.running = None

    @rule(answered=st.booleans())
    def the_lease_is_renewed(self, answered: bool) -> None:
        self.world.answers = answered
        self.keeper._renew()
        self.backups.append(copy.deepcopy(self.world.kept))

    @rule(times=st.integers(2, 5))
    def all_is_well(self, times: int) -> None:
        for _ in range(times):
            self.an_audit_begins()
            self.the_audit_is_published()
            self.the_lease_is_renewed(answered=True)

    @rule()
    def nothing_can_be_said(self) -> None:
        self.proofs.withdraw(NODE)

    @rule()
    def a_claim_is_stamped(self) -> None:
        if (mark := self.world.kept.mark) is not None:
            self.world.kept.stamps.append((self.world.tick(), mark))

    @rule(deleted=st.booleans())
    def somebody_edits_the_lease(self, deleted: bool) -> None:
        if deleted:
            self.world.kept.lease = None
        self.world.edit()

    @rule(back=st.integers(0, 8))
    def a_backup_is_restored(self, back: int) -> None:
        """Of any renewal so far; the controller is there before the agent is."""
        self.world.kept = copy.deepcopy(self.backups[-1 - back % len(self.backups)])
        self.a_claim_is_stamped()

    @invariant()
    def what_counts_as_proof_began_after_the_stamp(self) -> None:
        if (mark := self.world.kept.mark) is None:
            return
        for stamped_at, stamp in self.world.kept.stamps:
            if mark.holder == stamp.holder and mark.audit >= stamp.audit + AUDITS_BEGUN_LATER:
                assert self.world.kept.shown_began > stamped_at


ProofMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestProofs = ProofMachine.TestCase
