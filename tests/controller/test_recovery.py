"""What may befall a cluster: restored backups, manifests applied anew, kinds that are replaced or deleted, a controller
that knows only what was. The real programs on a real API server come out of it without help.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from devcluster import CONTROLLER, Cluster
from tests.conftest import CRDS
from tests.controller.conftest import GRACE
from tests.support import shipped
from tests.support.faults import Fault, faulty_server
from tests.support.fleet import Fleet, Host, controller, find_condition
from tests.support.quiet import wait_until_quiet
from tests.support.samples import Object, amounts, fresh_name

MISSING = "the CRDs are not installed"
KINDS = ("computenodes", "instances", "migrations")
NODE = "hypervisor-1"
GUEST = "6695eb01-f6a4-8304-79aa-97f2502e193f"
"""The guest of libvirt's test driver. It has more memory than its host."""


@pytest.fixture
def alone(lone_cluster: Cluster) -> Fleet:
    """A fleet whose controllers the test starts itself."""
    return Fleet(lone_cluster)


def settled(fleet: Fleet, host: Host) -> str:
    """An Instance that is accounted on the host, where its guest runs."""
    uuid = str(uuid4())
    name = fleet.instance(host.name, uuid=uuid)
    fleet.wait_for_home(name, host.name)
    host.run(uuid)
    host.report()
    fleet.wait_for_reason(name, "Running", "Placed")
    return name


def follow(fleet: Fleet, name: str, *hosts: Host) -> None:
    """The agents go on looking until the Instance is accounted on the first host, and held by no other."""
    uuid = fleet.uuid_of(name)

    def followed() -> bool:
        for host in hosts:
            host.look()
        status = fleet.instances.get(name).get("status", {})
        alone = not any(host.roles(uuid) for host in hosts[1:])
        return status.get("computeNodeName") == hosts[0].name and "move" not in status and alone

    fleet.until(followed, f"{name} to be followed to {hosts[0].name}")


def moved(fleet: Fleet, name: str, source: Host, target: Host) -> str:
    """It was accounted on the source and is on the target now; answers with its Migration."""
    uuid = fleet.uuid_of(name)
    migration = fleet.migration(name, "Live", target.name)
    target.wait_roles(uuid, "Incoming")
    target.guests[uuid] = source.guests.pop(uuid)
    target.report()
    source.report()
    follow(fleet, name, target, source)
    return migration


class TestARestoredBackupWithoutStatus:
    """Backups of custom resources leave `status` out: it is a subresource, and a client cannot create it."""

    def test_every_guest_is_charged_again_where_it_runs_and_nothing_new_gets_its_room(
        self, fleet: Fleet, tmp_path: Path
    ) -> None:
        host = fleet.host(memoryMiB=512 + 4096)
        names = [settled(fleet, host) for _ in range(2)]
        defined = fleet.instance(host.name, memoryMiB=1024)
        fleet.wait_for_home(defined, host.name)
        before = host.free()
        restore(fleet, backup(fleet, [host.name, *names, defined]), tmp_path)
        host.begin_anew()
        for name in (*names, defined):
            fleet.wait_for_home(name, host.name)
        assert host.free() == before
        assert {c["uuid"] for c in host.ledger["claims"]} == {fleet.uuid_of(name) for name in (*names, defined)}
        late = fleet.instance(host.name, memoryMiB=2048)
        assert "free 1024" in fleet.wait_for_reason(late, "InsufficientResources")["message"]

    def test_a_full_host_whose_guests_were_listed_first_takes_them_all_and_no_newcomer(
        self, fleet: Fleet, tmp_path: Path
    ) -> None:
        host = fleet.host(memoryMiB=512 + 2048)
        names = [settled(fleet, host) for _ in range(2)]
        saved = backup(fleet, [host.name, *names])
        remove(fleet, [host.name, *names])
        newcomer = fleet.instance(host.name, memoryMiB=1024)
        restore_only(fleet, saved, tmp_path)
        host.begin_anew()
        for name in names:
            fleet.wait_for_home(name, host.name)
        fleet.wait_for_reason(newcomer, "InsufficientResources")
        assert host.free()["memoryMiB"] == 0

    def test_a_guest_that_had_been_moved_is_found_where_it_runs_and_not_where_it_was_bound(
        self, fleet: Fleet, tmp_path: Path
    ) -> None:
        """Its finished Migration comes back unfinished, and finds everything done."""
        source, target = fleet.host("source"), fleet.host("target")
        name = settled(fleet, source)
        migration = moved(fleet, name, source, target)
        uuid = fleet.uuid_of(name)
        restore(fleet, backup(fleet, [source.name, target.name, name, migration]), tmp_path)
        for host in (source, target):
            host.begin_anew()
        follow(fleet, name, target, source)
        assert target.roles(uuid) == {"Running"}
        assert target.ledger["allocated"] == amounts(1, 1024, 0)
        assert source.ledger["allocated"] == amounts(0, 0, 0)

        def told() -> bool:
            said = find_condition(fleet.migrations.get(migration), "Completed").get("status")
            return said == "True" or fleet.claimed(migration)[0] == "TargetIsSource"

        fleet.until(told, "the Migration to be told")


