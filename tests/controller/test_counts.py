"""Figures over the fleet: kept up to date by differences, and bounded in number."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim, ComputeNode, InstanceStates, NodeCondition, Orphans, Workload
from hypertally.api.conditions import Condition, Status
from hypertally.controller.counts import OTHERS, Counts
from tests.ledger.make import INCOMING, LEAVING, claim, guest, node

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(counts: Counts) -> Samples:
    registry = CollectorRegistry()
    registry.register(counts)
    found = [sample for family in registry.collect() for sample in family.samples]
    return {(s.name.removeprefix("hypertally_"), tuple(sorted(s.labels.items()))): s.value for s in found}


def value(counts: Counts, name: str, **labels: str) -> float | None:
    return samples(counts).get((name, tuple(sorted(labels.items()))))


def counted(
    *claims: Claim, states: InstanceStates | None = None, workload: Workload | None = None, orphans: int = 0
) -> ComputeNode:
    on = node(claims=claims, guests=[guest("a", 2)])
    assert on.status.ledger is not None
    ledger = replace(
        on.status.ledger,
        states=states or InstanceStates(),
        workload=workload or Workload(),
        orphans=Orphans(count=orphans, resources=Amounts()),
    )
    return replace(on, status=replace(on.status, ledger=ledger))


def test_an_empty_fleet_has_none_of_anything() -> None:
    figures: list[tuple[str, tuple[tuple[str, str], ...]]]
    figures = [(f"fleet_{name}", ()) for name in ("orphans", "drifted_guests", "misplaced_guests")]
    figures += [("fleet_workload", (("kind", name),)) for name in ("starting", "incoming", "reserved", "leaving")]
    states = ("running", "blocked", "paused", "shuttingDown", "shutoff", "crashed", "suspended", "unknown", "notListed")
    figures += [("fleet_instances", (("state", name),)) for name in states]
    figures += [
        ("fleet_compute_nodes", (("condition", type_), ("status", status)))
        for type_ in NodeCondition
        for status in Status
    ]
    figures += [("fleet_open_migrations", (("type", name),)) for name in ("Live", "Cold", "Resize", "Evacuation")]
    assert samples(Counts()) == dict.fromkeys(figures, 0)


def test_ledgers_are_added_up() -> None:
    counts = Counts()
    counts.hear("n0", counted(states=InstanceStates(running=2, shutting_down=1), workload=Workload(starting=3)))
    counts.hear("n1", counted(states=InstanceStates(running=1), workload=Workload(starting=1, leaving=2), orphans=4))
    assert value(counts, "fleet_instances", state="running") == 3
    assert value(counts, "fleet_instances", state="shuttingDown") == 1
    assert value(counts, "fleet_workload", kind="starting") == 4
    assert value(counts, "fleet_workload", kind="leaving") == 2
    assert value(counts, "fleet_orphans") == 4


def test_hosts_are_counted_by_the_status_of_each_condition_that_hypertally_knows() -> None:
    counts, ready = Counts(), Condition(type="Ready", status=Status.TRUE, reason="Ready")
    foreign = Condition(type="example.org/Painted", status=Status.TRUE, reason="Blue")
    for name, conditions in (("n0", (ready, foreign)), ("n1", (replace(ready, status=Status.FALSE),))):
        on = node(name)
        counts.hear(name, replace(on, status=replace(on.status, conditions=conditions)))
    assert value(counts, "fleet_compute_nodes", condition="Ready", status="True") == 1
    assert value(counts, "fleet_compute_nodes", condition="Ready", status="False") == 1
    assert not any("Painted" in str(key) for key in samples(counts))


def test_guests_unlike_their_claims_are_counted() -> None:
    counts = Counts()
    counts.hear("n0", counted(claim("a")))
    assert value(counts, "fleet_drifted_guests") == 1
    counts.hear("n0", counted(claim("a", resources=2)))
    assert value(counts, "fleet_drifted_guests") == 0


def test_guests_that_are_accounted_elsewhere_are_counted_until_their_host_goes() -> None:
    counts = Counts()
    counts.hear("n0", node("n0"))
    counts.misplaced("n0", 2)
    counts.misplaced("n0", 3)
    assert value(counts, "fleet_misplaced_guests") == 3
    counts.hear("n0", None)
    assert value(counts, "fleet_misplaced_guests") == 0
    counts.misplaced("n0", 1)
    assert value(counts, "fleet_misplaced_guests") == 0, "it was decided on a host that is gone by now"


def test_what_is_gone_is_taken_off_and_its_series_stay_at_zero() -> None:
    counts = Counts()
    counts.hear("n0", counted(states=InstanceStates(paused=1)))
    counts.hear("n0", None)
    assert value(counts, "fleet_instances", state="paused") == 0


def test_amounts_are_added_up_at_every_stage_in_base_units() -> None:
    counts, size = Counts(), Amounts(vcpus=8, pcpus=2, memory_mib=4, disk_mib=6)
    for name in ("n0", "n1"):
        on = node(name, claims=[claim("a", resources=1)])
        assert on.status.report is not None
        assert on.status.ledger is not None
        report = replace(on.status.report, capacity=size, measured=None)
        ledger = replace(on.status.ledger, free=Amounts(vcpus=-3))
        counts.hear(name, replace(on, status=replace(on.status, report=report, ledger=ledger)))
    assert value(counts, "fleet_vcpus", stage="capacity") == 16
    assert value(counts, "fleet_pcpus", stage="capacity") == 4
    assert value(counts, "fleet_memory_bytes", stage="capacity") == 8 * 2**20
    assert value(counts, "fleet_disk_bytes", stage="capacity") == 12 * 2**20
    assert value(counts, "fleet_vcpus", stage="free") == -6, "signed: who is overcommitted has less than nothing"
    assert value(counts, "fleet_vcpus", stage="measured") is None, "nobody knows"


FLEET = st.lists(
    st.tuples(
        st.sampled_from(["n0", "n1", "n2"]),
        st.none() | st.builds(InstanceStates, running=st.integers(0, 3), crashed=st.integers(0, 3)),
    )
)


@given(FLEET)
def test_differences_add_up_to_what_a_count_from_scratch_gives(
    changes: list[tuple[str, InstanceStates | None]],
) -> None:
    kept, last = Counts(), dict(changes)
    for name, states in changes:
        kept.hear(name, None if states is None else counted(states=states))
    fresh = Counts()
    for name, states in last.items():
        if states is not None:
            fresh.hear(name, counted(states=states))
    assert {k: v for k, v in samples(kept).items() if v} == {k: v for k, v in samples(fresh).items() if v}


class TestByNamespace:
    CLAIMS = (
        replace(claim("a"), namespace="red"),
        replace(claim("a", INCOMING), namespace="red"),
        replace(claim("b"), namespace="red"),
        replace(claim("c"), namespace="blue"),
        replace(claim("d"), namespace="green"),
        replace(claim("e", LEAVING), namespace="gone"),
    )

    def series(self, most: int) -> dict[str, float]:
        counts = Counts(most)
        counts.hear("n0", node(claims=self.CLAIMS))
        return {
            dict(labels)["namespace"]: number
            for (name, labels), number in samples(counts).items()
            if name == "node_instances"
        }

    def test_there_are_no_such_series_unless_they_are_asked_for(self) -> None:
        assert self.series(0) == {}

    def test_each_instance_that_stays_counts_once(self) -> None:
        assert self.series(3) == {"red": 2, "blue": 1, "green": 1}

    def test_the_largest_have_series_of_their_own_and_the_rest_share_one(self) -> None:
        assert self.series(1) == {"red": 2, OTHERS: 2}

    def test_they_go_with_their_host(self) -> None:
        counts = Counts(9)
        counts.hear("n0", node(claims=self.CLAIMS))
        counts.hear("n0", None)
        assert not any(name == "node_instances" for name, _ in samples(counts))
