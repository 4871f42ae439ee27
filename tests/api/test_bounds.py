"""The numbers and forms that writers keep are those of the schema."""

import re

import pytest

from hypertally.api import bounds, forms
from hypertally.api.bounds import fit_message
from tests.support.schemas import field, key_length, totals


@pytest.mark.parametrize(
    ("path", "word", "bound"),
    [
        ("status.report.guests", "maxItems", bounds.GUESTS_MAX),
        ("status.report.guests[].name", "maxLength", bounds.GUEST_NAME_MAX),
        ("status.report.guests[].memoryMiB", "maximum", bounds.AMOUNT_MAX),
        ("status.report.guests[].cells", "maxItems", bounds.GUEST_CELLS_MAX),
        ("status.report.guests[].cells[]", "maximum", bounds.ORDINAL_MAX),
        ("status.report.guests[].pinnedCPUs", "maxLength", bounds.CPU_SET_MAX),
        ("status.report.guests[].pageSizeKiB", "maximum", bounds.PAGE_SIZE_MAX),
        ("status.report.guests[].pciAddresses", "maxItems", bounds.GUEST_PCI_MAX),
        ("status.report.guests[].mdevUUIDs", "maxItems", bounds.GUEST_MDEVS_MAX),
        ("status.report.guestsOmitted", "maximum", bounds.COUNT_MAX),
        ("status.report.omitted", "maxItems", bounds.OMISSIONS_MAX),
        ("status.report.omitted[].entries", "maximum", bounds.COUNT_MAX),
        ("status.report.cpu.arch", "maxLength", bounds.CPU_TEXT_MAX),
        ("status.report.cpu.model", "maxLength", bounds.CPU_TEXT_MAX),
        ("status.report.cpu.vendor", "maxLength", bounds.CPU_TEXT_MAX),
        ("status.report.cpu.topology.cells", "maximum", bounds.ORDINAL_MAX),
        ("status.report.cpu.features", "maxItems", bounds.FEATURES_MAX),
        ("status.report.cpu.features[]", "maxLength", bounds.FEATURE_MAX),
        ("status.report.guestTypes", "maxItems", bounds.GUEST_TYPES_MAX),
        ("status.report.guestTypes[].arch", "maxLength", bounds.GUEST_TYPE_TEXT_MAX),
        ("status.report.measuredPages", "maxItems", bounds.PAGES_IN_USE_MAX),
        ("status.report.diskAvailableLeastMiB", "minimum", -bounds.SUM_MAX),
        ("status.report.numaCells", "maxItems", bounds.CELLS_MAX),
        ("status.report.numaCells[].id", "maximum", bounds.ORDINAL_MAX),
        ("status.report.numaCells[].sharedCPUs", "maxLength", bounds.CPU_SET_MAX),
        ("status.report.numaCells[].dedicatedCPUs", "maxLength", bounds.CPU_SET_MAX),
        ("status.report.numaCells[].siblings", "maxItems", bounds.SIBLINGS_MAX),
        ("status.report.numaCells[].siblings[]", "maxLength", bounds.SIBLINGS_TEXT_MAX),
        ("status.report.numaCells[].socket", "maximum", bounds.ORDINAL_MAX),
        ("status.report.numaCells[].pages", "maxItems", bounds.PAGE_SIZES_MAX),
        ("status.report.numaCells[].pages[].sizeKiB", "maximum", bounds.PAGE_SIZE_MAX),
        ("status.report.numaCells[].distances", "maxItems", bounds.CELLS_MAX),
        ("status.report.numaCells[].distances[].value", "maximum", bounds.DISTANCE_MAX),
        ("status.report.pciPools", "maxItems", bounds.PCI_POOLS_MAX),
        ("status.report.pciPools[].numaCell", "maximum", bounds.ORDINAL_MAX),
        ("status.report.pciPools[].tags", "maxProperties", bounds.TAGS_MAX),
        ("status.report.pciPools[].tags.*", "maxLength", bounds.TAG_VALUE_MAX),
        ("status.report.pciPools[].devices", "maxItems", bounds.PCI_DEVICES_MAX),
        ("status.report.pciPools[].devices[].address", "maxLength", bounds.PCI_ADDRESS_MAX),
        ("status.report.mdevTypes", "maxItems", bounds.MDEV_TYPES_MAX),
        ("status.report.mdevTypes[].parentAddress", "maxLength", bounds.MDEV_PARENT_MAX),
        ("status.report.mdevTypes[].type", "maxLength", bounds.MDEV_TEXT_MAX),
        ("status.report.mdevTypes[].name", "maxLength", bounds.MDEV_TEXT_MAX),
        ("status.report.mdevTypes[].available", "maximum", bounds.COUNT_MAX),
        ("status.report.mdevTypes[].instances", "maxItems", bounds.MDEVS_MAX),
        ("status.report.storagePools", "maxItems", bounds.STORAGE_POOLS_MAX),
        ("status.report.storagePools[].name", "maxLength", bounds.STORAGE_NAME_MAX),
        ("status.report.storagePools[].type", "maxLength", bounds.STORAGE_TYPE_MAX),
        ("status.report.storagePools[].identity", "maxLength", bounds.STORAGE_IDENTITY_MAX),
        ("status.report.storagePools[].capacityMiB", "maximum", bounds.AMOUNT_MAX),
        ("status.report.hypervisor.type", "maxLength", bounds.HYPERVISOR_TYPE_MAX),
        ("status.report.capacity.memoryMiB", "maximum", bounds.AMOUNT_MAX),
        ("status.report.omittedResources.memoryMiB", "maximum", bounds.SUM_MAX),
        ("status.report.generation", "maximum", bounds.SUM_MAX),
        ("status.ledger.claims", "maxItems", bounds.CLAIMS_MAX),
        ("status.ledger.claims[].name", "maxLength", bounds.INSTANCE_NAME_MAX),
        ("status.ledger.claims[].cells", "maxItems", bounds.CLAIM_CELLS_MAX),
        ("status.ledger.claims[].cells[].cpus", "maxLength", bounds.CPU_SET_MAX),
        ("status.ledger.claims[].devices", "maxItems", bounds.CLAIM_DEVICES_MAX),
        ("status.ledger.claims[].mdevs", "maxItems", bounds.CLAIM_MDEVS_MAX),
        ("status.ledger.freeCells", "maxItems", bounds.CELLS_MAX),
        ("status.ledger.freeCells[].pages", "maxItems", bounds.PAGE_SIZES_MAX),
        ("status.ledger.freeDevices", "maxItems", bounds.PCI_POOLS_MAX),
        ("status.ledger.freeMdevs", "maxItems", bounds.MDEV_TYPES_MAX),
        ("status.ledger.claims[].since.holder", "maxLength", bounds.HOLDER_MAX),
        ("status.ledger.allocated.memoryMiB", "maximum", bounds.SUM_MAX),
        ("status.ledger.free.memoryMiB", "minimum", -bounds.SUM_MAX),
        ("spec.maintenance.reason", "maxLength", bounds.MAINTENANCE_REASON_MAX),
        ("status.conditions", "maxItems", bounds.CONDITIONS_MAX),
        ("status.conditions[].message", "maxLength", bounds.MESSAGE_MAX),
    ],
)
def test_a_bound_is_the_schemas(path: str, word: str, bound: int) -> None:
    assert field("computenodes", path).schema[word] == bound


