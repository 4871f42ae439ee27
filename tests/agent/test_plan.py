"""The decision what to write: nothing for an unchanged host, one number more for each change of content."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.agent.looks import Blind, Look, Lost, Seen
from hypertally.agent.plan import Acknowledged, Wanted, plan_report
from hypertally.agent.verdicts import verdicts
from hypertally.api.amounts import Amounts
from hypertally.api.base import to_wire
from hypertally.api.compute_node import AGENT_CONDITIONS, Hypervisor, ReportContent
from hypertally.hypervisor.identity import Identity

URI = "test:///default"
IDENTITY = Identity("11111111-2222-3333-4444-555555555555", "h")
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"


def content(vcpus: int = 4) -> ReportContent:
    software = Hypervisor(type="QEMU", version="7.2.0", libvirt_version="9.0.0")
    return ReportContent(hypervisor=software, capacity=Amounts(vcpus=vcpus))


def wanted(look: Look) -> Wanted:
    return Wanted(look.content if isinstance(look, Seen) else None, verdicts(look, URI))


SEEN = wanted(Seen(1, IDENTITY, content()))
LOST = wanted(Lost(2, "ConnectionFailed", "gone"))


def node(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {"uid": "u1", "resourceVersion": "1"},
        "spec": {"hostUUID": IDENTITY.host_uuid},
        "status": status,
    }


def after(acknowledged: Acknowledged, want: Wanted, now: str = EARLY) -> Acknowledged:
    """What the server holds once the planned write is made."""
    write = plan_report(acknowledged, want, now)
    assert write is not None
    return Acknowledged.read(node(**write.status))


NEW = Acknowledged.read(node())
STANDING = after(NEW, SEEN)


def condition(acknowledged: Acknowledged, type_: str) -> tuple[str, str, str]:
    found = next(c for c in acknowledged.conditions if c.type == type_)
    return found.status.value, found.reason, found.last_transition_time


def test_the_first_report_has_number_one_and_both_conditions() -> None:
    assert STANDING.generation == 1
    assert STANDING.content == content()
    assert condition(STANDING, "LibvirtConnected") == ("True", "Connected", EARLY)
    assert condition(STANDING, "InventoryComplete") == ("True", "AllRead", EARLY)


def test_an_unchanged_host_is_not_written() -> None:
    assert plan_report(STANDING, SEEN, LATE) is None


def test_a_clock_that_jumps_back_writes_nothing() -> None:
    assert plan_report(STANDING, SEEN, "1970-01-01T00:00:00Z") is None


def test_a_change_has_the_next_number_and_leaves_the_conditions_ages() -> None:
    changed = after(STANDING, wanted(Seen(2, IDENTITY, content(8))), LATE)
    assert (changed.generation, changed.content) == (2, content(8))
    assert changed.conditions == STANDING.conditions


def test_a_restored_report_goes_on_counting() -> None:
    restored = Acknowledged.read(node(report={**to_wire(content(2)), "generation": 70}))
    assert after(restored, SEEN).generation == 71


def test_a_lost_libvirt_changes_the_condition_and_no_number() -> None:
    lost = after(STANDING, LOST, LATE)
    assert lost.report == STANDING.report
    assert condition(lost, "LibvirtConnected") == ("False", "ConnectionFailed", LATE)
    assert condition(lost, "InventoryComplete") == ("True", "AllRead", EARLY)


def test_another_reason_for_the_same_status_keeps_its_age() -> None:
    lost = after(STANDING, LOST, EARLY)
    still = after(lost, wanted(Lost(3, "DeadlineExceeded", "hangs")), LATE)
    assert condition(still, "LibvirtConnected") == ("False", "DeadlineExceeded", EARLY)


def test_a_host_that_was_never_seen_has_no_report_and_an_unknown_inventory() -> None:
    lost = after(NEW, LOST)
    assert lost.report is None
    assert condition(lost, "InventoryComplete") == ("Unknown", "NotAudited", EARLY)


def test_an_audit_that_failed_keeps_the_connection_and_says_why() -> None:
    blind = after(STANDING, wanted(Blind(2, "IdentityUnknown", "no uuid\nat all")), LATE)
    assert condition(blind, "LibvirtConnected")[0] == "True"
    assert condition(blind, "InventoryComplete") == ("False", "IdentityUnknown", LATE)
    assert next(c.message for c in blind.conditions if c.type == "InventoryComplete") == "no uuid at all"


def test_unknown_parts_are_named_and_a_long_list_is_cut_to_the_bound() -> None:
    incomplete = after(STANDING, wanted(Seen(2, IDENTITY, content(), ("disk: gone",) * 200)), LATE)
    message = next(c.message for c in incomplete.conditions if c.type == "InventoryComplete")
    assert message.startswith("disk: gone; disk: gone")
    assert len(message) == 1024


def test_an_edited_report_is_written_again_with_the_next_number() -> None:
    edited = Acknowledged.read(node(report={**to_wire(content(99)), "generation": 2}, conditions=()))
    healed = after(edited, SEEN)
    assert (healed.generation, healed.content) == (3, content())


def test_a_report_that_cannot_be_read_is_written_again_with_the_next_number() -> None:
    broken = Acknowledged.read(node(report={"hypervisor": 7, "generation": 5}))
    assert broken.content is None
    assert after(broken, SEEN).generation == 6


def test_other_writers_conditions_are_neither_read_nor_written() -> None:
    ready = {"type": "Ready", "status": "True", "reason": "X", "lastTransitionTime": EARLY}
    acknowledged = Acknowledged.read(node(conditions=[ready]))
    write = plan_report(acknowledged, SEEN, EARLY)
    assert write is not None
    assert [c["type"] for c in write.status["conditions"]] == list(AGENT_CONDITIONS)


def test_what_a_newer_agent_wrote_survives() -> None:
    newer = Acknowledged.read(node(report={**to_wire(content(2)), "generation": 1, "novelty": {"x": 1}}))
    write = plan_report(newer, SEEN, EARLY)
    assert write is not None
    assert write.status["report"]["novelty"] == {"x": 1}


class TestAnOlderCrd:
    """It drops what it does not know: as long as the server holds what came of our write, nothing is written again."""

    def test_a_report_that_was_cut_counts_as_said(self) -> None:
        cut = Acknowledged.read(node(report={**to_wire(content(0)), "generation": 1}))
        known = replace(cut, conditions=STANDING.conditions, content=content())
        assert known.is_cut
        assert plan_report(known, SEEN, LATE) is None
        again = replace(cut, conditions=STANDING.conditions).knowing(known)
        assert plan_report(again, SEEN, LATE) is None

    def test_but_not_once_somebody_edited_it(self) -> None:
        cut = Acknowledged.read(node(report={**to_wire(content(0)), "generation": 1}))
        known = replace(cut, conditions=STANDING.conditions, content=content())
        edited = Acknowledged.read(node(report={**to_wire(content(1)), "generation": 2})).knowing(known)
        assert plan_report(edited, SEEN, LATE) is not None


LOOKS = st.one_of(
    st.integers(0, 3).map(lambda n: Seen(1, IDENTITY, content(n))),
    st.integers(0, 1).map(lambda n: Seen(1, IDENTITY, content(n), ("disk: gone",))),
    st.sampled_from("ab").map(lambda m: Lost(1, "ConnectionFailed", m)),
    st.sampled_from("ab").map(lambda m: Blind(1, "AuditFailed", m)),
)


@given(st.lists(LOOKS, min_size=1, max_size=8))
def test_whatever_happens_numbers_grow_by_one_and_the_same_look_twice_is_written_once(looks: list[Look]) -> None:
    acknowledged = NEW
    for look in looks:
        write = plan_report(acknowledged, wanted(look), LATE)
        if write is None:
            continue
        new = Acknowledged.read(node(**write.status))
        assert new.generation - acknowledged.generation in {0, 1}
        assert (new.generation > acknowledged.generation) == (new.content != acknowledged.content)
        assert plan_report(new, wanted(look), LATE) is None
        acknowledged = new


@pytest.mark.parametrize("look", [LOST, SEEN])
def test_the_write_holds_everything_that_the_agent_owns(look: Wanted) -> None:
    edited = replace(STANDING, conditions=())
    write = plan_report(edited, look, LATE)
    assert write is not None
    assert write.status.keys() == {"report", "conditions"}
