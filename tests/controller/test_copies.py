"""What the watch brought is decided on; it is written only where the API server holds the very same."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster import CONTROLLER, Cluster
from tests.conftest import CRDS
from tests.support.fleet import Fleet, Host, controller
from tests.support.samples import Object

CLAIMS = 5


def reads_for(fleet: Fleet, host: Host, position: int, name: str) -> list[str]:
    """What the controller asked of the two objects of one claim."""
    asked = fleet.cluster.audit_log.requests(since=position, user=CONTROLLER, verbs=["get"])
    return [request.resource for request in asked if request.name in (host.name, name)]


def test_a_claim_that_comes_alone_needs_no_read(fleet: Fleet) -> None:
    host = fleet.host()
    host.wait_settled()
    found = []
    for _ in range(CLAIMS):
        position = fleet.cluster.audit_log.position()
        name = fleet.instance(host.name, memoryMiB=16)
        fleet.wait_for_home(name, host.name)
        found.append(reads_for(fleet, host, position, name))
    # A machine that stands still for seconds makes what was written too old to be believed: not five times in a row.
    assert [] in found, found


class TestANewerVersionsKeys:
    """This version does not know them: its copies have none, so what it makes of a copy would lose them."""

    @pytest.fixture
    def newer(self, lone_cluster: Cluster) -> Iterator[Fleet]:
        for plural, path in (("computenodes", ("status", "ledger")), ("instances", ("status",))):
            lone_cluster.apply_objects(_with_key(yaml.safe_load((CRDS / f"{plural}.yaml").read_text()), path))
        yield Fleet(lone_cluster)
        lone_cluster.apply(CRDS)

    def test_they_survive_a_claim_that_is_decided_on_copies(self, newer: Fleet, tmp_path: Path) -> None:
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


def _with_key(crd: Object, path: tuple[str, ...]) -> Object:
    (version,) = crd["spec"]["versions"]
    schema: Any = version["schema"]["openAPIV3Schema"]
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


@contextmanager
def _controller(fleet: Fleet, place: Path) -> Iterator[None]:
    with controller(fleet.cluster.kubeconfig_for(CONTROLLER.key), place / "log"):
        yield
