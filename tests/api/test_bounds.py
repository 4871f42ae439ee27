"""What a host brings is made to fit the schema before it is written."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from hypertally.api import bounds
from hypertally.api.amounts import Amounts
from hypertally.api.base import to_wire
from hypertally.api.bounds import fit_message, fit_report
from hypertally.api.compute_node import Guest, GuestState, Hypervisor, ReportContent
from tests.support import samples
from tests.support.api_server import Kind
from tests.support.schemas import field
from tests.support.strategies import unbounded_contents

SIZES = ("vcpus", "memory_mib", "disk_mib")


@pytest.mark.parametrize(
    ("path", "word", "bound"),
    [
        ("status.report.guests", "maxItems", bounds.GUESTS_MAX),
        ("status.report.guests[].name", "maxLength", bounds.GUEST_NAME_MAX),
        ("status.report.guests[].memoryMiB", "maximum", bounds.AMOUNT_MAX),
        ("status.report.hypervisor.type", "maxLength", bounds.HYPERVISOR_TYPE_MAX),
        ("status.report.capacity.memoryMiB", "maximum", bounds.AMOUNT_MAX),
        ("status.report.omittedResources.memoryMiB", "maximum", bounds.SUM_MAX),
        ("status.report.generation", "maximum", bounds.SUM_MAX),
        ("status.ledger.claims", "maxItems", bounds.CLAIMS_MAX),
        ("status.ledger.claims[].since.holder", "maxLength", bounds.HOLDER_MAX),
        ("status.ledger.allocated.memoryMiB", "maximum", bounds.SUM_MAX),
        ("status.ledger.free.memoryMiB", "minimum", -bounds.SUM_MAX),
        ("status.conditions", "maxItems", bounds.CONDITIONS_MAX),
        ("status.conditions[].message", "maxLength", bounds.MESSAGE_MAX),
    ],
)
def test_a_bound_is_the_schemas(path: str, word: str, bound: int) -> None:
    assert field("computenodes", path).schema[word] == bound


def test_what_a_ledger_adds_up_stays_within_its_bounds() -> None:
    """The largest ratio of the largest capacity, and every claim and guest at its largest, still fit the sums."""
    largest_ratio = field("computenodes", "spec.allocationRatios.memoryMiB").schema["maximum"]
    assert bounds.AMOUNT_MAX * largest_ratio // 1000 <= bounds.SUM_MAX
    assert bounds.AMOUNT_MAX * (bounds.CLAIMS_MAX + bounds.GUESTS_MAX) <= bounds.SUM_MAX


def test_the_disks_of_an_instance_add_up_to_an_amount() -> None:
    disks = ("rootDiskMiB", "ephemeralDiskMiB", "swapMiB")
    most = sum(field("instances", f"spec.resources.{disk}").schema["maximum"] for disk in disks)
    assert most <= bounds.AMOUNT_MAX


@pytest.fixture(scope="module")
def report_schema() -> Draft202012Validator:
    return Draft202012Validator(field("computenodes", "status.report").schema)


@settings(max_examples=60, deadline=None)
@given(content=unbounded_contents)
def test_any_report_is_made_to_fit(report_schema: Draft202012Validator, content: ReportContent) -> None:
    fitted = fit_report(content)
    report_schema.validate({"generation": 1, **to_wire(fitted)})
    assert fit_report(fitted) == fitted
    uuids = [guest.uuid for guest in fitted.guests]
    assert uuids == sorted({guest.uuid for guest in content.guests})


@settings(max_examples=60, deadline=None)
@given(content=unbounded_contents, chance=st.randoms())
def test_the_order_in_which_guests_are_found_does_not_matter(content: ReportContent, chance: Random) -> None:
    shuffled = list(content.guests)
    chance.shuffle(shuffled)
    assert fit_report(replace(content, guests=tuple(shuffled))) == fit_report(content)


def crowd(count: int) -> tuple[Guest, ...]:
    return tuple(
        Guest(uuid=samples.uuid(n), name="ü" * 300, state=GuestState.RUNNING, vcpus=1, memory_mib=n, disk_mib=2)
        for n in range(count)
    )


def content(guests: tuple[Guest, ...]) -> ReportContent:
    return ReportContent(hypervisor=Hypervisor(type="QEMU", version="7.2.0", libvirt_version="9.0.0"), guests=guests)


def test_guests_that_do_not_fit_are_counted_and_their_sizes_added_up() -> None:
    guests = crowd(bounds.GUESTS_MAX + 3)
    fitted = fit_report(content(guests))
    assert len(fitted.guests) == bounds.GUESTS_MAX
    assert fitted.guests_omitted == 3
    assert fitted.omitted_resources == Amounts(vcpus=3, memory_mib=512 + 513 + 514, disk_mib=6)


def test_what_was_omitted_before_stays_counted() -> None:
    before = replace(content(crowd(1)), guests_omitted=2, omitted_resources=Amounts(vcpus=1))
    fitted = fit_report(before)
    assert (fitted.guests_omitted, fitted.omitted_resources) == (2, Amounts(vcpus=1))


def test_a_complete_list_omits_nothing() -> None:
    fitted = fit_report(content(crowd(bounds.GUESTS_MAX)))
    assert (fitted.guests_omitted, fitted.omitted_resources) == (0, None)


def test_a_report_that_fits_is_left_as_it_is() -> None:
    guest = Guest(uuid=samples.uuid(1), name="web", state=GuestState.PAUSED, vcpus=1, memory_mib=2, disk_mib=3)
    assert fit_report(content((guest,))) == content((guest,))


def test_the_api_server_takes_the_report_of_a_crowded_host(compute_nodes: Kind, node: str) -> None:
    report = {"generation": 1, **to_wire(fit_report(content(crowd(600))))}
    answer = compute_nodes.merge_status(node, {"status": {"report": report}})
    assert answer.object["status"]["report"] == report
    assert answer.object["status"]["report"]["guests"][0]["name"] == "ü" * 63 + "…"


@pytest.mark.parametrize(
    ("text", "fitted"), [("short", "short"), ("x" * 1024, "x" * 1024), ("x" * 1025, "x" * 1023 + "…")]
)
def test_a_message_is_cut_visibly(text: str, fitted: str) -> None:
    assert fit_message(text) == fitted