@pytest.mark.parametrize(
    ("path", "most"),
    [
        (
            "status.report.guests",
            {
                "cells": bounds.GUEST_CELLS_TOGETHER,
                "pinnedCPUs": bounds.GUEST_CPUS_TOGETHER,
                "pciAddresses": bounds.GUEST_PCI_TOGETHER,
                "mdevUUIDs": bounds.GUEST_MDEVS_TOGETHER,
            },
        ),
        (
            "status.report.numaCells",
            {
                "sharedCPUs": bounds.CELL_CPUS_TOGETHER,
                "dedicatedCPUs": bounds.CELL_CPUS_TOGETHER,
                "siblings": bounds.SIBLINGS_TOGETHER,
            },
        ),
        ("status.report.pciPools", {"devices": bounds.PCI_DEVICES_MAX, "tags": bounds.TAGS_TOGETHER}),
        ("status.report.mdevTypes", {"instances": bounds.MDEVS_TOGETHER}),
        (
            "status.ledger.claims",
            {
                "cells": bounds.CLAIM_CELLS_TOGETHER,
                "cells.cpus": bounds.CLAIM_CPUS_TOGETHER,
                "devices": bounds.CLAIM_DEVICES_TOGETHER,
                "mdevs": bounds.CLAIM_MDEVS_TOGETHER,
            },
        ),
        ("status.ledger.freeCells", {"cpus": bounds.CELL_CPUS_TOGETHER}),
        ("status.ledger.freeDevices", {"tags": bounds.TAGS_TOGETHER}),
    ],
)
def test_a_bound_of_all_entries_together_is_the_schemas(path: str, most: dict[str, int]) -> None:
    assert totals(field("computenodes", path).schema) == most


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("status.report.guests[].name", forms.PLAIN),
        ("status.report.guests[].uuid", forms.UUID),
        ("status.report.guests[].pinnedCPUs", forms.CPU_SET),
        ("status.report.guests[].pciAddresses[]", forms.PCI_ADDRESS),
        ("status.report.guests[].mdevUUIDs[]", forms.UUID),
        ("status.report.cpu.features[]", forms.WORD),
        ("status.report.guestTypes[].arch", forms.WORD),
        ("status.report.guestTypes[].hypervisor", forms.WORD),
        ("status.report.guestTypes[].osType", forms.WORD),
        ("status.report.numaCells[].sharedCPUs", forms.CPU_SET),
        ("status.report.numaCells[].dedicatedCPUs", forms.CPU_SET),
        ("status.report.numaCells[].siblings[]", forms.CPU_SET),
        ("status.report.pciPools[].vendorID", forms.PCI_ID),
        ("status.report.pciPools[].productID", forms.PCI_ID),
        ("status.report.pciPools[].tags.*", forms.TAG_VALUE),
        ("status.report.pciPools[].devices[].address", forms.PCI_ADDRESS),
        ("status.report.pciPools[].devices[].parentAddress", forms.PCI_ADDRESS),
        ("status.report.mdevTypes[].parentAddress", forms.WORD),
        ("status.report.mdevTypes[].type", forms.WORD),
        ("status.report.mdevTypes[].name", forms.PLAIN),
        ("status.report.mdevTypes[].instances[]", forms.UUID),
        ("status.report.storagePools[].name", forms.PLAIN),
        ("status.report.storagePools[].uuid", forms.UUID),
        ("status.report.storagePools[].type", forms.WORD),
        ("status.report.storagePools[].identity", forms.WORD),
    ],
)
def test_a_form_is_the_schemas(path: str, form: re.Pattern[str]) -> None:
    assert field("computenodes", path).schema["pattern"] == form.pattern


