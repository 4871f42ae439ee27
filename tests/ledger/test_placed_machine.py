"""Guests that ask for places come, run, are listed elsewhere than they were placed, and go, in any order.

What must hold of every ledger that follows from another.
"""

from dataclasses import replace as with_
from itertools import combinations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim, Guest, Ledger, Role
from hypertally.api.instance import Instance
from hypertally.api.inventory import PciType
from hypertally.api.placement import CpuPolicy, MdevRequest, NumaPolicy, PciRequest, PlacementRequest, ThreadPolicy
from hypertally.ledger import cpu_set
from hypertally.ledger.reconcile import Inputs, is_lowered, next_ledger
from hypertally.ledger.transitions import STAYS
from tests.ledger.make import guest, look
from tests.ledger.test_placed_claims import after, asks, host

UUIDS = st.sampled_from("abcdef")
PINNED = PlacementRequest(cpu_policy=CpuPolicy.DEDICATED)
REQUESTS = st.sampled_from(
    [
        None,
        PINNED,
        replace(PINNED, thread_policy=ThreadPolicy.ISOLATE),
        replace(PINNED, pci_requests=(PciRequest(name="net", numa_policy=NumaPolicy.PREFERRED),)),
        PlacementRequest(pci_requests=(PciRequest(name="net", count=2),)),
        PlacementRequest(pci_requests=(PciRequest(name="card", type=PciType.PF),)),
        PlacementRequest(mdev_requests=(MdevRequest(type="nvidia-222"),)),
    ]
)
CARD = "0000:0a:00.0"
"""The physical function of all the others."""
DEVICES = st.sampled_from(["", CARD, "0000:0a:10.0", "0000:0a:10.1", "0000:0a:10.2"])
CPUS = st.sampled_from(["", "4", "4-5", "6", "6-7"])

Places = frozenset[str]


def of_claim(claim: Claim) -> Places:
    cpus = (cpu for cell in claim.cells for cpu in cpu_set.single(cpu_set.parse(cell.cpus)))
    return frozenset((*map(cpu_set.form, cpus), *(device.address for device in claim.devices)))


def of_guest(listed: Guest) -> Places:
    return frozenset((*map(cpu_set.form, cpu_set.single(cpu_set.parse(listed.pinned_cpus))), *listed.pci_addresses))


def collide(a: Places, b: Places) -> bool:
    """One place in both, or the card in one and a function of it in the other."""
    functions = [any(":10." in place for place in places) for places in (a, b)]
    return bool(a & b) or (CARD in a and functions[1]) or (CARD in b and functions[0])


