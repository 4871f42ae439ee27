"""What a newer version wrote survives the writes of this one, which decides on copies without it."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import yaml

from devcluster import CONTROLLER, Cluster
from tests.conftest import CRDS
from tests.support.fleet import Fleet, Host, controller
from tests.support.samples import Object

CLAIMS = 3


@pytest.fixture
def newer(lone_cluster: Cluster) -> Iterator[Fleet]:
    for plural, path in (("computenodes", ("status", "ledger")), ("instances", ("status",))):
        lone_cluster.apply_objects(_with_key(yaml.safe_load((CRDS / f"{plural}.yaml").read_text()), path))
    yield Fleet(lone_cluster)
    lone_cluster.apply(CRDS)


def test_they_survive_a_claim_that_is_decided_on_copies(newer: Fleet, tmp_path: Path) -> None:
    host = newer.host()
    with _controller(newer, tmp_path):
        host.wait_settled()
    name = newer.instance(host.name)
    _put(newer, "computenode", host.name, lambda: {"ledger": {"newer": "kept", **_successor(host)}})
    _put(newer, "instance", name, lambda: {"newer": "kept"})
    with _controller(newer, tmp_path):
        newer.wait_for_home(name, host.name)
        assert host.ledger["newer"] == "kept"
        assert newer.instances.get(name)["status"]["newer"] == "kept"
        position = newer.cluster.audit_log.position()
        for _ in range(CLAIMS):
            newer.wait_for_home(newer.instance(host.name, memoryMiB=16), host.name)
        assert host.ledger["newer"] == "kept"
    writes = newer.cluster.audit_log.writes(since=position, user=CONTROLLER, resource="computenodes")
    assert 200 in {write.code for write in writes}
    assert 422 not in {write.code for write in writes}, "it is known by now that the copy is not whole"


def _with_key(crd: Object, path: tuple[str, ...]) -> Object:
    (version,) = crd["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    for key in path:
        schema = schema["properties"][key]
    schema["properties"]["newer"] = {"type": "string"}
    return crd


def _successor(host: Host) -> Object:
    """What the definition demands of whoever writes a ledger."""
    return {"generation": host.ledger["generation"] + 1}


def _put(fleet: Fleet, kind: str, name: str, status: Callable[[], Object]) -> None:
    """Until the server has learnt the new definition: it drops what it does not know."""
    patch = ("patch", kind, name, "--subresource=status", "--type=merge", "-o", "json", "-p")

    def is_kept() -> bool:
        return '"newer"' in fleet.cluster.kubectl(*patch, json.dumps({"status": status()}))

    fleet.until(is_kept, f"{name} to take a newer version's key")


def _controller(fleet: Fleet, place: Path) -> AbstractContextManager[object]:
    return controller(fleet.cluster.kubeconfig_for(CONTROLLER.key), place / "log")
