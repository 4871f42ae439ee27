"""Small true objects of each kind in wire form, fresh at every call."""

from itertools import count
from typing import Any
from uuid import UUID

from hypertally.api.names import API_VERSION

Object = dict[str, Any]

HOST_UUID = "6f2a7f0e-5d0e-4b53-9d2e-0f6c6f9f3b11"
NOW = "2026-11-22T15:00:00Z"

_numbers = count(1)


def fresh_name(prefix: str) -> str:
    """Unlike every other name of this session: all tests share one API server."""
    return f"{prefix}-{next(_numbers)}"


def uuid(number: int) -> str:
    return str(UUID(int=number))


def amounts(vcpus: int = 1, memory_mib: int = 1024, disk_mib: int = 10240) -> Object:
    return {"vcpus": vcpus, "pcpus": 0, "memoryMiB": memory_mib, "diskMiB": disk_mib}


def shared(vcpus: int, memory_mib: int, disk_mib: int) -> Object:
    """Of a policy: what a guest has to itself has no reserve and no ratio."""
    return {"vcpus": vcpus, "memoryMiB": memory_mib, "diskMiB": disk_mib}


def condition(type_: str, status: str = "True", **changed: Any) -> Object:
    return {
        "type": type_, "status": status, "reason": "AsExpected", "message": "", "lastTransitionTime": NOW,
        "observedGeneration": 1, **changed,
    }  # fmt: skip


def guest(number: int = 1, **changed: Any) -> Object:
    return {"uuid": uuid(number), "name": f"guest-{number}", "state": "Running", **amounts(), **changed}


def pinned_guest(number: int = 1, **changed: Any) -> Object:
    """One with everything that a guest may have to itself."""
    return guest(number) | {
        "vcpus": 0, "pcpus": 2, "memoryCurrentMiB": 512, "cells": [0], "pinnedCPUs": "4,12", "pageSizeKiB": 2048,
        "pciAddresses": ["0000:0a:00.1"], "mdevUUIDs": [uuid(3000)], **changed,
    }  # fmt: skip


def cpu() -> Object:
    return {
        "arch": "x86_64", "model": "EPYC-Rome", "vendor": "AMD", "features": ["avx2", "svm"],
        "topology": {"cells": 1, "sockets": 1, "cores": 8, "threads": 2},
    }  # fmt: skip


def numa_cell(id_: int = 0, **changed: Any) -> Object:
    return {
        "id": id_, "memoryMiB": 65536, "sharedCPUs": "0-3,8-11", "dedicatedCPUs": "4-7,12-15",
        "siblings": ["0,8", "1,9"], "socket": 0, "pages": [{"sizeKiB": 2048, "total": 1024, "reserved": 64}],
        "distances": [{"cell": id_, "value": 10}], **changed,
    }  # fmt: skip


def pci_pool(**changed: Any) -> Object:
    return {
        "vendorID": "8086", "productID": "1520", "type": "VF", "numaCell": 0, "tags": {"physical_network": "net1"},
        "devices": [{"address": "0000:0a:00.1", "parentAddress": "0000:0a:00.0", "missing": True}], **changed,
    }  # fmt: skip


def mdev_type(**changed: Any) -> Object:
    return {
        "parentAddress": "0000:65:00.0", "type": "nvidia-222", "name": "GRID T4-1B", "available": 15,
        "instances": [uuid(3000)], **changed,
    }  # fmt: skip


def storage_pool(number: int = 1, **changed: Any) -> Object:
    return {
        "name": f"pool-{number}", "uuid": uuid(4000 + number), "type": "rbd", "active": True,
        "identity": "rbd:af5f4024-4ee2-4f22-a3ba-a8b13c0e9a44/vms", "capacityMiB": 1048576, "allocationMiB": 10240,
        "availableMiB": 1038336, **changed,
    }  # fmt: skip


def inventory() -> Object:
    """The parts of a report beyond amounts and guests."""
    return {
        "cpu": cpu(),
        "guestTypes": [{"arch": "x86_64", "hypervisor": "kvm", "osType": "hvm"}],
        "measuredPages": [{"cell": 0, "sizeKiB": 2048, "used": 12}],
        "diskAvailableLeastMiB": -2048,
        "numaCells": [numa_cell()],
        "pciPools": [pci_pool()],
        "mdevTypes": [mdev_type()],
        "storagePools": [storage_pool()],
    }


def report(generation: int = 1, **changed: Any) -> Object:
    return {
        "generation": generation,
        "hypervisor": {"type": "QEMU", "version": "7.2.0", "libvirtVersion": "9.0.0", "hostIP": "192.0.2.7"},
        "capacity": amounts(16, 65536, 1048576),
        "measured": amounts(2, 4096, 2048),
        **inventory(),
        "guests": [pinned_guest()],
        "guestsOmitted": 1,
        "omittedResources": amounts(),
        "omitted": [{"part": "pciPools[].devices", "entries": 3}],
        **changed,
    }


