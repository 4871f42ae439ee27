"""Pretended hosts: the kit plays their agents, the real controller keeps their ledgers."""

import json
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Self
from uuid import uuid4

from hypertally.api.names import AGENT_MANAGER, API_VERSION, AUDITS_ANNOTATION, HOSTS_ANNOTATION
from hypertally.kube.errors import KubeError

from .api import LEASES_PATH, NODES_PATH, Api, ApiError, Object

_RENEW_SECONDS = 1.0
_LASTS_SECONDS = 40


@dataclass
class Host:
    """One ComputeNode. What is given away is exactly its capacity: no reserve, no ratio above one."""

    api: Api
    name: str
    vcpus: int = 2
    memory_mib: int = 65536
    disk_mib: int = 65536
    host_uuid: str = field(default_factory=lambda: str(uuid4()))
    uid: str = ""
    audit: int = 0
    is_alive: bool = True
    """Its agent renews the Lease."""

    @property
    def path(self) -> str:
        return f"{NODES_PATH}/{self.name}"

    def create(self, **spec: object) -> None:
        """The record alone; `spec` is the operator's part of it."""
        identity = {"hypervisorHostname": self.name, "hostUUID": self.host_uuid, "nodeName": self.name}
        given = {"reserved": {"memoryMiB": 0}, "allocationRatios": {"vcpus": 1000}}
        made = self.api.create(NODES_PATH, _node(self.name, spec={**identity, **given, **spec}))
        self.uid = made["metadata"]["uid"]

    def report(self, *, connected: bool = True, with_capacity: bool = True) -> None:
        """What its agent would write after the first audit."""
        capacity = {"vcpus": self.vcpus, "pcpus": 0, "memoryMiB": self.memory_mib, "diskMiB": self.disk_mib}
        report = {
            "generation": 1,
            "hypervisor": {"type": "QEMU", "version": "7.2.0", "libvirtVersion": "9.0.0"},
            **({"capacity": capacity} if with_capacity else {}),
            "guests": [],
        }
        said = {"LibvirtConnected": connected, "InventoryComplete": with_capacity, "HypervisorServed": True}
        conditions = [_condition(type_, holds=holds) for type_, holds in said.items()]
        body = _node(self.name, status={"report": report, "conditions": conditions})
        self.api.apply(f"{self.path}/status", body, AGENT_MANAGER)
        self.renew()

    def renew(self) -> None:
        """Its agent lives and has looked again."""
        self.audit += 1
        leased = {"uid": self.uid, "reportGeneration": 1, "audit": self.audit}
        found = {"hostUUID": self.host_uuid, "hypervisorHostname": self.name}
        annotations = {
            AUDITS_ANNOTATION: json.dumps({self.name: leased}),
            HOSTS_ANNOTATION: json.dumps({self.name: found}),
        }
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.name, "annotations": annotations},
            "spec": {"holderIdentity": "conformance", "leaseDurationSeconds": _LASTS_SECONDS},
        }
        self.api.apply(f"{LEASES_PATH}/{self.name}", lease, AGENT_MANAGER)

    def delete(self) -> None:
        self.is_alive = False
        self.api.delete(self.path)
        self.api.delete(f"{LEASES_PATH}/{self.name}")

    @property
    def object(self) -> Object:
        return self.api.get(self.path) or {}

    @property
    def ready(self) -> str:
        conditions = self.object.get("status", {}).get("conditions", [])
        return next((str(each["status"]) for each in conditions if each["type"] == "Ready"), "")

    @property
    def ledger(self) -> Object:
        return dict(self.object.get("status", {}).get("ledger", {}))


class Renewals:
    """Renews the Leases of all hosts that live, until the block ends."""

    def __init__(self) -> None:
        self._hosts: list[Host] = []
        self._lock = Lock()
        self._ended = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def add(self, host: Host) -> None:
        with self._lock:
            self._hosts.append(host)

    def forget(self) -> list[Host]:
        """All that were added; they are renewed no longer."""
        with self._lock:
            hosts, self._hosts = self._hosts, []
        return hosts

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_RENEW_SECONDS):
            with self._lock:
                for host in self._hosts:
                    self._renew(host)

    @staticmethod
    def _renew(host: Host) -> None:
        """A renewal that fails is one that comes late: the next is tried all the same."""
        try:
            if host.is_alive:
                host.renew()
        except (ApiError, KubeError):
            return


def _node(name: str, **parts: object) -> Object:
    return {"apiVersion": API_VERSION, "kind": "ComputeNode", "metadata": {"name": name}, **parts}


def _condition(type_: str, *, holds: bool) -> Object:
    return {
        "type": type_, "status": str(holds), "reason": "Conformance", "message": "said by the conformance kit",
        "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1,
    }  # fmt: skip
