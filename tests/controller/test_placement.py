"""Guests that ask for CPUs, cells and devices, through the real API server and a running controller."""

from typing import Any

import pytest

from tests.support.fleet import Fleet, Host, controller
from tests.support.samples import Object, amounts

INVENTORY: Object = {
    "numaCells": [
        {"id": cell, "memoryMiB": 4352, "sharedCPUs": shared, "dedicatedCPUs": dedicated, "socket": cell}
        for cell, shared, dedicated in ((0, "0-1", "4-5"), (1, "2-3", "6-7"))
    ],
    "pciPools": [
        {
            "vendorID": "8086",
            "productID": "10fb",
            "type": "PF",
            "numaCell": 1,
            "devices": [{"address": "0000:0a:00.0"}],
        },
        {
            "vendorID": "8086",
            "productID": "10ed",
            "type": "VF",
            "numaCell": 1,
            "tags": {"physical_network": "net1"},
            "devices": [
                {"address": f"0000:0a:10.{function}", "parentAddress": "0000:0a:00.0"} for function in range(2)
            ],
        },
    ],
    "mdevTypes": [{"parentAddress": "0000:65:00.0", "type": "nvidia-222", "available": 1}],
}
PINNED: Object = {
    "cpuPolicy": "Dedicated",
    "pciRequests": [{"name": "net", "tags": {"physical_network": "net1"}, "numaPolicy": "Required"}],
}


@pytest.fixture
def host(fleet: Fleet) -> Host:
    made = fleet.host("placing", pcpus=4)
    made.inventory = INVENTORY
    made.report()
    return made


def declare(fleet: Fleet, host: Host, placement: Object, **sizes: Any) -> str:
    name = fleet.instance("", **sizes)
    fleet.instances.merge(name, {"spec": {"placement": placement}}).check()
    fleet.instances.merge(name, {"spec": {"computeNodeName": host.name}}).check()
    return name


def claim_of(fleet: Fleet, host: Host, name: str) -> Object:
    claims = fleet.nodes.get(host.name)["status"]["ledger"]["claims"]
    return next((claim for claim in claims if claim["name"] == name), {})


def test_a_guest_gets_cpus_and_a_device_of_one_cell_in_the_write_that_holds_its_amounts(
    fleet: Fleet, host: Host
) -> None:
    name = declare(fleet, host, PINNED, vcpus=2)
    fleet.wait_for_home(name, host.name)
    claim = claim_of(fleet, host, name)
    assert claim["resources"] == amounts(0, 1024, 0) | {"pcpus": 2}
    assert claim["cells"] == [{"id": 1, "memoryMiB": 1024, "cpus": "6-7"}]
    assert claim["devices"] == [{"address": "0000:0a:10.0", "request": "net"}]
    assert fleet.instances.get(name)["status"]["placement"] == PINNED
    ledger = fleet.nodes.get(host.name)["status"]["ledger"]
    assert [cell.get("cpus", "") for cell in ledger["freeCells"]] == ["4-5", ""]
    assert [pool["free"] for pool in ledger["freeDevices"]] == [0, 1]
    assert [mdev["free"] for mdev in ledger["freeMdevs"]] == [1]


def test_what_fits_in_amounts_and_not_in_places_is_refused_with_the_nearest_fit_and_may_go_elsewhere(
    fleet: Fleet, host: Host
) -> None:
    first = declare(fleet, host, PINNED, vcpus=1)
    fleet.wait_for_home(first, host.name)
    second = declare(fleet, host, PINNED, vcpus=2)
    said = fleet.wait_for_reason(second, "InsufficientResources")
    # Two CPUs are left on cell 0 only, and the device is on cell 1.
    missing = "PCI devices for net, of 2 that match (2 not near NUMA cell 0 by policy Required): asked 1, free 0."
    assert missing in said["message"]
    other = fleet.host("placing", pcpus=4)
    other.inventory = INVENTORY
    other.report()
    fleet.instances.merge(second, {"spec": {"computeNodeName": other.name}}).check()
    fleet.wait_for_home(second, other.name)


def test_a_request_that_no_host_can_ever_meet_is_refused_with_its_name_and_nobody_else_waits(
    fleet: Fleet, host: Host
) -> None:
    never = declare(fleet, host, {"pciRequests": [{"name": "gpu", "vendorID": "10de", "count": 32}]})
    assert "gpu" in fleet.wait_for_reason(never, "InsufficientResources")["message"]
    plain = fleet.instance(host.name)
    fleet.wait_for_home(plain, host.name)


def test_a_restarted_controller_finds_every_place_as_it_was(fleet: Fleet, host: Host, tmp_path: Any) -> None:
    names = [declare(fleet, host, PINNED, vcpus=1), declare(fleet, host, {"mdevRequests": [{"type": "nvidia-222"}]})]
    for name in names:
        fleet.wait_for_home(name, host.name)
    before = [claim_of(fleet, host, name) for name in names]
    with controller(fleet.cluster.kubeconfig_for("controller"), tmp_path / "log", "--resync-interval=2"):
        third = declare(fleet, host, {"cpuPolicy": "Dedicated"}, vcpus=1)
        fleet.wait_for_home(third, host.name)
    assert [claim_of(fleet, host, name) for name in names] == before
    held = [cell["cpus"] for name in (names[0], third) for cell in claim_of(fleet, host, name)["cells"]]
    assert len(set(held)) == 2


def test_a_guest_that_runs_elsewhere_than_it_was_placed_is_shown_with_both(fleet: Fleet, host: Host) -> None:
    name = declare(fleet, host, PINNED, vcpus=2)
    fleet.wait_for_home(name, host.name)
    uuid = fleet.uuid_of(name)
    host.guests[uuid] = {
        "uuid": uuid, "name": "other-cpus", "state": "Running", **amounts(0, 1024, 0), "pcpus": 2, "cells": [0],
        "pinnedCPUs": "4-5", "pciAddresses": ["0000:0a:10.0"],
    }  # fmt: skip
    host.report()
    host.look()
    host.wait_settled()  # the Instance is told by the report, whether or not the ledger has seen it
    said = fleet.wait_for_reason(name, "Drifted", "Placed")
    assert "NUMA cells 0 (accounted 1), CPUs 4-5 (accounted 6-7)" in said["message"]
    assert [cell.get("cpus", "") for cell in fleet.nodes.get(host.name)["status"]["ledger"]["freeCells"]] == ["", ""]
