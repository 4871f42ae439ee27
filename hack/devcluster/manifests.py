"""Applying manifests, and waiting until the kinds that they define can be used."""

import json
import subprocess
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from devcluster.apiserver import Client
from devcluster.errors import ClusterError
from devcluster.waiting import wait_until

#: Seconds for one kubectl call.
KUBECTL_DEADLINE = 60.0

#: Seconds for a definition to be accepted and served; it takes a few tenths.
ESTABLISHED_DEADLINE = 30.0

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def run_kubectl(program: Path, kubeconfig: Path, arguments: Iterable[str | Path], *, stdin: str | None = None) -> str:
    """What kubectl printed; ClusterError with what it complained about."""
    shown = " ".join(["kubectl", *map(str, arguments)])
    # kubectl keeps what a server serves by the server's address, and our addresses come again for other clusters.
    options = [f"--kubeconfig={kubeconfig}", f"--cache-dir={kubeconfig.parent / 'cache'}"]
    command = [str(program), *options, *map(str, arguments)]
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=KUBECTL_DEADLINE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{shown} did not end within {KUBECTL_DEADLINE:g} s") from error
    if done.returncode:
        raise ClusterError(f"{shown} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def wait_until_served(client: Client, applied: Iterable[str]) -> None:
    """Wait for the definitions among these `kind/name` lines: Established, and each served version answering a list.

    Established alone comes slightly before the first request to the new path succeeds. A list with a limit would be
    answered from etcd before the server's cache of the kind is ready, and a definition that is deleted by then may stay
    for five minutes. To let it go the server lists the kind itself, fails ("storage is (re)initializing"), and tries
    again 5 ms later. Where it has not yet seen its own last write by then it meets a conflict, and waits to be called
    for a change that is only that write, for which it does not call (crd_finalizer.go of Kubernetes 1.36): nothing
    happens until it looks at all of them again.
    """
    for line in applied:
        kind, _, name = line.partition("/")
        if kind == "customresourcedefinition.apiextensions.k8s.io":
            _wait_for_definition(client, name)


def _wait_for_definition(client: Client, name: str) -> None:
    wait_until(lambda: _established(client, name), seconds=ESTABLISHED_DEADLINE, what=f"{name} to be Established")
    for path in _paths(_definition(client, name)):
        wait_until(partial(client.serves, path), seconds=ESTABLISHED_DEADLINE, what=f"{path} to be served")


def _established(client: Client, name: str) -> bool:
    conditions = _definition(client, name).get("status", {}).get("conditions") or []
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)


def _definition(client: Client, name: str) -> dict[str, Any]:
    status, body = client.get(f"{_DEFINITIONS}/{name}")
    found: dict[str, Any] = json.loads(body) if status == HTTPStatus.OK else {}
    return found


def _paths(definition: dict[str, Any]) -> list[str]:
    spec = definition.get("spec", {"versions": ()})  # somebody deleted it meanwhile
    served = [version["name"] for version in spec["versions"] if version["served"]]
    return [f"/apis/{spec['group']}/{version}/{spec['names']['plural']}" for version in served]