def claim(number: int = 1, role: str = "Running", **changed: Any) -> Object:
    return {
        "uuid": uuid(number), "role": role, "namespace": "default", "name": f"guest-{number}",
        "instanceUID": uuid(1000 + number), "resources": amounts(), "instanceGeneration": 1,
        "migrationUID": uuid(2000), "since": {"holder": "node-1_a1b2", "audit": 7}, "overcommitted": True,
        "requestDigest": "0123456789abcdef", **held(), **changed,
    }  # fmt: skip


def held() -> Object:
    """What a claim holds beyond amounts."""
    return {
        "cells": [{"id": 0, "vcpus": 1, "memoryMiB": 1024, "pageSizeKiB": 2048, "cpus": "4,12"}],
        "devices": [{"request": "net", "address": "0000:0a:00.1"}],
        "mdevs": [{"type": "nvidia-222", "parentAddress": "0000:65:00.0", "count": 1}],
    }


def placement(**changed: Any) -> Object:
    """A request with everything that may be asked for."""
    return {
        "cpuPolicy": "Dedicated", "threadPolicy": "Require", "pageSize": "Explicit", "pageSizeKiB": 2048,
        "cells": [{"vcpus": 1, "memoryMiB": 1024}],
        "pciRequests": [{
            "name": "net", "count": 2, "vendorID": "8086", "productID": "1520", "type": "VF",
            "tags": {"physical_network": "net1"}, "numaPolicy": "Required",
        }],
        "mdevRequests": [{"type": "nvidia-222", "count": 2}], **changed,
    }  # fmt: skip


def ledger(generation: int = 1, **changed: Any) -> Object:
    return {
        "generation": generation,
        "observedReportGeneration": 1,
        "observedGeneration": 1,
        "claims": [claim()],
        "allocatable": amounts(64, 65024, 1048576),
        "allocated": amounts(),
        "free": amounts(63, 64000, 1038336),
        "instances": 1,
        "orphans": {"count": 0, "resources": amounts(0, 0, 0)},
        "states": {
            "running": 1, "blocked": 1, "paused": 1, "shuttingDown": 1, "shutoff": 1, "crashed": 1, "suspended": 1,
            "unknown": 1, "notListed": 1,
        },
        "workload": {"starting": 1, "incoming": 1, "reserved": 1, "leaving": 1},
        "freeCells": [
            {"id": 0, "memoryMiB": 63000, "sharedVCPUs": 1, "cpus": "5-7", "pages": [{"sizeKiB": 2048, "free": 448}]}
        ],
        "freeDevices": [
            {"vendorID": "8086", "productID": "1520", "type": "VF", "free": 1, "numaCell": 0, "tags": {"a": "b"}}
        ],
        "freeMdevs": [{"parentAddress": "0000:65:00.0", "type": "nvidia-222", "free": 14}],
        **changed,
    }  # fmt: skip


def _whole(kind: str, name: str, spec: Object, status: Object) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
        "status": status,
    }


def compute_node(name: str) -> Object:
    spec = {
        "hypervisorHostname": "hv1.example.org", "hostUUID": HOST_UUID, "nodeName": "node-1",
        "schedulable": "Disabled", "maintenance": {"mode": "Drain", "reason": "a new disk"},
        "reserved": shared(0, 512, 0), "allocationRatios": shared(4000, 1000, 1000),
        "guestOverhead": {"memoryMiB": 64},
    }  # fmt: skip
    return _whole(
        "ComputeNode", name, spec, {"report": report(), "ledger": ledger(), "conditions": [condition("Ready")]}
    )


def sizes(**changed: int) -> Object:
    return {
        "vcpus": 2, "memoryMiB": 2048, "rootDiskMiB": 10240, "ephemeralDiskMiB": 0, "swapMiB": 512, **changed,
    }  # fmt: skip


def move() -> Object:
    return {
        "type": "Resize", "phase": "Accepted", "source": "node-1", "target": "node-2",
        "oldResources": amounts(), "newResources": amounts(2), "migrationUID": uuid(2000), "migrationName": "grow",
        "oldPlacement": placement(), "newPlacement": placement(),
    }  # fmt: skip


def instance(name: str) -> Object:
    status = {
        "computeNodeName": "node-1", "resources": amounts(), "placement": placement(), "move": move(),
        "refusedComputeNodeName": "node-3",
        "powerState": "Running", "conditions": [condition("Claimed")],
    }  # fmt: skip
    spec = {"uuid": uuid(1), "resources": sizes(), "placement": sized_placement(), "computeNodeName": "node-1"}
    return _whole("Instance", name, spec, status)


def sized_placement() -> Object:
    """Of cells that add up to `sizes`."""
    return placement(cells=[{"vcpus": 2, "memoryMiB": 2048}])


def migration(name: str) -> Object:
    spec = {
        "instanceName": "guest-1", "type": "Resize", "targetComputeNodeName": "node-2", "resources": sizes(),
        "placement": sized_placement(), "outcome": "Confirmed",
    }  # fmt: skip
    status = {"uuid": uuid(1), "source": "node-1", "target": "node-2", "conditions": [condition("Claimed")]}
    return _whole("Migration", name, spec, status)
