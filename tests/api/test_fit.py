"""What a host brings is made to fit the schema before it is written, and what does not fit is counted."""

from collections.abc import Iterable, Mapping
from functools import cache
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from hypertally.api import bounds
from hypertally.api.amounts import Amounts
from hypertally.api.base import Wire, to_wire
from hypertally.api.compute_node import Guest, GuestState, Hypervisor, Omission, ReportContent
from hypertally.api.fit import fit_report, keep
from hypertally.api.forms import WORD
from hypertally.api.inventory import (
    Cpu,
    Distance,
    GuestType,
    MdevType,
    NumaCell,
    Pages,
    PagesInUse,
    PciDevice,
    PciPool,
    PciType,
    StoragePool,
)
from tests.support import odd_hosts, samples, strategies
from tests.support.api_server import Kind
from tests.support.drawn import Drawn, chance
from tests.support.schemas import field, totals

T = TypeVar("T")

PROPERTY = settings(max_examples=60, deadline=None)
each_host = Drawn(odd_hosts.contents, examples=60)


@cache
def schema() -> Mapping[str, Any]:
    return field("computenodes", "status.report").schema


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(dict(schema()))


@each_host
def test_any_report_is_made_to_fit(content: ReportContent) -> None:
    fitted = fit_report(content)
    wire = {"generation": 1, **to_wire(fitted)}
    validator().validate(wire)
    assert list(beyond_totals(schema(), wire)) == []
    assert list(repeated(fitted)) == []
    assert [guest.uuid for guest in fitted.guests] == sorted({guest.uuid for guest in content.guests})


def beyond_totals(schema: Mapping[str, Any], wire: Any) -> Iterable[str]:
    """What JSON schema cannot say: the bounds of all entries of a list together."""
    for name, part in schema["properties"].items():
        for key, most in totals(part).items():
            if sum(len(entry.get(key, ())) for entry in wire.get(name, ())) > most:
                yield f"{name}[].{key}"


def repeated(value: Any) -> Iterable[str]:
    """Lists in which a key comes twice."""
    for name in value.__struct_fields__:
        part = getattr(value, name)
        if isinstance(part, Wire):
            yield from repeated(part)
        elif isinstance(part, tuple):
            keys = [identity(entry) for entry in part]
            if len(set(keys)) < len(keys):
                yield name
            yield from (found for entry in part if isinstance(entry, Wire) for found in repeated(entry))


def identity(entry: Any) -> Any:
    wire = to_wire(entry) if isinstance(entry, Wire) else entry
    return tuple(repr(wire.get(key)) for key in entry.map_keys) if isinstance(entry, Wire) else wire


@each_host
def test_a_report_that_was_made_to_fit_is_left_as_it_is(content: ReportContent) -> None:
    fitted = fit_report(content)
    assert fit_report(fitted) == fitted


@each_host
def test_the_order_in_which_things_are_found_does_not_matter(content: ReportContent) -> None:
    assert fit_report(shuffled(content, chance(content))) == fit_report(content)


def test_of_two_cells_with_one_number_the_same_stays_however_their_lists_are_ordered() -> None:
    pages = (Pages(size_kib=4, total=1), Pages(size_kib=2048, total=3))
    one = NumaCell(id=0, memory_mib=7, pages=pages)
    other = replace(one, distances=(Distance(cell=5, value=10),))
    found = {fit_report(content(numa_cells=(a, b))).numa_cells for a in turned(one) for b in turned(other)}
    assert len(found) == 1


def turned(cell: NumaCell) -> tuple[NumaCell, NumaCell]:
    return cell, replace(cell, pages=cell.pages[::-1])


def shuffled(value: Any, random: Random) -> Any:
    """With every list in another order, at every depth."""
    changed: dict[str, Any] = {}
    for name in value.__struct_fields__:
        part = getattr(value, name)
        if isinstance(part, tuple):
            entries = [shuffled(entry, random) if isinstance(entry, Wire) else entry for entry in part]
            changed[name] = tuple(random.sample(entries, len(entries)))
        elif isinstance(part, dict):
            changed[name] = dict(random.sample(list(part.items()), len(part)))
        elif isinstance(part, Wire):
            changed[name] = shuffled(part, random)
    return replace(value, **changed)


@PROPERTY
@given(report=strategies.reports)
def test_what_fits_says_what_it_said(report: Any) -> None:
    """Only the order may change."""
    content = ReportContent(**{name: getattr(report, name) for name in ReportContent.__struct_fields__})
    assert sorted_wire(to_wire(fit_report(content))) == sorted_wire(to_wire(content))


