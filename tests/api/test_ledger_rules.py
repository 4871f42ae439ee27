"""The rules of a ledger that the API server itself enforces over whole lists, each shown refusing."""

from collections.abc import Callable
from typing import Any

import pytest

from gen_api_reference import rules
from hypertally.api import bounds
from tests.support import samples
from tests.support.api_server import Answer, Kind
from tests.support.samples import Object
from tests.support.schemas import field

KINDS_OF_MDEVS = 16
"""That each claim here has, so that it takes several."""


def _cells(count: int) -> list[Object]:
    return _claims("cells", [{"id": number} for number in range(count)], bounds.CLAIM_CELLS_MAX)


def _cpu_sets(characters: int) -> list[Object]:
    most = bounds.CPU_SET_MAX
    sizes = [min(most, characters - first) for first in range(0, characters, most)]
    return _claims("cells", [{"id": 0, "cpus": _cpu_set(size)} for size in sizes], 2)


def _cpu_set(characters: int) -> str:
    return ("1," * characters)[:characters].removesuffix(",").ljust(characters, "1")


def _devices(count: int) -> list[Object]:
    addresses = (f"0000:{number // 256:02x}:{number // 8 % 32:02x}.{number % 8}" for number in range(count))
    return _claims("devices", [{"address": address} for address in addresses], bounds.CLAIM_DEVICES_MAX)


def _mdevs(count: int) -> list[Object]:
    kinds = [{"type": f"t-{number}", "parentAddress": "0000:65:00.0", "count": 1} for number in range(count)]
    return _claims("mdevs", kinds, KINDS_OF_MDEVS)


def _claims(part: str, entries: list[Object], most: int) -> list[Object]:
    """With nothing else than these, so many at most in each, and one in front that has none of them."""
    bare = {key: value for key, value in samples.claim().items() if key not in samples.held()}
    shares = [entries[first : first + most] for first in range(0, len(entries), most)]
    return [bare, *({**bare, "uuid": samples.uuid(2 + n), part: share} for n, share in enumerate(shares))]


def _store(compute_nodes: Kind, node: str, **ledger: Any) -> Answer:
    whole = {**compute_nodes.get(node), "status": {"ledger": samples.ledger(**ledger)}}
    return compute_nodes.replace_status(whole, dry_run=True)


@pytest.mark.parametrize(
    ("make", "together", "said"),
    [
        (_cells, bounds.CLAIM_CELLS_TOGETHER, "320 parts of cells"),
        (_cpu_sets, bounds.CLAIM_CPUS_TOGETHER, "CPU sets have 8192 characters"),
        (_devices, bounds.CLAIM_DEVICES_TOGETHER, "384 PCI devices"),
        (_mdevs, bounds.CLAIM_MDEVS_TOGETHER, "48 kinds of mediated devices"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_all_claims_hold_has_a_bound_together(
    compute_nodes: Kind, node: str, make: Callable[[int], list[Object]], together: int, said: str
) -> None:
    _store(compute_nodes, node, claims=make(together)).check()

    refusal = _store(compute_nodes, node, claims=make(together + 1)).refusal

    assert "status.ledger.claims: " in refusal
    assert said in refusal


def test_what_all_cells_have_free_has_a_bound_together(compute_nodes: Kind, node: str) -> None:
    sets = [_cpu_set(bounds.CPU_SET_MAX)] * (bounds.CELL_CPUS_TOGETHER // bounds.CPU_SET_MAX)
    cells = [{"id": number, "memoryMiB": 1, "sharedVCPUs": 0, "cpus": cpus} for number, cpus in enumerate(sets)]
    _store(compute_nodes, node, freeCells=cells).check()

    one_more = {**cells[0], "id": len(cells), "cpus": "1"}
    refusal = _store(compute_nodes, node, freeCells=[*cells, one_more]).refusal

    assert "status.ledger.freeCells: " in refusal
    assert "the CPU sets of all cells together may have 8192 characters" in refusal


def test_the_tags_of_all_pools_have_a_bound_together(compute_nodes: Kind, node: str) -> None:
    tags = {f"t{number}": "" for number in range(bounds.TAGS_MAX)}
    (pool,) = samples.ledger()["freeDevices"]
    count = bounds.TAGS_TOGETHER // len(tags)
    pools = [{**pool, "productID": f"{number:04x}", "tags": tags} for number in range(count)]
    _store(compute_nodes, node, freeDevices=pools).check()

    refusal = _store(compute_nodes, node, freeDevices=[*pools, {**pool, "tags": {"one": "more"}}]).refusal

    assert "status.ledger.freeDevices: " in refusal
    assert "all pools together may have 64 tags" in refusal


def test_the_key_of_a_tag_has_a_form(compute_nodes: Kind, node: str) -> None:
    (pool,) = samples.ledger()["freeDevices"]

    refusal = _store(compute_nodes, node, freeDevices=[{**pool, "tags": {"no key": "value"}}]).refusal

    assert "status.ledger.freeDevices[0].tags: " in refusal
    assert "the key of a tag is 1 to 64 letters, digits and _.-" in refusal


def test_what_is_added_up_is_added_up_in_a_ledger_that_replaces_another(compute_nodes: Kind, node: str) -> None:
    compute_nodes.replace_status({**compute_nodes.get(node), "status": {"ledger": samples.ledger()}}).check()

    refusal = _store(compute_nodes, node, generation=2, claims=_devices(bounds.CLAIM_DEVICES_TOGETHER + 1)).refusal

    assert "384 PCI devices" in refusal


def test_every_rule_over_a_list_is_shown_refusing() -> None:
    enforced = [where for where, _ in rules(field("computenodes", "status.ledger").schema)]

    assert sorted(enforced) == ["claims"] * 4 + ["freeCells", "freeDevices", "freeDevices[].tags"]
