"""What the hypervisor itself takes for each guest, as the operator tells it: charged once for each, beside its size."""

from msgspec.structs import replace

from hypertally.api.amounts import GuestOverhead
from hypertally.api.compute_node import ComputeNodeSpec
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger
from hypertally.ledger.shortage import Shortage
from tests.ledger.make import LEAVING, RUNNING, claim, guest, instance, node, node_spec


def spec(memory_mib: int) -> ComputeNodeSpec:
    return replace(node_spec(), guest_overhead=GuestOverhead(memory_mib=memory_mib))


def decide(inputs: Inputs) -> Outcome:
    outcome = next_ledger(inputs)
    assert outcome is not None
    return outcome


def test_each_guest_is_charged_once_whether_claimed_or_listed_or_cut_from_the_list() -> None:
    claims = [claim("a", RUNNING, 10), claim("a", LEAVING, 10)]
    on = node(capacity=100, claims=claims, guests=[guest("a", 10), guest("orphan", 2)], omitted=3, spec=spec(5))
    ledger = decide(Inputs(node=on, owners={"a": instance(home="n0", resources=10)})).ledger
    assert ledger.allocated.memory_mib == (10 + 5) + (2 + 5) + (3 + 3 * 5)
    assert (ledger.allocated.vcpus, ledger.allocated.disk_mib) == (10 + 2 + 3, 10 + 2 + 3)
    assert ledger.free.memory_mib == 100 - ledger.allocated.memory_mib


def test_a_guest_that_only_fits_without_it_is_refused_with_what_is_left_for_its_own_size() -> None:
    refused = decide(Inputs(node=node(spec=spec(1)), owners={"a": instance(resources=4)}))
    assert refused.refusals == {"a": (Shortage("memoryMiB", 4, 3),)}
    assert decide(Inputs(node=node(spec=spec(1)), owners={"a": instance(resources=3)})).ledger.free.memory_mib == 0


def test_it_is_nothing_unless_the_operator_says_so() -> None:
    ledger = decide(Inputs(node=node(guests=[guest("orphan", 3)], omitted=1), owners={})).ledger
    assert ledger.free.memory_mib == 0