def test_the_keys_of_tags_have_the_form_and_the_length_of_the_schema() -> None:
    tags = field("computenodes", "status.report.pciPools[].tags").schema
    (rule,) = tags["x-kubernetes-validations"]
    assert rule["rule"] == f'self.all(key, key.matches("{forms.TAG_KEY.pattern}"))'
    assert forms.TAG_KEY.fullmatch("k" * key_length(tags))
    assert not forms.TAG_KEY.fullmatch("k" * (key_length(tags) + 1))


def test_what_a_ledger_adds_up_stays_within_its_bounds() -> None:
    """The largest ratio of the largest capacity, and every claim and guest at its largest, still fit the sums."""
    largest_ratio = field("computenodes", "spec.allocationRatios.memoryMiB").schema["maximum"]
    assert bounds.AMOUNT_MAX * largest_ratio // 1000 <= bounds.SUM_MAX
    assert bounds.AMOUNT_MAX * (bounds.CLAIMS_MAX + bounds.GUESTS_MAX) <= bounds.SUM_MAX


def test_the_disks_of_an_instance_add_up_to_an_amount() -> None:
    disks = ("rootDiskMiB", "ephemeralDiskMiB", "swapMiB")
    most = sum(field("instances", f"spec.resources.{disk}").schema["maximum"] for disk in disks)
    assert most <= bounds.AMOUNT_MAX


@pytest.mark.parametrize(
    ("text", "fitted"), [("short", "short"), ("x" * 1024, "x" * 1024), ("x" * 1025, "x" * 1023 + "…")]
)
def test_a_message_is_cut_visibly(text: str, fitted: str) -> None:
    assert fit_message(text) == fitted
