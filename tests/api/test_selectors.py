"""Objects found at the API server by a field, not by reading them all."""

from tests.support import samples
from tests.support.api_server import Kind


def test_the_hosts_of_one_kubernetes_node_are_found(compute_nodes: Kind) -> None:
    mine, other = samples.fresh_name("api-select"), samples.fresh_name("api-select")
    for name, node_name in ((mine, f"node-of-{mine}"), (other, f"node-of-{other}")):
        body = samples.compute_node(name)
        body["spec"]["nodeName"] = node_name
        compute_nodes.create(body).check()
    assert compute_nodes.select(f"spec.nodeName=node-of-{mine}") == {mine}
    for name in (mine, other):
        compute_nodes.delete(name)


def test_instances_are_found_by_where_they_were_bound_and_by_where_they_are_now(instances: Kind, instance: str) -> None:
    home = f"home-of-{instance}"
    assert instance in instances.select("spec.computeNodeName=node-1")
    assert instances.select(f"status.computeNodeName={home}") == set()
    instances.merge_status(instance, {"status": {"computeNodeName": home}}).check()
    assert instances.select(f"status.computeNodeName={home}") == {instance}
    assert instances.select(f"status.computeNodeName={home},spec.computeNodeName=node-9") == set()


def test_instances_without_a_home_are_found_by_the_empty_name(instances: Kind, instance: str) -> None:
    assert instance in instances.select("status.computeNodeName=")
    assert instance not in instances.select("status.computeNodeName!=")
    instances.merge_status(instance, {"status": {"computeNodeName": "node-1"}}).check()
    assert instance not in instances.select("status.computeNodeName=")


def test_migrations_are_found_by_their_instance_and_by_their_target(migrations: Kind, migration: str) -> None:
    assert migration in migrations.select("spec.instanceName=guest-1")
    assert migration in migrations.select("spec.targetComputeNodeName=node-2")
    assert migration not in migrations.select("spec.targetComputeNodeName=node-1")