class PlacedClaims(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.instances = dict[str, Instance]()
        self.guests = dict[str, Guest]()
        self.audit = 1
        self.node = host(())
        self.before: Ledger = self.ledger

    @property
    def ledger(self) -> Ledger:
        assert self.node.status.ledger is not None
        return self.node.status.ledger

    @rule(uuid=UUIDS, request=REQUESTS, vcpus=st.integers(1, 2))
    def declare(self, uuid: str, request: PlacementRequest | None, vcpus: int) -> None:
        if uuid not in self.instances:
            self.instances[uuid] = asks(uuid, request, vcpus=vcpus, uid=f"uid-{uuid}-{self.audit}")
            self.write()

    @rule(uuid=UUIDS)
    def settle(self, uuid: str) -> None:
        """The Instance is told of its claim."""
        instance = self.instances.get(uuid)
        mine = [c for c in self.ledger.claims if instance and c.instance_uid == instance.metadata.uid]
        if instance and any(c.role is Role.RUNNING for c in mine):
            spec = instance.spec
            status = replace(
                instance.status, compute_node_name="n0", resources=spec.amounts(), placement=spec.placement
            )
            self.instances[uuid] = replace(instance, status=status)
            self.write()

    @rule(uuid=UUIDS)
    def delete(self, uuid: str) -> None:
        self.instances.pop(uuid, None)
        self.write()

    @rule(uuid=UUIDS, cpus=CPUS, device=DEVICES)
    def appear(self, uuid: str, cpus: str, device: str) -> None:
        """Wherever whoever started it wanted."""
        number = cpu_set.parse(cpus).bit_count()
        plain = guest(uuid, Amounts(vcpus=0 if number else 1, pcpus=number, memory_mib=1024))
        self.guests[uuid] = replace(plain, pinned_cpus=cpus, pci_addresses=(device,) if device else ())
        self.write()

    @rule(uuid=UUIDS)
    def start(self, uuid: str) -> None:
        """As it was placed."""
        for claim in self.ledger.claims:
            if (claim.uuid, claim.role) == (uuid, Role.RUNNING):
                self.guests[uuid] = replace(
                    guest(uuid, claim.resources),
                    cells=tuple(cell.id for cell in claim.cells),
                    pinned_cpus=",".join(filter(None, (cell.cpus for cell in claim.cells))),
                    pci_addresses=tuple(device.address for device in claim.devices),
                )
        self.write()

    @rule(uuid=UUIDS)
    def vanish(self, uuid: str) -> None:
        self.guests.pop(uuid, None)
        self.write()

    @rule()
    def look_again(self) -> None:
        self.audit += 2
        self.write()

    @rule()
    def lose_the_ledger(self) -> None:
        self.node = replace(self.node, status=replace(self.node.status, ledger=None))
        self.write()

    def write(self) -> None:
        report = self.node.status.report
        assert report is not None
        guests = tuple(self.guests[uuid] for uuid in sorted(self.guests))
        self.node = replace(self.node, status=replace(self.node.status, report=replace(report, guests=guests)))
        self.before = self.node.status.ledger or host(()).status.ledger  # type: ignore[assignment]
        inputs = Inputs(node=self.node, owners=self.instances, declared=self.instances.keys(), look=look(self.audit))
        outcome = next_ledger(inputs)
        assert outcome is not None
        self.node = after(self.node, outcome.ledger)
        again = next_ledger(with_(inputs, node=self.node))
        assert again is not None
        assert is_lowered(outcome.ledger, again.ledger) <= {
            c.uuid for c in outcome.ledger.claims if c.role not in STAYS
        }

    def placed(self, ledger: Ledger) -> dict[tuple[str, Role, str], Places]:
        return {(c.uuid, c.role, c.instance_uid): of_claim(c) for c in ledger.claims}

    @invariant()
    def what_is_chosen_is_nobody_elses(self) -> None:
        if not hasattr(self, "before"):
            return
        known: dict[str, Places] = {}
        for claim in self.before.claims:
            known[claim.uuid] = known.get(claim.uuid, frozenset()) | of_claim(claim)
        for a, b in combinations(self.ledger.claims, 2):
            chosen = [c for c in (a, b) if not of_claim(c) <= known.get(c.uuid, frozenset())]
            if a.uuid != b.uuid and chosen:
                assert not collide(of_claim(a), of_claim(b)), (a, b)
        for claim in self.ledger.claims:
            if not of_claim(claim) <= known.get(claim.uuid, frozenset()):
                others = (of_guest(g) for uuid, g in self.guests.items() if uuid != claim.uuid)
                assert not any(collide(of_claim(claim), other) for other in others), claim

    @invariant()
    def a_claim_that_stands_keeps_its_places(self) -> None:
        if hasattr(self, "before"):
            now = self.placed(self.ledger)
            for key, places in self.placed(self.before).items():
                if key in now and places and key[1] is not Role.LEAVING:
                    assert now[key] == places, key

    @invariant()
    def what_is_held_is_let_go_only_as_leaving(self) -> None:
        """And that only with proof, which the guest's not being listed is part of."""
        if not hasattr(self, "before"):
            return
        held: dict[str, Places] = {}
        for claim in self.ledger.claims:
            held[claim.uuid] = held.get(claim.uuid, frozenset()) | of_claim(claim)
        for claim in self.before.claims:
            if claim.role in STAYS:
                assert of_claim(claim) <= held.get(claim.uuid, frozenset()), claim

    @invariant()
    def a_placed_claim_has_all_that_it_asks_for(self) -> None:
        for claim in self.ledger.claims if hasattr(self, "before") else ():
            owner = self.instances.get(claim.uuid)
            request = owner.spec.placement if owner and claim.role in STAYS else None
            if request is None or claim.is_unplaced:
                continue
            assert len(claim.devices) == sum(each.count for each in request.pci_requests)
            assert sum(mdev.count for mdev in claim.mdevs) == sum(each.count for each in request.mdev_requests)
            if request.cpu_policy is CpuPolicy.DEDICATED:
                assert sum(cpu_set.parse(cell.cpus).bit_count() for cell in claim.cells) == claim.resources.pcpus


TestPlacedClaims = PlacedClaims.TestCase
TestPlacedClaims.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
