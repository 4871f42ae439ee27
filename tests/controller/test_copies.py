"""What the watch brought is decided on; it is written only where the API server holds the very same."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster import CONTROLLER, Cluster
from hypertally.controller.copies import Copies
from hypertally.kube.errors import Conflict, Invalid, KubeError, NotFound, ServerError
from tests.conftest import CRDS
from tests.support.fleet import Fleet, Host, controller
from tests.support.samples import Object

CLAIMS = 5


def refused(error: KubeError, key: str = "n") -> Copies:
    copies = Copies()
    with pytest.raises(type(error)), copies.written(key):
        raise error
    return copies


@pytest.mark.parametrize("error", [Conflict("changed"), Invalid("a test failed"), NotFound("it is gone")])
def test_a_copy_whose_write_was_refused_is_not_decided_on_until_the_server_was_read(error: KubeError) -> None:
    copies = refused(error)
    assert not copies.may_be_so("n"), "and not before a read has succeeded"
    assert not copies.may_be_so("n")
    copies.was_read("n")
    assert copies.may_be_so("n")


def test_a_refusal_says_nothing_of_others() -> None:
    assert refused(Conflict("changed"), "other").may_be_so("n")


def test_a_server_that_is_away_says_nothing_about_what_it_holds() -> None:
    assert refused(ServerError("no answer")).may_be_so("n")


def test_what_was_written_was_so() -> None:
    copies = Copies()
    with copies.written("n"):
        pass
    assert copies.may_be_so("n")


def test_a_copy_that_lacks_something_is_read_each_time_until_it_does_not() -> None:
    copies = Copies()
    copies.was_read("n", is_whole=False)
    assert not copies.may_be_so("n")
    copies.was_read("n")
    assert copies.may_be_so("n")


def test_what_is_gone_is_forgotten_with_all_that_was_known_of_it() -> None:
    copies = refused(Conflict("changed"))
    copies.was_read("n", is_whole=False)
    copies.forget("n")
    assert copies.may_be_so("n")


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
    # A machine that stands still for seconds makes what was written too old to be believed: not time and again.
    assert found.count([]) > CLAIMS / 2, found


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
            position = newer.cluster.audit_log.position()
            for _ in range(CLAIMS):
                newer.wait_for_home(newer.instance(host.name, memoryMiB=16), host.name)
            assert host.ledger["newer"] == "kept"
        writes = newer.cluster.audit_log.writes(since=position, user=CONTROLLER, resource="computenodes")
        assert 200 in {write.code for write in writes}
        assert 422 not in {write.code for write in writes}, "it is known by now that the copy is not whole"


def test_no_text_of_a_ledger_has_a_character_that_the_server_writes_in_another_way() -> None:
    """The whole of it is tested as text: Go writes `<` as `\\u003c`, and the same would not be equal."""
    ledger = _schema(yaml.safe_load((CRDS / "computenodes.yaml").read_text()), ("status", "ledger"))
    loose = [path for path, text in _texts(ledger, "ledger") if not _is_plain(text)]
    assert loose == []


def _texts(schema: Any, path: str) -> Iterator[tuple[str, Object]]:
    if schema.get("type") == "string":
        yield path, schema
    for key, inner in schema.get("properties", {}).items():
        yield from _texts(inner, f"{path}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _texts(schema[key], f"{path}.{key}")


def _is_plain(text: Object) -> bool:
    """By a list of values, or a pattern that says which characters there may be."""
    said = "".join(text.get("enum", [])) or text.get("pattern", ".") if text.get("format") != "date-time" else ""
    return not re.search(r"[<>&\u2028\u2029]|\[\^|(?<!\\)\.(?![^\[]*\])", said)


def _schema(crd: Object, path: tuple[str, ...]) -> Any:
    (version,) = crd["spec"]["versions"]
    schema: Any = version["schema"]["openAPIV3Schema"]
    for key in path:
        schema = schema["properties"][key]
    return schema


def _with_key(crd: Object, path: tuple[str, ...]) -> Object:
    _schema(crd, path)["properties"]["newer"] = {"type": "string"}
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
