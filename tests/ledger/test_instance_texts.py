"""What people read of an Instance, word by word: each sentence that its conditions can say.

Texts are an interface for people: they change on purpose and not by the way. When each is said, other tests say.
"""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import ComputeNode, GuestState
from hypertally.api.conditions import Status
from hypertally.api.instance import Instance
from hypertally.api.placement import HeldDevice, digest
from hypertally.ledger.conditions import Finding
from hypertally.ledger.gate import Bar
from hypertally.ledger.instance_conditions import findings
from hypertally.ledger.shortage import Shortage
from tests.ledger.make import claim, guest, instance, node
from tests.ledger.test_placed_claims import VF

TRUE, FALSE = Status.TRUE, Status.FALSE
HOME = instance("a", home="n0")
SHORT = (Shortage("vcpus", 4, 1),)
CLOSED = (Bar("node", 1, 0, "Cordoned", "n0 takes nothing new: its spec.schedulable is Disabled."),)
WITH_DEVICE = replace(HOME, spec=replace(HOME.spec, placement=VF))
UNPLACED = replace(claim("a"), request_digest=digest(VF))
PLACED = replace(UNPLACED, devices=(HeldDevice(address="0000:0a:10.0"),))


def of_instance(
    of: Instance, on: ComputeNode | None, *seen_on: str, missing: tuple[Shortage, ...] = ()
) -> set[Finding]:
    return set(findings(of, of.status, on, seen_on=seen_on, missing=missing))


INSTANCE = [
    (lambda: of_instance(instance(bound=""), None), "Claimed", FALSE, "Unbound",
     "No scheduler has set spec.computeNodeName yet."),
    (lambda: of_instance(instance(bound=""), None), "Placed", FALSE, "NotSeen",
     "No host reports guest a."),
    (lambda: of_instance(instance(bound=""), None), "Ready", FALSE, "Unbound",
     "No scheduler has set spec.computeNodeName yet."),
    (lambda: of_instance(HOME, None), "Claimed", FALSE, "NodeNotFound",
     "There is no ComputeNode n0 any more, where it is accounted: its agent makes it anew when it runs."),
    (lambda: of_instance(instance(), node(), missing=SHORT), "Claimed", FALSE, "InsufficientResources",
     (
         "n0 has no room: vcpus: asked 4, free 1. It would fit with vcpus 1. Set spec.computeNodeName to "
         "another, or wait for room."
     )),
    (lambda: of_instance(instance(), node(), missing=CLOSED), "Claimed", FALSE, "Cordoned",
     (
         "n0 takes nothing new: its spec.schedulable is Disabled. Set spec.computeNodeName to another, or "
         "wait."
     )),
    (lambda: of_instance(instance(), node()), "Claimed", FALSE, "Pending",
     "n0 has not accounted it yet."),
    (lambda: of_instance(instance(), node(capacity=None)), "Claimed", FALSE, "Pending",
     "n0 has no known capacity yet: the condition Ready of that ComputeNode says why."),
    (lambda: of_instance(HOME, node(claims=[claim("a")], guests=[guest("a")])), "Claimed", TRUE, "Claimed",
     "Accounted on n0."),
    (lambda: of_instance(HOME, node(claims=[claim("a")], guests=[guest("a")])), "Placed", TRUE, "Running",
     "Its guest runs on n0."),
    (lambda: of_instance(HOME, node(claims=[claim("a")], guests=[guest("a")])), "Ready", TRUE, "Accounted",
     "Its guest is where it is accounted."),
    (lambda: of_instance(HOME, node(claims=[claim("a", overcommitted=True)])), "Claimed", TRUE, "Overcommitted",
     "n0 has no room for it, but its guest is there and charged as it is listed."),
    (lambda: of_instance(HOME, node(claims=[claim("a", resources=Amounts(vcpus=2, memory_mib=64))])),
     "Claimed", TRUE, "SizeDiffersFromSpec",
     (
         "Accounted on n0 with vcpus 2, memoryMiB 64; spec.resources take effect by a Migration of type "
         "Resize."
     )),
    (lambda: of_instance(WITH_DEVICE, node(claims=[PLACED])), "Claimed", TRUE, "Claimed",
     "Accounted on n0."),
    (lambda: of_instance(WITH_DEVICE, node(claims=[claim("a")])), "Claimed", TRUE, "PlacementDiffersFromSpec",
     "Accounted on n0 as placed before; spec.placement takes effect by a Migration of type Resize."),
    (lambda: of_instance(WITH_DEVICE, node(claims=[claim("a")], guests=[guest("a")])), "Ready", TRUE, "Accounted",
     "Accounted on n0 as placed before; spec.placement takes effect by a Migration of type Resize."),
    (lambda: of_instance(WITH_DEVICE, node(claims=[UNPLACED])), "Claimed", TRUE, "Unplaced",
     "Accounted on n0, but without the cells or devices that it asks for: none were free."),
    (lambda: of_instance(WITH_DEVICE, node(claims=[UNPLACED], guests=[guest("a")])), "Ready", TRUE, "Accounted",
     "Accounted on n0, but without the cells or devices that it asks for: none were free."),
    (lambda: of_instance(HOME, node(claims=[claim("a", resources=Amounts(vcpus=2, memory_mib=64))])),
     "Placed", FALSE, "NotSeen",
     "No host reports guest a: start it on n0."),
    (lambda: of_instance(HOME, node(guests=[guest("a", state=GuestState.SHUTOFF)])), "Placed", TRUE, "Defined",
     "Its guest is on n0 and does not run."),
    (lambda: of_instance(HOME, node(claims=[claim("a")], guests=[guest("a", 2, GuestState.SHUTOFF)])),
     "Placed", TRUE, "Drifted",
     (
         "Its guest is on n0 with vcpus 2 (accounted 1), memoryMiB 2 (accounted 1), diskMiB 2 (accounted 1). "
         "The larger is charged."
     )),
    (lambda: of_instance(instance(), node(), "n0", "n2"), "Placed", FALSE, "NotAccounted",
     "Its guest is on n0, which does not account it yet."),
    (lambda: of_instance(HOME, node(), "n0", "n2"), "Placed", FALSE, "Misplaced",
     "Its guest is on n2. It is accounted on n0."),
    (lambda: of_instance(HOME, node(omitted=1)), "Placed", FALSE, "NotSeen",
     "No host lists guest a; n0 left 1 guests out of its list."),
]  # fmt: skip


@pytest.mark.parametrize(("said", "type_", "status", "reason", "text"), INSTANCE)
def test_an_instance_says(said: Callable[[], set[Finding]], type_: str, status: Status, reason: str, text: str) -> None:
    assert Finding(type_, status, reason, text) in said()
