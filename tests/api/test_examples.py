"""The manifests of examples/ are accepted and do what their comments say."""

from pathlib import Path
from typing import Any

import libvirt
import pytest
import yaml

from devcluster import Cluster
from hypertally.api.amounts import AllocationRatios, Amounts
from hypertally.api.compute_node import ComputeNodeSpec
from hypertally.api.decode import decode
from hypertally.api.instance import Instance
from hypertally.ledger.policy import allocatable
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