def sorted_wire(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: sorted_wire(part) for key, part in value.items()}
    return sorted(map(sorted_wire, value), key=repr) if isinstance(value, list) else value


def content(**parts: Any) -> ReportContent:
    return ReportContent(hypervisor=Hypervisor(type="QEMU", version="7.2.0", libvirt_version="9.0.0"), **parts)


def guest(number: int = 1, **changed: Any) -> Guest:
    sizes = {"vcpus": 1, "memory_mib": number, "disk_mib": 2}
    return Guest(**{"uuid": samples.uuid(number), "name": "web", "state": GuestState.RUNNING, **sizes, **changed})


def crowd(count: int) -> tuple[Guest, ...]:
    return tuple(guest(number, name="ü" * 300) for number in range(count))


def only(entries: tuple[T, ...]) -> T:
    (entry,) = entries
    return entry


def omitted(fitted: ReportContent) -> dict[str, int]:
    return {omission.part: omission.entries for omission in fitted.omitted}


def test_guests_that_do_not_fit_are_counted_and_their_sizes_added_up() -> None:
    guests = (*crowd(bounds.GUESTS_MAX), *(guest(number, pcpus=3) for number in range(1001, 1004)))
    fitted = fit_report(content(guests=guests))
    assert len(fitted.guests) == bounds.GUESTS_MAX
    assert fitted.guests_omitted == 3
    assert fitted.omitted_resources == Amounts(vcpus=3, pcpus=9, memory_mib=1001 + 1002 + 1003, disk_mib=6)
    assert fitted.omitted == ()


def test_what_was_omitted_before_stays_counted() -> None:
    before = content(
        guests=crowd(1),
        guests_omitted=2,
        omitted_resources=Amounts(vcpus=1),
        guest_types=types(bounds.GUEST_TYPES_MAX + 1),
        omitted=(Omission(part="guestTypes", entries=4), Omission(part="cpu.features", entries=1)),
    )
    fitted = fit_report(before)
    assert (fitted.guests_omitted, fitted.omitted_resources) == (2, Amounts(vcpus=1))
    assert omitted(fitted) == {"cpu.features": 1, "guestTypes": 5}


def test_a_complete_list_omits_nothing() -> None:
    fitted = fit_report(content(guests=crowd(bounds.GUESTS_MAX), guest_types=types(bounds.GUEST_TYPES_MAX)))
    assert (fitted.guests_omitted, fitted.omitted_resources, fitted.omitted) == (0, None, ())


def types(count: int) -> tuple[GuestType, ...]:
    return tuple(GuestType(arch=f"arch{number}", hypervisor="kvm", os_type="hvm") for number in range(count))


DEVICES = [f"0000:{bus:02x}:{slot:02x}.{function}" for bus in range(5) for slot in range(32) for function in range(8)]
UUIDS = [samples.uuid(number) for number in range(600)]
FAR = [f"{number},{number + 2000}" for number in range(1100)]


def pool(number: int = 0, **changed: Any) -> PciPool:
    return PciPool(**{"vendor_id": "8086", "product_id": f"{number:04x}", "type": PciType.VF, **changed})


def devices(addresses: Iterable[str]) -> tuple[PciDevice, ...]:
    return tuple(PciDevice(address=address) for address in addresses)


def cell(number: int = 0, **changed: Any) -> NumaCell:
    return NumaCell(**{"id": number, "memory_mib": 1024, **changed})


def mdev(number: int = 0, **changed: Any) -> MdevType:
    return MdevType(**{"parent_address": "0000:65:00.0", "type": f"nvidia-{number:03}", **changed})


def storage(number: int = 0, **changed: Any) -> StoragePool:
    known = {"uuid": samples.uuid(number), "name": "default", "type": "dir", "active": True, "identity": "id"}
    return StoragePool(**{**known, **changed})


