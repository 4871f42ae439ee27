"""Tokens as kubelets mount them: bound to a Pod on a node, so that the API server knows which node they are of."""

import json
from collections.abc import Callable
from typing import Any

Object = dict[str, Any]
Kubectl = Callable[..., str]

NAMESPACE = "hypertally-system"

#: Long enough for a demo that somebody leaves open; nothing renews it.
DURATION = "168h"


def objects(node: str, account: str) -> tuple[Object, Object]:
    """A node, and the account's Pod on it. No kubelet is needed: nobody runs the one or the other."""
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod_name(node, account), "namespace": NAMESPACE},
        "spec": {
            "nodeName": node,
            "serviceAccountName": account,
            "containers": [{"name": "main", "image": f"{account}.invalid/none"}],
        },
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}}, pod


def pod_name(node: str, account: str) -> str:
    return f"{account}-{node}"


def bound_token(kubectl: Kubectl, node: str, account: str) -> str:
    """A token of the account, bound to its Pod on that node; it ends with the Pod."""
    name, namespace = pod_name(node, account), f"--namespace={NAMESPACE}"
    uid = json.loads(kubectl("get", "pod", name, namespace, "-o", "json"))["metadata"]["uid"]
    bound = ("--bound-object-kind=Pod", f"--bound-object-name={name}", f"--bound-object-uid={uid}")
    return kubectl("create", "token", account, namespace, *bound, f"--duration={DURATION}").strip()
