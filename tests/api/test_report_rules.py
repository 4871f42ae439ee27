"""The rules of a report that the API server itself enforces over whole lists, each shown refusing."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gen_api_reference import rules
from tests.support import samples
from tests.support.api_server import Kind
from tests.support.samples import Object
from tests.support.schemas import field

Entries = Callable[[int, int], list[Object]]
"""So many things, shared out over the entries of a list, so many at most to each."""


@dataclass(frozen=True)
class Rule:
    """How much all entries of list `name` may have of `part` together; one of them gets `each` at most here."""

    name: str
    part: str
    make: Entries
    each: int
    together: int

    def __str__(self) -> str:
        return f"{self.name}.{self.part}"


def address(number: int) -> str:
    return f"0000:{number // 256:02x}:{number // 8 % 32:02x}.{number % 8}"


def shares(count: int, most: int) -> list[range]:
    return [range(first, min(first + most, count)) for first in range(0, count, most)]


def guests(**parts: Callable[[range], object]) -> Entries:
    def make(count: int, most: int) -> list[Object]:
        found = enumerate(shares(count, most))
        return [samples.guest(n, **{key: part(share) for key, part in parts.items()}) for n, share in found]

    return make


def cells(key: str, part: Callable[[range], object]) -> Entries:
    return lambda count, most: [
        samples.numa_cell(n, **{key: part(share)}) for n, share in enumerate(shares(count, most))
    ]


def characters(share: range) -> str:
    """A CPU set of as many characters."""
    return ("1," * len(share))[: len(share)].removesuffix(",").ljust(len(share), "1")


RULES = [
    Rule("guests", "pciAddresses", guests(pciAddresses=lambda share: [address(n) for n in share]), 32, 1024),
    Rule("guests", "mdevUUIDs", guests(mdevUUIDs=lambda share: [samples.uuid(n) for n in share]), 16, 512),
    Rule("guests", "cells", guests(cells=lambda share: [n - share[0] for n in share]), 32, 1024),
    Rule("guests", "pinnedCPUs", guests(pinnedCPUs=characters), 1024, 16384),
    Rule("numaCells", "siblings", cells("siblings", lambda share: [f"{n},{n + 9999}" for n in share]), 512, 1024),
    Rule("numaCells", "sharedCPUs", cells("sharedCPUs", characters), 1024, 8192),
    Rule("numaCells", "dedicatedCPUs", cells("dedicatedCPUs", characters), 1024, 8192),
    Rule(
        "pciPools",
        "devices",
        lambda count, most: [
            samples.pci_pool(devices=[{"address": address(n)} for n in share]) for share in shares(count, most)
        ],
        600,
        1024,
    ),
    Rule(
        "pciPools",
        "tags",
        lambda count, most: [samples.pci_pool(tags={f"t{n}": "" for n in share}) for share in shares(count, most)],
        16,
        64,
    ),
    Rule(
        "mdevTypes",
        "instances",
        lambda count, most: [
            samples.mdev_type(type=f"t{n}", instances=[samples.uuid(i) for i in share])
            for n, share in enumerate(shares(count, most))
        ],
        64,
        512,
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_all_entries_of_a_list_have_a_bound_together(compute_nodes: Kind, node: str, rule: Rule) -> None:
    report: Object = samples.report() | {rule.name: rule.make(rule.together, rule.each)}
    whole = {**compute_nodes.get(node), "status": {"report": report}}
    compute_nodes.replace_status(whole, dry_run=True).check()
    report[rule.name] = rule.make(rule.together + 1, rule.each)
    refusal = compute_nodes.replace_status(whole, dry_run=True).refusal
    assert f"status.report.{rule.name}: " in refusal
    assert re.search(f"together may (have|list) {rule.together} ", refusal)
    assert "what the agent leaves out it counts in status.report.omitted" in refusal


def test_a_report_that_replaces_another_is_added_up_like_the_first(compute_nodes: Kind, node: str) -> None:
    stored = {**compute_nodes.get(node), "status": {"report": samples.report()}}
    compute_nodes.replace_status(stored).check()
    rule = RULES[0]
    successor = samples.report(generation=2) | {rule.name: rule.make(rule.together + 1, rule.each)}
    whole = {**compute_nodes.get(node), "status": {"report": successor}}
    refusal = compute_nodes.replace_status(whole, dry_run=True).refusal
    assert f"together may list {rule.together} " in refusal


@pytest.mark.parametrize("key", ["", "no key", "k" * 65, "ü"])
def test_the_key_of_a_tag_has_a_form(compute_nodes: Kind, node: str, key: str) -> None:
    report = samples.report(pciPools=[samples.pci_pool(tags={key: "value"})])
    refusal = compute_nodes.replace_status(
        {**compute_nodes.get(node), "status": {"report": report}}, dry_run=True
    ).refusal
    assert "status.report.pciPools[0].tags: " in refusal
    assert "the key of a tag is 1 to 64 letters, digits and _.-" in refusal


def test_every_rule_over_a_list_is_shown_refusing() -> None:
    enforced = [where for where, _ in rules(field("computenodes", "status.report").schema)]
    assert sorted(enforced) == sorted(["pciPools[].tags", *(rule.name for rule in RULES)])
    assert len(set(map(str, RULES))) == len(RULES)


@pytest.mark.parametrize(
    ("name", "entries", "field"),
    [
        ("numaCells", [samples.numa_cell(1), samples.numa_cell(1)], "numaCells[1]"),
        ("mdevTypes", [samples.mdev_type(), samples.mdev_type(name="twin")], "mdevTypes[1]"),
        ("storagePools", [samples.storage_pool(1), samples.storage_pool(1, name="twin")], "storagePools[1]"),
        ("guests", [samples.guest(1, pciAddresses=["0000:0a:00.0"] * 2)], "guests[0].pciAddresses[1]"),
        (
            "pciPools",
            [samples.pci_pool(devices=[{"address": "0000:0a:00.0"}, {"address": "0000:0a:00.0", "missing": True}])],
            "pciPools[0].devices[1]",
        ),
    ],
)
def test_a_thing_comes_once_in_a_list(
    compute_nodes: Kind, node: str, name: str, entries: list[Object], field: str
) -> None:
    report = samples.report() | {name: entries}
    answer = compute_nodes.replace_status({**compute_nodes.get(node), "status": {"report": report}}, dry_run=True)
    assert f"status.report.{field}: Duplicate value" in answer.refusal
