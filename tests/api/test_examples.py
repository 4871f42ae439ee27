"""The manifests of examples/ are accepted and do what their comments say."""

from pathlib import Path
from typing import Any

import libvirt
import pytest
import yaml
from msgspec.structs import replace

from devcluster import Cluster
from hypertally.api.amounts import AllocationRatios, Amounts
from hypertally.api.compute_node import ComputeNode, ComputeNodeSpec
from hypertally.api.decode import decode
from hypertally.api.instance import Instance
from hypertally.api.placement import HeldCell, HeldDevice, PagesFree
from hypertally.ledger.policy import allocatable
from hypertally.ledger.reconcile import Inputs, next_ledger
from tests.support import samples
from tests.support.api_server import Kind

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"

TEST_HOST = Amounts(vcpus=16, memory_mib=3072, disk_mib=100_000)
"""What libvirt's test driver says of the host of test:///default; its disk is the machine's own."""

TEST_GUEST = Amounts(vcpus=2, memory_mib=8192)
"""The guest that always runs there, at its largest."""


def load(name: str) -> dict[str, Any]:
    body: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text())
    return body


def test_libvirt_s_test_driver_is_as_the_examples_say() -> None:
    connection = libvirt.open("test:///default")
    _, memory_mib, vcpus, *_ = connection.getInfo()
    (guest,) = connection.listAllDomains()
    _, largest_kib, _, guest_vcpus, _ = guest.info()
    assert (vcpus, memory_mib) == (TEST_HOST.vcpus, TEST_HOST.memory_mib)
    assert (guest_vcpus, largest_kib // 1024) == (TEST_GUEST.vcpus, TEST_GUEST.memory_mib)
    assert guest.UUIDString() == load("instance-fits.yaml")["spec"]["uuid"]
    connection.close()


def test_one_instance_fits_the_test_host_and_one_does_not() -> None:
    ratios = AllocationRatios(memory_mib=load("compute-node-policy.yaml")["spec"]["allocationRatios"]["memoryMiB"])
    spec = ComputeNodeSpec(
        hypervisor_hostname="h", host_uuid=samples.HOST_UUID, node_name="demo", allocation_ratios=ratios
    )
    room = allocatable(TEST_HOST, spec)
    fits = decode(load("instance-fits.yaml"), Instance).spec.resources.amounts()
    too_big = decode(load("instance-too-big.yaml"), Instance).spec.resources.amounts()
    assert fits == TEST_GUEST
    assert fits.vcpus <= room.vcpus
    assert fits.memory_mib <= room.memory_mib < too_big.memory_mib


def test_the_placed_instance_gets_what_the_concepts_page_shows() -> None:
    host, placed = decode(load("reported-host.yaml"), ComputeNode), decode(load("instance-placed.yaml"), Instance)
    first = next_ledger(Inputs(node=host, owners={}))
    assert first is not None
    known = replace(host, status=replace(host.status, ledger=first.ledger))
    outcome = next_ledger(Inputs(node=known, owners={placed.spec.uuid: placed}))
    assert outcome is not None
    (claim,) = outcome.ledger.claims
    assert claim.cells == (HeldCell(id=1, memory_mib=8192, page_size_kib=2048, cpus="10-11,26-27"),)
    assert claim.devices == (HeldDevice(address="0000:81:10.0", request="net"),)
    cell = outcome.ledger.free_cells[1]
    assert (cell.cpus, cell.pages[1]) == ("12-15,28-31", PagesFree(size_kib=2048, free=12288))
    assert [pool.free for pool in outcome.ledger.free_devices] == [3, 0]


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_an_example_is_accepted(cluster: Cluster, compute_nodes: Kind, name: str) -> None:
    agents_part = samples.compute_node("demo")
    agents_part["spec"] = {key: agents_part["spec"][key] for key in ("hypervisorHostname", "hostUUID", "nodeName")}
    compute_nodes.create(agents_part).check()
    try:
        applied = cluster.kubectl(
            "apply", "--server-side", "--validate=strict", "--dry-run=server", "-o", "name", "-f", EXAMPLES / name
        )
    finally:
        compute_nodes.delete("demo")
    assert applied.strip().endswith("/" + load(name)["metadata"]["name"])


def test_the_status_of_the_reported_host_is_accepted_by_the_second_command(
    cluster: Cluster, compute_nodes: Kind
) -> None:
    file = EXAMPLES / "reported-host.yaml"
    try:
        for subresource in ([], ["--subresource=status"]):
            cluster.kubectl("apply", "--server-side", "--validate=strict", *subresource, "-f", file)
        report = compute_nodes.get("numa-1")["status"]["report"]
    finally:
        compute_nodes.delete("numa-1")
    assert report == load("reported-host.yaml")["status"]["report"]
