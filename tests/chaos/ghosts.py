"""Records of hosts whose agent and Kubernetes node are gone: some may be deleted, others have something that stands."""

from typing import TYPE_CHECKING

from .client import Object

if TYPE_CHECKING:
    from .workload import Workload

PREFIX = "ghost-"
KEEP = "compute.hypertally.dev/keep"
MOST = 3
_NOW = "2026-11-22T15:00:00Z"
_SIZE = {"vcpus": 1, "pcpus": 0, "memoryMiB": 64, "diskMiB": 0}


class Ghosts:
    def __init__(self, workload: "Workload") -> None:
        self._workload = workload
        self._count = 0

    def appear(self) -> bool:
        """With nothing, with an orphan in its last report, with a word that keeps it, or with an Instance."""
        work = self._workload
        there = [node for node in work.items("computenodes") if node["metadata"]["name"].startswith(PREFIX)]
        if len(there) >= MOST:
            return False
        self._count += 1
        name, what = f"{PREFIX}{self._count}", work.dice.choice(["", "", "orphan", "word", "instance"])
        if not work.api.create("computenodes", _record(name, work.fresh_uuid(), kept=what == "word")).ok:
            return False
        guests = [{"uuid": work.fresh_uuid(), "name": "orphan", "state": "Running", **_SIZE}] * (what == "orphan")
        reported = work.api.apply_status("computenodes", name, _status(name, guests)).ok
        if what == "instance":
            work.create(f"on-{name}", _bound(work.fresh_uuid(), name))
        return reported

    def let_go(self) -> bool:
        """What keeps one of them goes."""
        work = self._workload
        kept = [n for n in work.items("computenodes") if n["metadata"]["name"].startswith(PREFIX)]
        if not kept:
            return False
        node = work.dice.choice(kept)
        name = node["metadata"]["name"]
        if work.api.delete("instances", f"on-{name}").ok:
            return True
        if KEEP in node["metadata"].get("annotations", {}):
            return work.api.merge("computenodes", name, {"metadata": {"annotations": {KEEP: None}}}).ok
        if node.get("status", {}).get("report", {}).get("guests"):
            generation = node["status"]["report"]["generation"] + 1
            return work.api.apply_status("computenodes", name, _status(name, [], generation)).ok
        return False


def _record(name: str, host_uuid: str, *, kept: bool) -> Object:
    return {
        "apiVersion": "compute.hypertally.dev/v1alpha1",
        "kind": "ComputeNode",
        "metadata": {"name": name, **({"annotations": {KEEP: "true"}} if kept else {})},
        "spec": {"hypervisorHostname": name, "hostUUID": host_uuid, "nodeName": name},
    }


def _status(name: str, guests: list[Object], generation: int = 1) -> Object:
    conditions = [
        {"type": type_, "status": "True", "reason": "AsExpected", "message": "", "lastTransitionTime": _NOW}
        for type_ in ("LibvirtConnected", "InventoryComplete", "HypervisorServed")
    ]
    report = {
        "generation": generation,
        "hypervisor": {"type": "QEMU", "version": "7.2.0", "libvirtVersion": "9.0.0"},
        "capacity": {"vcpus": 4, "pcpus": 0, "memoryMiB": 4096, "diskMiB": 0},
        "guests": guests,
    }
    return {
        "apiVersion": "compute.hypertally.dev/v1alpha1", "kind": "ComputeNode", "metadata": {"name": name},
        "status": {"report": report, "conditions": conditions},
    }  # fmt: skip


def _bound(uuid: str, node: str) -> Object:
    return {"uuid": uuid, "computeNodeName": node, "resources": {"vcpus": 1, "memoryMiB": 64}}
