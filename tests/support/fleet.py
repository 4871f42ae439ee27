"""Hosts as their agents would report them, and the users' side: for tests of what the controller makes of it."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from devcluster import Cluster, wait_until
from hypertally.api.names import AUDITS_ANNOTATION, HOSTS_ANNOTATION, LEASE_NAMESPACE
from tests.support import shipped
from tests.support.api_server import Kind, leases
from tests.support.samples import Object, amounts, condition, fresh_name

SECONDS = 60.0
"""Longer than anything here takes on a loaded machine, with the longest pause of a controller whose tries have failed
for a while; a wait ends as soon as its condition holds."""
ENDING_SECONDS = 20.0
"""A controller ends by itself 10 s after it was asked to, whatever still hangs."""


@dataclass
class Fleet:
    """The kinds of one cluster, with short ways to make objects and to wait for what becomes of them."""

    cluster: Cluster

    def __post_init__(self) -> None:
        self.nodes = Kind(self.cluster, "computenodes", namespaced=False)
        self.instances = Kind(self.cluster, "instances")
        self.migrations = Kind(self.cluster, "migrations")
        self.leases = leases(self.cluster)

    def host(self, prefix: str = "host", **capacity: int) -> "Host":
        made = Host(self, fresh_name(prefix), {**amounts(4, 8704, 1000), **capacity})
        made.create()
        return made

    def instance(self, node: str, *, uuid: str = "", name: str = "", **sizes: int) -> str:
        """Its name; 1 vcpu and 1 GiB unless told."""
        name = name or fresh_name("instance")
        spec: Object = {"uuid": uuid or str(uuid4()), "resources": {"vcpus": 1, "memoryMiB": 1024, **sizes}}
        if node:
            spec["computeNodeName"] = node
        assert self.instances.create(_object("Instance", name, spec)).object
        return name

    def migration(self, instance: str, type_: str, target: str, **more: Any) -> str:
        name = fresh_name("move")
        spec = {"instanceName": instance, "type": type_, "targetComputeNodeName": target, **more}
        assert self.migrations.create(_object("Migration", name, spec)).object
        return name

    def uuid_of(self, instance: str) -> str:
        return str(self.instances.get(instance)["spec"]["uuid"])

    def reason(self, instance: str, type_: str = "Claimed") -> str:
        return str(find_condition(self.instances.get(instance), type_).get("reason", ""))

    def wait_for_last_words(self, instances: Sequence[str], claimed: int) -> None:
        """So many have a claim and the others no room. Beside two controllers who is refused by the one may be claimed
        by the other at that moment, and is told later."""
        words = {"Claimed": claimed, "InsufficientResources": len(instances) - claimed}
        self.until(lambda: Counter(map(self.reason, instances)) == words, "a last word on each")

    def claimed(self, migration: str) -> tuple[str, str]:
        """Reason and message of its condition."""
        found = find_condition(self.migrations.get(migration), "Claimed")
        return found.get("reason", ""), found.get("message", "")

    def wait_for_reason(self, instance: str, reason: str, type_: str = "Claimed") -> Object:
        self.until(lambda: self.reason(instance, type_) == reason, f"{type_} {reason} of {instance}")
        return find_condition(self.instances.get(instance), type_)

    def wait_for_home(self, instance: str, node: str) -> None:
        self.until(
            lambda: self.instances.get(instance).get("status", {}).get("computeNodeName", "") == node,
            f"{instance} to be accounted on {node or 'no node'}",
        )

    @staticmethod
    def until(holds: Callable[[], bool], what: str) -> None:
        wait_until(holds, seconds=SECONDS, what=what)


@dataclass
class Host:
    """One ComputeNode whose agent is this test: it reports what it is told, and numbers its audits in its Lease."""

    fleet: Fleet
    name: str
    capacity: Object
    guests: dict[str, Object] = field(default_factory=dict)
    generation: int = 0
    audit: int = 0
    holder: str = "first"
    host_uuid: str = field(default_factory=lambda: str(uuid4()))
    hostname: str = ""
    """Its own name; as the node's unless told."""
    uid: str = ""
    """Of the record, so that its agent goes on renewing when the record is gone."""
    finds: str = ""
    """UUID of the host to which its agent's connection leads, if not this one's."""
    inventory: Object = field(default_factory=dict)
    """What its reports say beyond amounts and guests."""

    def create(self) -> None:
        self.register()
        self.report()

    def register(self) -> None:
        """The record, of which nothing is reported yet."""
        spec = {
            "hypervisorHostname": self.hostname or self.name, "hostUUID": self.host_uuid, "nodeName": self.name,
        }  # fmt: skip
        made = self.fleet.nodes.create(_object("ComputeNode", self.name, spec)).object
        self.uid = made["metadata"]["uid"]
        self.generation = 0

    def report(self, *, connected: str = "True", served: str = "True") -> None:
        """Publishes the present guests as the next report, and the audit in the Lease."""
        self.generation += 1
        content = {
            "generation": self.generation,
            "hypervisor": {"type": "QEMU", "version": "7.2.0", "libvirtVersion": "9.0.0"},
            "capacity": self.capacity,
            **self.inventory,
            "guests": [self.guests[uuid] for uuid in sorted(self.guests)],
        }
        conditions = [
            condition("LibvirtConnected", connected),
            condition("InventoryComplete"),
            condition("HypervisorServed", served),
        ]
        body = {"metadata": {"name": self.name}, "status": {"report": content, "conditions": conditions}}
        answer = self.fleet.nodes.apply_status(_object("ComputeNode", self.name, None) | body, "hypertally-agent")
        self.uid = answer.object["metadata"]["uid"]
        self.look()

    def begin_anew(self) -> None:
        """Its record is another one than it was, without a status: as its agent finds out."""
        self.generation = 0
        self.report()

    def look(self) -> None:
        """A whole audit that finds what the last report says: only the Lease tells of it."""
        self.audit += 1
        uid = self.uid or self.object["metadata"]["uid"]
        leased = {"uid": uid, "reportGeneration": self.generation, "audit": self.audit}
        found = {"hostUUID": self.finds or self.host_uuid, "hypervisorHostname": self.hostname or self.name}
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self.name,
                "namespace": LEASE_NAMESPACE,
                "annotations": {
                    AUDITS_ANNOTATION: json.dumps({self.name: leased}),
                    HOSTS_ANNOTATION: json.dumps({self.name: found}),
                },
            },
            "spec": {"holderIdentity": self.holder, "leaseDurationSeconds": 40},
        }
        self.fleet.leases.apply(lease, "hypertally-agent").check()

    def run(self, uuid: str, state: str = "Running", **sizes: int) -> None:
        size = {"vcpus": 1, "memoryMiB": 1024, "diskMiB": 0, **sizes}
        self.guests[uuid] = {"uuid": uuid, "name": f"guest-{uuid[:8]}", "state": state, **size}

    def lose(self, uuid: str) -> None:
        del self.guests[uuid]

    @property
    def object(self) -> Object:
        return self.fleet.nodes.get(self.name)

    @property
    def ledger(self) -> Object:
        found: Object = self.object.get("status", {}).get("ledger", {})
        return found

    def claims(self, uuid: str = "") -> list[tuple[str, str]]:
        """(uuid, role) of every claim, or of one guest's."""
        return [(c["uuid"], c["role"]) for c in self.ledger.get("claims", []) if uuid in ("", c["uuid"])]

    def roles(self, uuid: str) -> set[str]:
        return {role for _, role in self.claims(uuid)}

    def free(self) -> Object:
        return dict(self.ledger.get("free", {}))

    def ready(self) -> tuple[str, str]:
        found = find_condition(self.object, "Ready")
        return found.get("status", ""), found.get("reason", "")

    def is_settled(self) -> bool:
        """The ledger has seen the last report."""
        return bool(self.ledger.get("observedReportGeneration") == self.generation)

    def wait_settled(self) -> None:
        self.fleet.until(self.is_settled, f"the ledger of {self.name} to see report {self.generation}")

    def wait_roles(self, uuid: str, *roles: str) -> None:
        self.fleet.until(lambda: self.roles(uuid) == set(roles), f"{set(roles) or 'no claim'} of {uuid} on {self.name}")


def find_condition(obj: Object, type_: str) -> Object:
    conditions = obj.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == type_), {})


def _object(kind: str, name: str, spec: Object | None) -> Object:
    body: Object = {"apiVersion": "compute.hypertally.dev/v1alpha1", "kind": kind, "metadata": {"name": name}}
    return body if spec is None else {**body, "spec": spec}


@contextmanager
def controller(kubeconfig: Path, log: Path, *flags: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The real program, with the rights of its service account. It is stopped as Kubernetes would stop it."""
    command = [
        *shipped.command("hypertally.controller"), "--kubeconfig", str(kubeconfig),
        "--listen", "", "--log-format", "text", *flags,
    ]  # fmt: skip
    with log.open("ab") as file, subprocess.Popen(command, stderr=file) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
