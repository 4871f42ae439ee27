"""Unknown fields of a newer version are never lost on writing."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypertally.api.base import Wire, is_wire, to_wire, types_by_key
from hypertally.api.carry import carry_unknown
from hypertally.api.compute_node import ComputeNodeStatus, Ledger, Report
from hypertally.api.decode import decode
from hypertally.api.instance import InstanceStatus
from tests.support import kind_strategies, samples, strategies

UNKNOWN = st.one_of(st.integers(), st.just([1, 2]), st.just({"vcpus": 1}), st.none())
EACH = pytest.mark.parametrize(
    ("type_", "values"),
    [
        (Report, strategies.reports),
        (Ledger, kind_strategies.ledgers),
        (ComputeNodeStatus, kind_strategies.compute_node_statuses),
        (InstanceStatus, kind_strategies.instance_statuses),
    ],
    ids=["Report", "Ledger", "ComputeNodeStatus", "InstanceStatus"],
)
PROPERTY = settings(max_examples=40, deadline=None)


def enriched(raw: dict[str, Any], type_: type[Wire], data: st.DataObject) -> dict[str, Any]:
    """`raw` as a newer version would have written it: with fields of its own at every depth."""
    result = dict(raw)
    for key, inner in types_by_key(type_).items():
        value = raw.get(key)
        if is_wire(inner) and isinstance(value, dict):
            result[key] = enriched(value, inner, data)
        elif is_wire(inner) and isinstance(value, list):
            result[key] = [enriched(entry, inner, data) for entry in value]
    return result | {f"newer{number}": data.draw(UNKNOWN) for number in range(data.draw(st.integers(0, 2)))}


@EACH
@PROPERTY
@given(data=st.data())
def test_reading_and_writing_back_changes_nothing(
    type_: type[Any], values: st.SearchStrategy[Wire], data: st.DataObject
) -> None:
    newer = enriched(to_wire(data.draw(values)), type_, data)
    assert carry_unknown(newer, to_wire(decode(newer, type_)), type_) == newer


@EACH
@PROPERTY
@given(data=st.data())
def test_what_is_known_is_written_as_it_is_meant_and_neither_argument_is_changed(
    type_: type[Any], values: st.SearchStrategy[Wire], data: st.DataObject
) -> None:
    old, meant = enriched(to_wire(data.draw(values)), type_, data), data.draw(values)
    new = to_wire(meant)
    before = copy.deepcopy((old, new))
    assert decode(carry_unknown(old, new, type_), type_) == meant
    assert (old, new) == before


@PROPERTY
@given(value=kind_strategies.ledgers)
def test_where_nothing_stood_what_is_new_is_written(value: Ledger) -> None:
    assert carry_unknown(None, to_wire(value), Ledger) == to_wire(value)


def test_a_claim_keeps_its_unknown_fields_wherever_it_stands_in_the_list() -> None:
    old = samples.ledger(
        claims=[samples.claim(1, newer=[0]), samples.claim(1, "Incoming"), samples.claim(2, newer=[1])]
    )
    new = samples.ledger(2, claims=[samples.claim(2), samples.claim(3), samples.claim(1)])
    claims = carry_unknown(old, new, Ledger)["claims"]
    assert [claim.get("newer") for claim in claims] == [[1], None, [0]]


def test_a_claim_in_another_role_is_another_claim() -> None:
    old = samples.ledger(claims=[samples.claim(1, "Incoming", newer=["0000:01:00.0"])])
    new = samples.ledger(2, claims=[samples.claim(1, "Running")])
    assert carry_unknown(old, new, Ledger) == new


def test_guests_are_matched_by_uuid_and_conditions_by_type() -> None:
    old = {
        "report": samples.report(guests=[samples.guest(1, mdevs=1), samples.guest(2, mdevs=2)]),
        "conditions": [samples.condition("Ready", since="x"), samples.condition("Overcommitted", since="y")],
    }
    new = {
        "report": samples.report(2, guests=[samples.guest(2, name="renamed")]),
        "conditions": [samples.condition("Overcommitted", "False")],
    }
    carried = carry_unknown(old, new, ComputeNodeStatus)
    assert carried["report"]["guests"] == [samples.guest(2, name="renamed", mdevs=2)]
    assert carried["conditions"] == [samples.condition("Overcommitted", "False", since="y")]


def test_pools_of_devices_are_matched_by_what_tells_them_apart() -> None:
    """Their tags are a map, and their cell may be absent."""
    far = {key: value for key, value in samples.pci_pool(newer="far").items() if key != "numaCell"}
    old = samples.report(pciPools=[samples.pci_pool(newer="near"), far, samples.pci_pool(tags={}, newer="bare")])
    bare = {key: value for key, value in far.items() if key != "newer"}
    new = samples.report(2, pciPools=[bare, samples.pci_pool(devices=[]), samples.pci_pool(tags={"trusted": "true"})])
    pools = carry_unknown(old, new, Report)["pciPools"]
    assert [pool.get("newer") for pool in pools] == ["far", "near", None]


def test_a_known_part_that_is_dropped_goes_with_all_that_was_in_it() -> None:
    old = samples.ledger(claims=[samples.claim(1, since={"holder": "a", "audit": 1, "newer": 1})])
    bare = {key: value for key, value in samples.claim(1).items() if key != "since"}
    assert carry_unknown(old, samples.ledger(2, claims=[bare]), Ledger)["claims"] == [bare]


def test_what_is_written_wins_over_what_stood() -> None:
    assert carry_unknown({"newer": 1}, samples.ledger() | {"newer": 2}, Ledger)["newer"] == 2
