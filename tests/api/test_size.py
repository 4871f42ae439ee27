"""The largest objects that the schemas admit: small enough for etcd, and still changeable."""

import pytest

from tests.support import samples
from tests.support.api_server import Kind
from tests.support.samples import Object
from tests.support.schemas import largest, schema

MIB = 1 << 20

NAME = (("z" * 62 + ".") * 9)[:252] + "z"
"""The longest that an object may have."""


def largest_object(plural: str, sample: Object) -> Object:
    properties = schema(plural)["properties"]
    body = {**sample, "spec": largest(properties["spec"]), "status": largest(properties["status"])}
    body["metadata"] = {"name": NAME if plural != "instances" else "z" * 63}
    if placement := body["spec"].get("placement"):
        _add_up(placement["cells"], body["spec"]["resources"])
    return body


def _add_up(cells: list[Object], resources: Object) -> None:
    """The cells of a guest are as large as the guest."""
    for cell in cells:
        cell |= {"vcpus": 10000, "memoryMiB": resources["memoryMiB"] // len(cells)}
    resources |= {key: sum(cell[key] for cell in cells) for key in cells[0]}


def test_the_largest_compute_node_stays_under_one_mebibyte_and_can_still_be_replaced(compute_nodes: Kind) -> None:
    body = largest_object("computenodes", samples.compute_node(NAME))
    status = body["status"]
    status["report"]["generation"] = status["ledger"]["generation"] = 2**53 - 2
    created = compute_nodes.create(body).object
    try:
        written = compute_nodes.replace_status({**body, "metadata": created["metadata"]})
        assert written.object["status"] == status
        assert MIB / 2 < written.size < MIB, f"{written.size} bytes with managedFields"
        status["report"]["generation"] = status["ledger"]["generation"] = 2**53 - 1
        status["report"]["guests"][-1]["state"] = "Paused"
        status["ledger"]["claims"][-1]["overcommitted"] = True
        again = compute_nodes.replace_status({**body, "metadata": written.body["metadata"]})
        assert again.object["status"] == status
        status["conditions"][-1]["message"] = "what is compared field by field: all the rest"
        compared = compute_nodes.replace_status({**body, "metadata": again.body["metadata"]})
        assert compared.object["status"] == status
    finally:
        compute_nodes.delete(NAME)


@pytest.mark.parametrize("plural", ["instances", "migrations"])
def test_the_largest_of_the_other_kinds_are_far_from_it(kinds: dict[str, Kind], plural: str) -> None:
    kind = kinds[plural]
    sample = samples.instance(NAME) if plural == "instances" else samples.migration(NAME)
    body = largest_object(plural, sample)
    if plural == "migrations":
        body["spec"]["type"] = "Resize"  # the only type that has a new size
    _make_valid(body["spec"]["placement"])
    created = kind.create(body).object
    try:
        written = kind.replace_status({**body, "metadata": created["metadata"]})
        assert written.object["status"] == body["status"]
        assert written.size < MIB / 4
    finally:
        kind.delete(created["metadata"]["name"])


def _make_valid(placement: Object) -> None:
    """The longest values of its enumerations, such as go together."""
    placement |= {"cpuPolicy": "Dedicated", "pageSize": "Explicit"}
    for request in placement["pciRequests"]:
        request["count"] = 4


def test_a_usual_host_fits_its_budget(compute_nodes: Kind, node: str) -> None:
    """40 guests, 40 claims, all conditions, both writers in managedFields: at most 24 KiB."""
    guests = [samples.guest(number) for number in range(1, 41)]
    claims = [_usual_claim(number) for number in range(1, 41)]
    conditions = [samples.condition(f"{name}{number}", message="m" * 60) for number in (1, 2) for name in "AB"]
    body = samples.compute_node(node)
    del body["spec"]
    compute_nodes.apply_status({**body, "status": {"report": samples.report(guests=guests)}}, "hypertally-agent")
    compute_nodes.apply_status({**body, "status": {"ledger": samples.ledger(claims=claims)}}, "hypertally-controller")
    answer = compute_nodes.merge_status(node, {"status": {"conditions": conditions}})
    assert len(answer.object["status"]["ledger"]["claims"]) == len(answer.object["status"]["report"]["guests"]) == 40
    assert answer.size < 24 * 1024, f"{answer.size} bytes"


def _usual_claim(number: int) -> Object:
    claim = samples.claim(number)
    return {key: claim[key] for key in ("uuid", "role", "namespace", "name", "instanceUID", "resources")}