def backup(fleet: Fleet, names: list[str]) -> list[Object]:
    """As backup tools save objects: everything but what the server gives, and no status."""
    found = (each for kind in (fleet.nodes, fleet.instances, fleet.migrations) for each in kind.every())
    return [
        {
            **{key: each[key] for key in ("apiVersion", "kind", "spec")},
            "metadata": {key: value for key, value in each["metadata"].items() if key in ("name", "namespace")},
        }
        for each in found
        if each["metadata"]["name"] in names
    ]


def remove(fleet: Fleet, names: list[str]) -> None:
    for kind in (fleet.nodes, fleet.instances, fleet.migrations):
        for each in kind.every():
            if each["metadata"]["name"] in names:
                kind.delete(each["metadata"]["name"])


def restore_only(fleet: Fleet, objects: list[Object], place: Path) -> None:
    file = place / "backup.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    fleet.cluster.kubectl("create", "-f", file)


def restore(fleet: Fleet, objects: list[Object], place: Path) -> None:
    """All of it lost at once, then back."""
    remove(fleet, [each["metadata"]["name"] for each in objects])
    restore_only(fleet, objects, place)


class TestManifestsAppliedAnew:
    @pytest.fixture
    def manifest(self, tmp_path: Path) -> Path:
        """As it lies in a repository, and was applied: who binds it is a scheduler."""
        spec = {"uuid": str(uuid4()), "resources": {"vcpus": 1, "memoryMiB": 1024}}
        body = {
            "apiVersion": "compute.hypertally.dev/v1alpha1", "kind": "Instance",
            "metadata": {"name": fresh_name("declared"), "namespace": "default"}, "spec": spec,
        }  # fmt: skip
        file = tmp_path / "instance.json"
        file.write_text(json.dumps(body))
        return file

    @pytest.mark.parametrize("flags", [(), ("--server-side", "--field-manager=gitops")], ids=["client", "server"])
    def test_nothing_of_an_instance_that_was_bound_claimed_and_moved_changes(
        self, fleet: Fleet, manifest: Path, flags: tuple[str, ...]
    ) -> None:
        source, target = fleet.host("source"), fleet.host("target")
        declared = json.loads(manifest.read_text())
        name, uuid = declared["metadata"]["name"], declared["spec"]["uuid"]
        fleet.cluster.kubectl("apply", *flags, "-f", manifest)
        assert fleet.instances.merge(name, {"spec": {"computeNodeName": source.name}}).object
        fleet.wait_for_home(name, source.name)
        source.run(uuid)
        source.report()
        fleet.wait_for_reason(name, "Running", "Placed")
        moved(fleet, name, source, target)
        fleet.wait_for_reason(name, "Running", "Placed")
        before = [_content(fleet.instances.get(name)), source.ledger, target.ledger]
        for _ in range(2):
            fleet.cluster.kubectl("apply", *flags, "-f", manifest)
            probe = fleet.instance(target.name)
            fleet.wait_for_home(probe, target.name)
            fleet.instances.delete(probe)
            target.wait_roles(fleet.uuid_of(name), "Running")
        assert _content(fleet.instances.get(name)) == before[0]
        assert source.ledger == before[1]

    def test_a_manifest_that_names_its_first_node_may_be_applied_after_the_guest_was_moved(
        self, fleet: Fleet, manifest: Path
    ) -> None:
        source, target = fleet.host("source"), fleet.host("target")
        declared = json.loads(manifest.read_text())
        name, uuid = declared["metadata"]["name"], declared["spec"]["uuid"]
        declared["spec"]["computeNodeName"] = source.name
        manifest.write_text(json.dumps(declared))
        fleet.cluster.kubectl("apply", "-f", manifest)
        fleet.wait_for_home(name, source.name)
        source.run(uuid)
        source.report()
        moved(fleet, name, source, target)
        fleet.cluster.kubectl("apply", "-f", manifest)
        probe = fleet.instance(source.name)
        fleet.wait_for_home(probe, source.name)
        fleet.wait_for_home(name, target.name)
        assert (source.roles(uuid), target.roles(uuid)) == (set(), {"Running"})


def _content(instance: Object) -> Object:
    """Without the record of who applied it."""
    generation = instance["metadata"]["generation"]
    return {"generation": generation, "spec": instance["spec"], "status": instance["status"]}


