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
    return {"vcpus": vcpus, "memoryMiB": memory_mib, "diskMiB": disk_mib}


def condition(type_: str, status: str = "True", **changed: Any) -> Object:
    return {
        "type": type_, "status": status, "reason": "AsExpected", "message": "", "lastTransitionTime": NOW,
        "observedGeneration": 1, **changed,
    }  # fmt: skip


def guest(number: int = 1, **changed: Any) -> Object:
    return {"uuid": uuid(number), "name": f"guest-{number}", "state": "Running", **amounts(), **changed}


def report(generation: int = 1, **changed: Any) -> Object:
    return {
        "generation": generation,
        "hypervisor": {"type": "QEMU", "version": "7.2.0", "libvirtVersion": "9.0.0", "hostIP": "192.0.2.7"},
        "capacity": amounts(16, 65536, 1048576),
        "measured": amounts(2, 4096, 2048),
        "guests": [guest()],
        "guestsOmitted": 1,
        "omittedResources": amounts(),
        **changed,
    }


def claim(number: int = 1, role: str = "Running", **changed: Any) -> Object:
    return {
        "uuid": uuid(number), "role": role, "namespace": "default", "name": f"guest-{number}",
        "instanceUID": uuid(1000 + number), "resources": amounts(), "instanceGeneration": 1,
        "migrationUID": uuid(2000), "since": {"holder": "node-1_a1b2", "audit": 7}, "overcommitted": True, **changed,
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
        **changed,
    }


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
        "reserved": amounts(0, 512, 0), "allocationRatios": amounts(4000, 1000, 1000),
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
    }  # fmt: skip


def instance(name: str) -> Object:
    status = {
        "computeNodeName": "node-1", "resources": amounts(), "move": move(), "refusedComputeNodeName": "node-3",
        "powerState": "Running", "conditions": [condition("Claimed")],
    }  # fmt: skip
    return _whole("Instance", name, {"uuid": uuid(1), "resources": sizes(), "computeNodeName": "node-1"}, status)


def migration(name: str) -> Object:
    spec = {
        "instanceName": "guest-1", "type": "Resize", "targetComputeNodeName": "node-2", "resources": sizes(),
        "outcome": "Confirmed",
    }  # fmt: skip
    status = {"uuid": uuid(1), "source": "node-1", "target": "node-2", "conditions": [condition("Claimed")]}
    return _whole("Migration", name, spec, status)