@pytest.mark.parametrize(
    ("parts", "counted"),
    [
        ({"cpu": Cpu(arch="x86_64", features=tuple(f"f{n}" for n in range(515)))}, {"cpu.features": 3}),
        ({"cpu": Cpu(arch="x86_64", features=("avx2", "x" * 49, "no feature"))}, {"cpu.features": 2}),
        ({"guest_types": types(70)}, {"guestTypes": 6}),
        ({"guest_types": (GuestType(arch="x86_64", hypervisor="", os_type="hvm"),)}, {"guestTypes": 1}),
        ({"measured_pages": tuple(PagesInUse(cell=n, size_kib=4, used=1) for n in range(260))}, {"measuredPages": 4}),
        ({"numa_cells": tuple(map(cell, range(34)))}, {"numaCells": 2}),
        ({"numa_cells": (cell(-1), cell(65536))}, {"numaCells": 2}),
        ({"numa_cells": (cell(shared_cpus=",".join(["1000"] * 206)),)}, {"numaCells[].sharedCPUs": 1}),
        ({"numa_cells": (cell(dedicated_cpus="0-3,oops,5"),)}, {"numaCells[].dedicatedCPUs": 1}),
        ({"numa_cells": (cell(siblings=tuple(FAR[:515])),)}, {"numaCells[].siblings": 3}),
        (
            {"numa_cells": tuple(cell(n, siblings=tuple(FAR[n * 256 : (n + 1) * 256])) for n in range(5))},
            {"numaCells[].siblings": 1100 - 1024},
        ),
        (
            {"numa_cells": (cell(pages=tuple(Pages(size_kib=4 << n, total=1) for n in range(10))),)},
            {"numaCells[].pages": 2},
        ),
        (
            {"numa_cells": (cell(distances=tuple(Distance(cell=n, value=10) for n in range(33))),)},
            {"numaCells[].distances": 1},
        ),
        ({"pci_pools": tuple(map(pool, range(66)))}, {"pciPools": 2}),
        ({"pci_pools": (pool(vendor_id="0x8086"), pool(type=PciType.UNKNOWN))}, {"pciPools": 2}),
        ({"pci_pools": (pool(devices=devices(DEVICES[:1030])),)}, {"pciPools[].devices": 6}),
        (
            {"pci_pools": tuple(pool(n, devices=devices(DEVICES[n * 600 : (n + 1) * 600])) for n in range(2))},
            {"pciPools[].devices": 1200 - 1024},
        ),
        ({"pci_pools": (pool(devices=devices(["0a:00.1", DEVICES[0]])),)}, {"pciPools[].devices": 1}),
        ({"pci_pools": (pool(tags={f"tag{n}": "" for n in range(18)}),)}, {"pciPools[].tags": 2}),
        ({"pci_pools": (pool(tags={"ok": "net 1", "no key": "", "no_value": "é"}),)}, {"pciPools[].tags": 2}),
        (
            {"pci_pools": tuple(pool(n, tags={f"tag{tag}": "" for tag in range(16)}) for n in range(5))},
            {"pciPools[].tags": 16},
        ),
        ({"mdev_types": tuple(map(mdev, range(65)))}, {"mdevTypes": 1}),
        ({"mdev_types": (mdev(parent_address=""), mdev(type="no type"))}, {"mdevTypes": 2}),
        ({"mdev_types": (mdev(instances=tuple(UUIDS[:66])),)}, {"mdevTypes[].instances": 2}),
        (
            {"mdev_types": tuple(mdev(n, instances=tuple(UUIDS[n * 60 : (n + 1) * 60])) for n in range(10))},
            {"mdevTypes[].instances": 600 - 512},
        ),
        ({"storage_pools": tuple(map(storage, range(67)))}, {"storagePools": 3}),
        ({"guests": (guest(cells=tuple(range(33))),)}, {"guests[].cells": 1}),
        ({"guests": tuple(guest(n, cells=tuple(range(32))) for n in range(33))}, {"guests[].cells": 32}),
        ({"guests": (guest(pci_addresses=tuple(DEVICES[:40])),)}, {"guests[].pciAddresses": 8}),
        (
            {"guests": tuple(guest(n, pci_addresses=tuple(DEVICES[n * 32 : (n + 1) * 32])) for n in range(33))},
            {"guests[].pciAddresses": 32},
        ),
        ({"guests": (guest(mdev_uuids=tuple(UUIDS[:17])),)}, {"guests[].mdevUUIDs": 1}),
        (
            {"guests": tuple(guest(n, mdev_uuids=tuple(UUIDS[n * 16 : (n + 1) * 16])) for n in range(33))},
            {"guests[].mdevUUIDs": 16},
        ),
        (
            {"guests": tuple(guest(n, pinned_cpus=",".join(["1"] * 512)) for n in range(17))},
            {"guests[].pinnedCPUs": 504},
        ),
    ],
)
def test_what_does_not_fit_is_counted_by_part(parts: dict[str, Any], counted: dict[str, int]) -> None:
    fitted = fit_report(content(**parts))
    assert omitted(fitted) == counted
    validator().validate({"generation": 1, **to_wire(fitted)})


def test_of_a_cpu_set_whole_ranges_stay() -> None:
    fitted = fit_report(content(numa_cells=(cell(shared_cpus=",".join(f"{n}-{n}" for n in range(1000, 1200))),)))
    kept = only(fitted.numa_cells).shared_cpus
    assert kept == ",".join(f"{n}-{n}" for n in range(1000, 1102))
    assert len(kept) <= bounds.CPU_SET_MAX < len(kept) + len(",1102-1102")