class TestKindsAppliedAnew:
    def test_the_same_definitions_again_change_nothing_and_stop_nobody(self, alone: Fleet, tmp_path: Path) -> None:
        host = alone.host()
        with controller(alone.cluster.kubeconfig_for(CONTROLLER.key), tmp_path / "log", "--resync-interval=600"):
            name = settled(alone, host)
            wait_until_quiet(alone.cluster, host.look)
            before = [host.object, alone.instances.get(name)]
            alone.cluster.apply(CRDS)
            other = alone.host()
            for plural in KINDS:  # a definition that did change makes the server end all its watches
                label = f"tests/{fresh_name('applied')}=again"
                alone.cluster.kubectl("label", "crd", f"{plural}.compute.hypertally.dev", label)
            alone.wait_for_home(alone.instance(other.name), other.name)
            assert [host.object, alone.instances.get(name)] == before
        assert "Traceback" not in (tmp_path / "log").read_text()

    def test_after_they_were_deleted_and_made_again_both_programs_go_on_without_a_restart(
        self, alone: Fleet, tmp_path: Path
    ) -> None:
        cluster, log = alone.cluster, tmp_path / "log"
        with controller(cluster.kubeconfig_for(CONTROLLER.key), log, GRACE) as keeper, agent(cluster, tmp_path) as host:
            alone.until(lambda: _is_ready(alone), f"{NODE} to be Ready")
            alone.wait_for_home(alone.instance(NODE, uuid=GUEST), NODE)
            before = alone.nodes.get(NODE)
            cluster.kubectl("delete", "-f", CRDS, "--wait")
            for told in (log, tmp_path / "agent"):
                alone.until(lambda told=told: MISSING in told.read_text(), f"a complaint in {told}")  # type: ignore[misc]
            cluster.apply(CRDS)
            alone.until(lambda: _is_ready(alone), f"{NODE} to be reported and Ready again")
            after = alone.nodes.get(NODE)
            assert after["metadata"]["uid"] != before["metadata"]["uid"]
            assert after["status"]["ledger"]["claims"] == [], "its Instance is gone as well"
            alone.wait_for_home(alone.instance(NODE, uuid=GUEST), NODE)
            assert (keeper.poll(), host.poll()) == (None, None), "nobody was restarted"
        assert "Traceback" not in log.read_text() + (tmp_path / "agent").read_text()


def _is_ready(fleet: Fleet) -> bool:
    found = [each for each in fleet.nodes.every() if each["metadata"]["name"] == NODE]
    return bool(found) and find_condition(found[0], "Ready").get("status") == "True"


@contextmanager
def agent(cluster: Cluster, place: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The real program over libvirt's test driver."""
    command = [
        *shipped.command("hypertally.agent.main"), "--kubeconfig", str(cluster.kubeconfig_on(NODE)),
        "--node-name", NODE, "--connection", "test:///default", "--listen", "", "--log-format", "text",
        "--instances-path", str(place), "--lease-interval=1", "--interval=2", "--compare-interval=1",
    ]  # fmt: skip
    with (place / "agent").open("ab") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(15)


class TestAControllerThatKnowsOnlyWhatWas:
    """Its watches of Instances stand still; the other one's do not."""

    def test_it_releases_nothing_of_an_instance_that_it_has_never_heard_of(self, alone: Fleet, tmp_path: Path) -> None:
        host, cluster = alone.host(), alone.cluster

        def still(method: str, path: str) -> Fault | None:
            return Fault.STALE if method == "WATCH" and path.endswith(("/instances", "/migrations")) else None

        with faulty_server(cluster, still, stale_seconds=3600) as server:
            kubeconfig = server.kubeconfig(tmp_path / "kubeconfig", CONTROLLER.key)
            old = alone.instance(host.name)
            with controller(kubeconfig, tmp_path / "stale", "--resync-interval=600"):
                alone.wait_for_home(old, host.name)
                with controller(cluster.kubeconfig_for(CONTROLLER.key), tmp_path / "fresh"):
                    name = alone.instance(host.name)
                    alone.wait_for_home(name, host.name)
                uuid = alone.uuid_of(name)
                generation = host.ledger["generation"]
                path = f"/apis/compute.hypertally.dev/v1alpha1/namespaces/default/instances/{name}"
                for _ in range(3):
                    host.look()
                host.run(str(uuid4()))
                host.report()
                host.wait_settled()
                alone.until(
                    lambda: ("GET", path) in server.asked or host.roles(uuid) != {"Running"},
                    "the stale one to ask for what it does not know",
                )
                assert host.roles(uuid) == {"Running"}, "it was released without a question"
                assert host.ledger["generation"] > generation, "the stale one keeps the ledger alone now"
                assert host.ledger["workload"].get("leaving", 0) == 0
