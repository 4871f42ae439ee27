"""Two programs write one ComputeNode side by side by server-side apply."""

from tests.support import samples
from tests.support.api_server import Kind
from tests.support.samples import Object

AGENT, CONTROLLER = "hypertally-agent", "hypertally-controller"
IDENTITY = ("hypervisorHostname", "hostUUID", "nodeName")


def part(name: str, **status: object) -> Object:
    return {k: v for k, v in samples.compute_node(name).items() if k != "spec"} | {"status": status}


def types(node: Object) -> dict[str, str]:
    return {condition["type"]: condition["status"] for condition in node["status"]["conditions"]}


def test_each_writes_its_struct_and_its_conditions_and_the_others_stay(compute_nodes: Kind, node: str) -> None:
    connected, complete = samples.condition("LibvirtConnected"), samples.condition("InventoryComplete")
    ready = samples.condition("Ready")
    compute_nodes.apply_status(part(node, report=samples.report(1), conditions=[connected, complete]), AGENT)
    compute_nodes.apply_status(part(node, ledger=samples.ledger(1), conditions=[ready]), CONTROLLER)
    lost = samples.condition("LibvirtConnected", "False")
    compute_nodes.apply_status(part(node, report=samples.report(2), conditions=[lost, complete]), AGENT)
    found = compute_nodes.get(node)
    assert found["status"]["report"] == samples.report(2)
    assert found["status"]["ledger"] == samples.ledger(1)
    assert types(found) == {"LibvirtConnected": "False", "InventoryComplete": "True", "Ready": "True"}


def test_a_condition_that_its_writer_stops_applying_goes_alone(compute_nodes: Kind, node: str) -> None:
    connected, complete = samples.condition("LibvirtConnected"), samples.condition("InventoryComplete")
    compute_nodes.apply_status(part(node, report=samples.report(1), conditions=[connected, complete]), AGENT)
    compute_nodes.apply_status(part(node, conditions=[samples.condition("Ready")]), CONTROLLER)
    compute_nodes.apply_status(part(node, report=samples.report(1), conditions=[connected]), AGENT)
    assert types(compute_nodes.get(node)) == {"LibvirtConnected": "True", "Ready": "True"}


def test_a_guest_and_an_optional_field_that_are_no_longer_reported_go(compute_nodes: Kind, node: str) -> None:
    """The struct is atomic: nothing of the last report is merged into the next."""
    compute_nodes.apply_status(part(node, report=samples.report(1)), AGENT)
    smaller = {key: value for key, value in samples.report(2, guests=[]).items() if key != "measured"}
    answer = compute_nodes.apply_status(part(node, report=smaller), AGENT)
    assert answer.object["status"]["report"] == smaller


def test_applying_the_same_again_writes_nothing(compute_nodes: Kind, node: str) -> None:
    body = part(node, report=samples.report(1), conditions=[samples.condition("LibvirtConnected")])
    first = compute_nodes.apply_status(body, AGENT).object
    again = compute_nodes.apply_status(body, AGENT).object
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_the_agent_creates_a_node_with_its_identity_and_leaves_the_operators_part_alone(
    compute_nodes: Kind, node: str
) -> None:
    whole = samples.compute_node(node)
    identity = {k: v for k, v in whole.items() if k != "status"} | {
        "spec": {key: whole["spec"][key] for key in IDENTITY}
    }
    assert compute_nodes.apply(identity, AGENT).object["spec"] == whole["spec"]
    created = compute_nodes.apply({**identity, "metadata": {"name": samples.fresh_name("api-applied")}}, AGENT).object
    assert created["spec"] == identity["spec"]
    compute_nodes.delete(created["metadata"]["name"])


def test_managed_fields_do_not_grow_with_guests_and_claims(compute_nodes: Kind, node: str) -> None:
    many = samples.report(1, guests=[samples.guest(number) for number in range(1, 101)])
    compute_nodes.apply_status(part(node, report=many), AGENT)
    answer = compute_nodes.apply_status(part(node, ledger=samples.ledger(1)), CONTROLLER).object
    assert len(str(answer["metadata"]["managedFields"])) < 2048