def test_pools_that_nothing_tells_apart_are_one() -> None:
    two = (pool(devices=devices(DEVICES[1:2])), pool(devices=devices(DEVICES[:1])))
    assert fit_report(content(pci_pools=two)).pci_pools == (pool(devices=devices(DEVICES[:2])),)


def test_a_name_that_would_move_a_terminal_or_break_a_line_is_shown_with_question_marks() -> None:
    fitted = fit_report(content(guests=(guest(name="\x1b[2Jweb\n<1>"),)))
    assert only(fitted.guests).name == "?[2Jweb??1?"


def test_a_cpu_without_an_architecture_is_unknown() -> None:
    assert fit_report(content(cpu=Cpu(arch="", model="EPYC"))).cpu is None


def test_numbers_that_stand_for_nothing_are_absent_or_the_nearest_that_can_be_said() -> None:
    parts = content(
        numa_cells=(cell(memory_mib=-5, socket=-1),),
        disk_available_least_mib=-(2**60),
        storage_pools=(storage(capacity_mib=2**50, allocation_mib=-1),),
    )
    fitted = fit_report(parts)
    assert fitted.numa_cells == (cell(memory_mib=0),)
    assert fitted.disk_available_least_mib == -bounds.SUM_MAX
    assert only(fitted.storage_pools) == storage(capacity_mib=bounds.AMOUNT_MAX, allocation_mib=0)


@pytest.mark.parametrize("identity", ["netfs:nas:/export/" + "x" * 300, "local:a b", "", "rbd:ü"])
def test_an_identity_that_cannot_be_said_is_still_one_of_its_own(identity: str) -> None:
    mine, same, other = (
        only(fit_report(content(storage_pools=(storage(identity=text),))).storage_pools).identity
        for text in (identity, identity, identity + "y")
    )
    assert mine == same != other
    assert WORD.fullmatch(mine)
    assert len(mine) <= bounds.STORAGE_IDENTITY_MAX


def test_an_identity_that_can_be_said_stays_as_it_is() -> None:
    text = "rbd:af5f4024-4ee2-4f22-a3ba-a8b13c0e9a44/vms"
    assert only(fit_report(content(storage_pools=(storage(identity=text),))).storage_pools).identity == text


def test_a_part_that_could_not_be_read_is_kept_with_what_was_left_out_of_it() -> None:
    crowded = fit_report(
        content(
            guests=crowd(bounds.GUESTS_MAX + 2),
            pci_pools=(pool(devices=devices(DEVICES[:1030])),),
            guest_types=types(70),
        )
    )
    kept = keep(content(pci_pools=(pool(),), guest_types=types(1)), crowded, "pci_pools")
    assert (kept.pci_pools, kept.guest_types, kept.guests) == (crowded.pci_pools, types(1), ())
    assert omitted(kept) == {"pciPools[].devices": 6}
    assert fit_report(kept) == kept


def test_guests_that_could_not_be_listed_are_kept_with_those_that_did_not_fit() -> None:
    crowded = fit_report(content(guests=(*crowd(bounds.GUESTS_MAX + 2), guest(1, cells=tuple(range(40))))))
    kept = keep(content(), crowded, "guests")
    assert (kept.guests, kept.guests_omitted) == (crowded.guests, 2)
    assert kept.omitted_resources == crowded.omitted_resources
    assert kept.omitted == crowded.omitted
    assert fit_report(kept) == kept


def test_the_api_server_takes_the_report_of_a_crowded_host(compute_nodes: Kind, node: str) -> None:
    parts = content(
        guests=crowd(600),
        guest_types=types(70),
        numa_cells=tuple(cell(n, siblings=tuple(FAR[n * 256 : (n + 1) * 256])) for n in range(5)),
        pci_pools=(pool(devices=devices(DEVICES[:1030]), tags={"physical_network": "net1"}),),
        mdev_types=tuple(mdev(n, instances=tuple(UUIDS[n * 60 : (n + 1) * 60])) for n in range(10)),
        storage_pools=tuple(map(storage, range(67))),
    )
    report = {"generation": 1, **to_wire(fit_report(parts))}
    answer = compute_nodes.merge_status(node, {"status": {"report": report}})
    assert answer.object["status"]["report"] == report
    assert answer.object["status"]["report"]["guests"][0]["name"] == "ü" * 63 + "…"
    assert len(report["omitted"]) == 5
