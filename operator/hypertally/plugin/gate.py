"""`cordon`, `uncordon`, `maintenance`: the operator's word on a host, in the two fields that no program writes."""

from typing import Any

from hypertally.api.base import to_wire
from hypertally.api.bounds import MAINTENANCE_REASON_MAX
from hypertally.api.compute_node import ComputeNode, Maintenance, Schedulable
from hypertally.api.decode import decode
from hypertally.kube.kinds import COMPUTE_NODE, Ref

from .cluster import Cluster

Operations = list[dict[str, Any]]


async def cordon(cluster: Cluster, name: str) -> str:
    """What was done, for a person. May raise any KubeError, and MalformedObject."""
    node = await _read(cluster, name)
    if node.spec.schedulable is Schedulable.DISABLED:
        return f"computenode/{name} already cordoned"
    await _write(cluster, node, [{"op": "add", "path": "/spec/schedulable", "value": Schedulable.DISABLED.value}])
    return f"computenode/{name} cordoned"


async def uncordon(cluster: Cluster, name: str) -> str:
    node = await _read(cluster, name)
    if node.spec.schedulable is Schedulable.ENABLED:
        return f"computenode/{name} already uncordoned{_still(node)}"
    await _write(cluster, node, [{"op": "add", "path": "/spec/schedulable", "value": Schedulable.ENABLED.value}])
    return f"computenode/{name} uncordoned{_still(node)}"


async def begin(cluster: Cluster, name: str, maintenance: Maintenance) -> str:
    node = await _read(cluster, name)
    if node.spec.maintenance == maintenance:
        return f"computenode/{name} already in maintenance ({maintenance.mode}: {maintenance.reason})"
    await _write(cluster, node, [{"op": "add", "path": "/spec/maintenance", "value": to_wire(maintenance)}])
    return f"computenode/{name} in maintenance ({maintenance.mode}: {maintenance.reason})"


async def end(cluster: Cluster, name: str) -> str:
    node = await _read(cluster, name)
    closed = f"; it is still cordoned: kubectl hypertally uncordon {name}" if _is_closed(node) else ""
    if node.spec.maintenance is None:
        return f"computenode/{name} already out of maintenance{closed}"
    await _write(cluster, node, [{"op": "remove", "path": "/spec/maintenance"}])
    return f"computenode/{name} out of maintenance{closed}"


def problem(reason: str) -> str:
    """Why a reason cannot be stored; empty if it can."""
    if not 1 <= len(reason) <= MAINTENANCE_REASON_MAX:
        return f"{len(reason)} characters; allowed are 1 to {MAINTENANCE_REASON_MAX}"
    return ""


def _is_closed(node: ComputeNode) -> bool:
    return node.spec.schedulable is Schedulable.DISABLED


def _still(node: ComputeNode) -> str:
    name, maintenance = node.metadata.name, node.spec.maintenance
    if maintenance is None:
        return ""
    return f"; it is still in maintenance ({maintenance.mode}): kubectl hypertally maintenance {name} --end"


async def _read(cluster: Cluster, name: str) -> ComputeNode:
    return decode(await cluster.client.get(Ref(COMPUTE_NODE, name)), ComputeNode)


async def _write(cluster: Cluster, node: ComputeNode, operations: Operations) -> None:
    """Of that very object: one that was made anew in the meantime is another host's."""
    same = {"op": "test", "path": "/metadata/uid", "value": node.metadata.uid}
    await cluster.client.patch(Ref(COMPUTE_NODE, node.metadata.name), [same, *operations])
