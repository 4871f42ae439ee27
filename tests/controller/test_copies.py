"""What the watch brought is decided on; it is written only where the API server holds the very same."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from devcluster import CONTROLLER
from hypertally.controller.copies import Copies
from hypertally.kube.errors import Conflict, Invalid, KubeError, NotFound, ServerError
from tests.conftest import CRDS
from tests.support.fleet import Fleet, Host
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


def test_no_text_of_a_ledger_has_a_character_that_the_server_writes_in_another_way() -> None:
    """The whole of it is tested as text: Go writes `<` as `\\u003c`, and the same would not be equal."""
    (version,) = yaml.safe_load((CRDS / "computenodes.yaml").read_text())["spec"]["versions"]
    ledger = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["ledger"]
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
