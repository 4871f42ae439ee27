"""Where a guest really is and which devices it really has, against what is held for it."""

from typing import Any

import pytest
from msgspec.structs import replace

from hypertally.api.placement import HeldCell, HeldDevice, HeldMdev, Placement
from hypertally.ledger.drift_places import places
from tests.ledger.make import guest

FIRST, SECOND = "0000:0a:00.1", "0000:0a:00.2"


def texts(held: Placement, **real: Any) -> list[str]:
    return [str(found) for found in places(held, replace(guest("a"), **real))]


def cells(*held: HeldCell) -> Placement:
    return Placement(cells=held)


def devices(*addresses: str) -> Placement:
    return Placement(devices=tuple(HeldDevice(request="nic", address=address) for address in addresses))


def test_a_guest_that_floats_and_is_meant_to_differs_in_nothing() -> None:
    assert texts(Placement()) == []


def test_a_guest_that_has_all_that_is_held_for_it_differs_in_nothing() -> None:
    held = Placement(
        cells=(HeldCell(id=0, cpus="4-5", page_size_kib=2048), HeldCell(id=1, cpus="12", page_size_kib=2048)),
        devices=(HeldDevice(request="nic", address=FIRST),),
        mdevs=(HeldMdev(type="nvidia-222", parent_address="0000:65:00.0", count=2),),
    )
    real = {
        "cells": (1, 0), "pinned_cpus": "4-5,12", "page_size_kib": 2048, "pci_addresses": (FIRST,),
        "mdev_uuids": ("u", "v"),
    }  # fmt: skip
    assert texts(held, **real) == []


def test_other_cells() -> None:
    assert texts(cells(HeldCell(id=2), HeldCell(id=10)), cells=(0,)) == ["NUMA cells 0 (accounted 2,10)"]
    assert texts(cells(HeldCell(id=0))) == ["NUMA cells none (accounted 0)"]
    assert texts(Placement(), cells=(3, 1)) == ["NUMA cells 1,3 (accounted none)"]


@pytest.mark.parametrize(
    ("held", "real", "said"),
    [
        ("4-7", "4,6", []),
        ("4-7", "4,8", ["CPUs 4,8 (accounted 4-7)"]),
        ("4-7", "", ["CPUs none (accounted 4-7)"]),
        ("", "4", ["CPUs 4 (accounted none)"]),
        ("no set", "", []),
    ],
)
def test_idle_threads_may_be_held_and_no_other_cpu_may_be_used(held: str, real: str, said: list[str]) -> None:
    assert texts(cells(HeldCell(id=0, cpus=held)), cells=(0,), pinned_cpus=real) == said


@pytest.mark.parametrize(
    ("held", "real", "said"),
    [
        (0, 0, []),
        (4, 0, []),
        (64, 0, []),
        (64, 64, []),
        (2048, 0, ["pages of KiB ordinary (accounted 2048)"]),
        (4, 2048, ["pages of KiB 2048 (accounted 4)"]),
        (0, 2048, ["pages of KiB 2048 (accounted ordinary)"]),
        (2048, 1048576, ["pages of KiB 1048576 (accounted 2048)"]),
    ],
)
def test_other_pages(held: int, real: int, said: list[str]) -> None:
    assert texts(cells(HeldCell(id=0, page_size_kib=held)), cells=(0,), page_size_kib=real) == said


def test_huge_pages_of_a_guest_that_holds_no_cells() -> None:
    assert texts(Placement(), page_size_kib=2048) == ["pages of KiB 2048 (accounted ordinary)"]


def test_devices_that_only_one_of_the_two_has() -> None:
    assert texts(devices(FIRST, SECOND), pci_addresses=(SECOND, FIRST)) == []
    assert texts(devices(FIRST), pci_addresses=(SECOND,)) == [f"PCI devices {SECOND} (accounted {FIRST})"]
    assert texts(devices(FIRST, SECOND), pci_addresses=(SECOND,)) == [f"PCI devices none (accounted {FIRST})"]
    assert texts(Placement(), pci_addresses=(SECOND, FIRST)) == [f"PCI devices {FIRST},{SECOND} (accounted none)"]


def test_another_number_of_mediated_devices() -> None:
    one = HeldMdev(type="nvidia-222", parent_address="0000:65:00.0", count=1)
    held = Placement(mdevs=(one, replace(one, parent_address="0000:66:00.0", count=2)))
    assert texts(held, mdev_uuids=("u", "v", "w")) == []
    assert texts(held, mdev_uuids=("u",)) == ["mediated devices 1 (accounted 3)"]
    assert texts(Placement(), mdev_uuids=("u",)) == ["mediated devices 1 (accounted 0)"]
