"""Nova's known answers for claims with limits, as admission: a node of 2 vCPUs, 2048 MiB and 20 GiB, empty.

A limit there is a ratio here: 16 of 2 vCPUs are 8000 thousandths.
"""

import pytest

from hypertally.api.amounts import AllocationRatios, Amounts
from hypertally.api.bounds import AMOUNT_MAX
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger
from hypertally.ledger.shortage import Shortage
from tests.ledger.make import instance, node, node_spec

GIB = 1024
CAPACITY = Amounts(vcpus=2, memory_mib=2048, disk_mib=20 * GIB)


def asked(resources: Amounts, **ratios: int) -> Outcome:
    spec = node_spec(ratios=AllocationRatios(**{"vcpus": 1000, "memory_mib": 1000, "disk_mib": 1000, **ratios}))
    outcome = next_ledger(Inputs(node=node(capacity=CAPACITY, spec=spec), owners={"a": instance(resources=resources)}))
    assert outcome is not None
    return outcome


def want(vcpus: int = 1, memory: int = 1, disk: int = 0) -> Amounts:
    return Amounts(vcpus=vcpus, memory_mib=memory, disk_mib=disk)


FIT = [
    pytest.param(
        want(1000, 1000_000, 1000 * GIB), dict.fromkeys(AllocationRatios.__struct_fields__, 10**6), id="K1 no limit"
    ),
    pytest.param(want(vcpus=8), {"vcpus": 8000}, id="K2 8 vCPUs, limit 16"),
    pytest.param(want(vcpus=16), {"vcpus": 8000}, id="K2 16 vCPUs, limit 16"),
    pytest.param(want(memory=2040 + 8), {}, id="K4 memory up to the limit"),
    pytest.param(want(memory=4096), {"memory_mib": 4000}, id="K6 4096 MiB, limit 8192"),
    pytest.param(want(disk=50 * GIB), {"disk_mib": 3000}, id="K8 root 10 and ephemeral 40 GiB, limit 60"),
]

REFUSED = [
    pytest.param(want(vcpus=17), {"vcpus": 8000}, Shortage("vcpus", 17, 16), id="K3 17 vCPUs, limit 16"),
    pytest.param(want(memory=2040 + 9), {}, Shortage("memoryMiB", 2049, 2048), id="K5 memory above the limit by one"),
    pytest.param(
        want(memory=16384), {"memory_mib": 4000}, Shortage("memoryMiB", 16384, 8192), id="K7 16384 MiB, limit 8192"
    ),
    pytest.param(
        want(disk=50 * GIB), {"disk_mib": 2250}, Shortage("diskMiB", 50 * GIB, 45 * GIB), id="K9 50 GiB, limit 45"
    ),
]


@pytest.mark.parametrize(("resources", "ratios"), FIT)
def test_a_claim_within_the_limit_is_admitted(resources: Amounts, ratios: dict[str, int]) -> None:
    outcome = asked(resources, **ratios)
    assert [c.resources for c in outcome.ledger.claims] == [resources]
    assert not outcome.refusals


@pytest.mark.parametrize(("resources", "ratios", "missing"), REFUSED)
def test_a_claim_above_the_limit_is_refused_with_what_is_missing(
    resources: Amounts, ratios: dict[str, int], missing: Shortage
) -> None:
    outcome = asked(resources, **ratios)
    assert outcome.ledger.claims == ()
    assert outcome.refusals == {"a": (missing,)}


def test_k10_a_node_that_nobody_audited_admits_nothing_where_nova_once_admitted_everything() -> None:
    assert next_ledger(Inputs(node=node(capacity=None), owners={"a": instance()})) is None


def test_the_greatest_amounts_of_the_schema_are_refused_and_not_overflown() -> None:
    outcome = asked(want(AMOUNT_MAX, AMOUNT_MAX, AMOUNT_MAX))
    assert [s.asked for s in outcome.refusals["a"] if isinstance(s, Shortage)] == [AMOUNT_MAX] * 3
