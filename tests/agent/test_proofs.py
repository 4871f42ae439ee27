"""While the Lease shows k, no audit is numbered k + 2: so k + 2 proves an audit that began after the k was read."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from hypertally.agent.proofs import Proofs
from hypertally.api.compute_node import LeasedAudit

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


@dataclass
class World:
    """What a controller can see, and when things happened."""

    time: int = 0
    shown: int = 0
    """The audit number that the Lease at the server shows."""
    stamps: list[tuple[int, int]] = field(default_factory=list)
    """(when a claim was stamped, the number that it was stamped with)."""

    def tick(self) -> int:
        self.time += 1
        return self.time


class ProofMachine(RuleBasedStateMachine):
    """Audits, renewals whose answer may be lost, and claims, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world, self.proofs = World(), Proofs()
        self.running: tuple[int, int] | None = None
        self.published_began = 0

    @rule()
    def an_audit_begins(self) -> None:
        if self.running is None:
            self.running = (self.proofs.next_number(NODE), self.world.tick())

    @rule()
    def the_audit_is_published(self) -> None:
        if self.running is not None:
            number, self.published_began = self.running
            self.proofs.publish(NODE, audited(number))
            self.running = None

    @rule(answered=st.booleans())
    def the_lease_is_renewed(self, answered: bool) -> None:
        shown = self.proofs.show()
        self.world.shown = shown[NODE].audit if NODE in shown else 0
        if answered:
            self.proofs.leased(shown)
        for stamped_at, stamp in self.world.stamps:
            if self.world.shown >= stamp + 2:
                assert self.published_began > stamped_at

    @rule()
    def a_claim_is_stamped(self) -> None:
        self.world.stamps.append((self.world.tick(), self.world.shown))


ProofMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestProofs = ProofMachine.TestCase
