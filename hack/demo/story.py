"""What the demo shows: a host with its guests, an Instance that fits and one that does not, and why."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from devcluster import Cluster, Console, DeadlineError, wait_until

from .hosts import NODE, TEST_URI, DemoHost

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FITS, TOO_BIG = "fits", "too-big"

_SECONDS = 30.0

Object = dict[str, Any]


def wait_for_nodes(cluster: Cluster, hosts: Sequence[DemoHost]) -> None:
    """Each host is reported and accounted. DeadlineError names the one that is not, and what its conditions say."""
    for host in hosts:
        try:
            wait_until(
                lambda name=host.compute_node: _is_accounted(cluster, name),  # type: ignore[misc]  # mypy#4226
                seconds=_SECONDS,
                what=f"ComputeNode {host.compute_node} of {host.uri}",
            )
        except DeadlineError as error:
            error.add_note(said(cluster, host.compute_node))
            raise


def create_instances(cluster: Cluster, hosts: Sequence[DemoHost], console: Console) -> None:
    """The manifests in examples/; on other hosts than libvirt's test driver the one that fits is small."""
    if any(host.uri == TEST_URI and host.compute_node == NODE for host in hosts):
        console.say("examples/compute-node-policy.yaml sets a memory ratio of 4.0 for the test driver's host,")
        console.say("where a guest runs that may grow beyond it")
        cluster.apply(EXAMPLES / "compute-node-policy.yaml", EXAMPLES / "instance-fits.yaml")
    else:
        cluster.apply_objects(_small(hosts[0].compute_node))
    big = _load("instance-too-big.yaml")
    big["spec"]["computeNodeName"] = hosts[0].compute_node
    big["spec"]["resources"]["memoryMiB"] = 2**30
    if hosts[0].uri == TEST_URI:
        big = _load("instance-too-big.yaml")
    cluster.apply_objects(big)


def wait_for_instances(cluster: Cluster) -> None:
    for name, reasons in ((FITS, ("Claimed",)), (TOO_BIG, ("InsufficientResources",))):
        wait_until(
            lambda name=name, reasons=reasons: claimed(cluster, name).get("reason") in reasons,  # type: ignore[misc]  # mypy#4226
            seconds=_SECONDS,
            what=f"Instance {name} to be {' or '.join(reasons)}",
        )


def claimed(cluster: Cluster, instance: str) -> Object:
    return _condition(_get(cluster, "instance", instance), "Claimed")


def messages(cluster: Cluster) -> list[str]:
    """What each Instance's `Claimed` says."""
    items = json.loads(cluster.kubectl("get", "instances", "-o", "json"))["items"]
    return [f"{item['metadata']['name']}: {_condition(item, 'Claimed').get('message', '')}" for item in items]


def said(cluster: Cluster, node: str) -> str:
    """What the conditions of a ComputeNode say."""
    conditions = _get(cluster, "computenode", node).get("status", {}).get("conditions", [])
    lines = [f"{c['type']}={c['status']} {c['reason']}: {c['message']}" for c in conditions]
    return "\n".join(lines) or f"nobody has reported on {node}"


def _is_accounted(cluster: Cluster, node: str) -> bool:
    found = _get(cluster, "computenode", node)
    ready = _condition(found, "Ready").get("status") == "True"
    return ready and "ledger" in found.get("status", {})


def _small(node: str) -> Object:
    body = _load("instance-fits.yaml")
    body["spec"] |= {
        "uuid": "0d4ec1a6-38a5-4a8e-9a3f-0f3a6e1d7c11",
        "resources": {"vcpus": 1, "memoryMiB": 16},
        "computeNodeName": node,
    }
    return body


def _load(name: str) -> Object:
    body: Object = yaml.safe_load((EXAMPLES / name).read_text())
    return body


def _get(cluster: Cluster, kind: str, name: str) -> Object:
    found = cluster.kubectl("get", kind, name, "--ignore-not-found", "-o", "json")
    body: Object = json.loads(found) if found.strip() else {}
    return body


def _condition(obj: Object, type_: str) -> Object:
    return next((c for c in obj.get("status", {}).get("conditions", []) if c["type"] == type_), {})
