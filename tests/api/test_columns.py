"""What `kubectl get` shows: which host is healthy, how full, since when; where a guest is, and why it is not ready."""

from datetime import UTC, datetime, timedelta

from devcluster import Cluster
from tests.support import samples
from tests.support.api_server import Kind


def row(cluster: Cluster, *arguments: str) -> dict[str, str]:
    """The one row that kubectl prints, by column; no value here has two spaces in it."""
    head, line = cluster.kubectl("get", *arguments).rstrip("\n").split("\n")
    starts = [index for index in range(len(head)) if head[index] != " " and (index == 0 or head[index - 1] == " ")]
    ends = [*starts[1:], max(len(head), len(line))]
    return {head[a:b].strip(): line[a:b].strip() for a, b in zip(starts, ends, strict=True)}


def test_a_host_shows_whether_it_is_ready_since_when_and_how_full(
    cluster: Cluster, compute_nodes: Kind, node: str
) -> None:
    since = (datetime.now(UTC) - timedelta(minutes=90, seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = samples.condition("Ready", "False", reason="LibvirtDown", lastTransitionTime=since)
    status = {"report": samples.report(), "ledger": samples.ledger(), "conditions": [ready]}
    compute_nodes.merge_status(node, {"status": status})
    found = row(cluster, "cn", node)
    assert found.pop("AGE")
    assert found == {
        "NAME": node, "READY": "False", "SINCE": "90m", "SCHEDULABLE": "Disabled",
        "MAINTENANCE": "Drain", "INSTANCES": "1", "ORPHANS": "0", "VCPUS": "1",
        "VCPUS-FREE": "63", "MEMORY-MIB": "1024", "MEMORY-FREE": "64000", "DISK-FREE": "1038336",
    }  # fmt: skip
    wide = row(cluster, "cn", node, "-o", "wide")
    assert {key: wide[key] for key in wide.keys() - found.keys() - {"AGE"}} == {
        "PCPUS": "0", "PCPUS-FREE": "0", "DISK-MIB": "10240", "DISK-LEAST": "-2048",
        "NODE": "node-1", "HYPERVISOR": "QEMU", "VERSION": "7.2.0", "IP": "192.0.2.7",
        "REASON": "LibvirtDown",
    }  # fmt: skip


def test_a_host_that_nobody_has_accounted_yet_shows_no_zeros(cluster: Cluster, node: str) -> None:
    found = row(cluster, "cn", node)
    assert {found[key] for key in found.keys() - {"NAME", "AGE", "SCHEDULABLE", "MAINTENANCE"}} <= {"", "<none>"}


def test_an_instance_shows_where_it_is_and_why_it_is_not_ready(
    cluster: Cluster, instances: Kind, instance: str
) -> None:
    status = samples.instance(instance)["status"]
    status["conditions"] = [
        samples.condition("Claimed", reason="Overcommitted"),
        samples.condition("Placed", "False", reason="NotSeen"),
        samples.condition("Ready", "False", reason="NotSeen", message="No host reports a guest with this uuid."),
    ]
    instances.merge_status(instance, {"status": status})
    found = row(cluster, "inst", instance)
    assert found.pop("AGE")
    assert found == {
        "NAME": instance, "NODE": "node-1", "CLAIMED": "True", "PLACED": "False", "READY": "False",
        "POWER": "Running", "VCPUS": "2", "MEMORY-MIB": "2048", "REASON": "NotSeen",
    }  # fmt: skip
    wide = row(cluster, "inst", instance, "-o", "wide")
    assert {key: wide[key] for key in wide.keys() - found.keys() - {"AGE"}} == {
        "BOUND-TO": "node-1", "MOVE": "Accepted", "MOVE-TO": "node-2", "UUID": samples.uuid(1),
        "CLAIM": "Overcommitted", "MESSAGE": "No host reports a guest with this uuid.",
    }  # fmt: skip


def test_a_migration_shows_how_far_it_is_and_what_it_waits_for(
    cluster: Cluster, migrations: Kind, migration: str
) -> None:
    conditions = [
        samples.condition("Claimed", "False", reason="NoRoom", message="node-2 does not hold a place for it."),
        samples.condition("Completed", "False", reason="InProgress"),
    ]
    status = {"uuid": samples.uuid(1), "source": "node-1", "target": "node-2", "conditions": conditions}
    migrations.merge_status(migration, {"status": status})
    found = row(cluster, "mig", migration, "-o", "wide")
    assert found.pop("AGE")
    assert found.pop("OUTCOME") in ("", "<none>")
    assert found == {
        "NAME": migration, "INSTANCE": "guest-1", "TYPE": "Live", "SOURCE": "node-1", "TARGET": "node-2",
        "CLAIMED": "False", "COMPLETED": "False", "REASON": "NoRoom", "UUID": samples.uuid(1),
        "MESSAGE": "node-2 does not hold a place for it.",
    }  # fmt: skip


def test_one_category_lists_all_three_kinds(cluster: Cluster, node: str, instance: str, migration: str) -> None:
    listed = cluster.kubectl("get", "compute", "-o", "name").split()
    assert {
        f"computenode.compute.hypertally.dev/{node}",
        f"instance.compute.hypertally.dev/{instance}",
        f"migration.compute.hypertally.dev/{migration}",
    } <= set(listed)


def test_explain_says_what_a_field_means_its_unit_and_who_writes_it(cluster: Cluster) -> None:
    text = " ".join(cluster.kubectl("explain", "cn.status.ledger.free.memoryMiB").split())
    assert "Memory left. Unit: MiB. Written by the controller." in text
