"""The development cluster: real programs that come up, can be broken on purpose, and never outlive their owner."""

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from devcluster import AGENT, NOBODY, Cluster, ClusterError, ProcessError, User, wait_until
from devcluster.audit import AuditLog
from devcluster.pins import read_pins
from devcluster.ports import free_ports
from tests.conftest import CRDS
from tests.hack.processes import SECONDS, is_alive, wait_until_dead

HACK = Path(__file__).resolve().parent.parent.parent / "hack"


OPERATOR = User("operator", "olga", ("system:masters",))


@pytest.fixture(scope="module")
def breakable() -> Iterator[Cluster]:
    """A second cluster, unlike that of the session: without an audit log, with one more user, and free to be broken."""
    with Cluster.start("breakable", extra_users=[OPERATOR], may_build=False) as running:
        yield running


@pytest.fixture
def own_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory of this test alone, for what it leaves there on purpose."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}


@contextmanager
def owner_of_a_cluster(temporary: Path) -> Iterator[tuple["subprocess.Popen[str]", tuple[int, int]]]:
    """Another process that has started a cluster, and the process ids of that cluster's programs."""
    program = textwrap.dedent(
        """
        import sys
        from devcluster import Cluster
        cluster = Cluster.start("owned", may_build=False)
        print(cluster.etcd.pid, cluster.apiserver.pid, flush=True)
        sys.stdin.read()
        """
    )
    environment = {"PYTHONPATH": str(HACK), "PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        etcd, apiserver = map(int, owner.stdout.readline().split())
        yield owner, (etcd, apiserver)
        owner.kill()


def test_a_cluster_serves_when_start_returns(cluster: Cluster) -> None:
    assert "namespace/default" in cluster.kubectl("get", "namespaces", "-o", "name").split()


def test_the_server_says_the_version_that_go_mod_pins(cluster: Cluster) -> None:
    minor = f"v1.{read_pins().minor}."

    assert f"Server Version: {minor}" in cluster.kubectl("version")


def test_the_projects_kinds_can_be_asked_for_as_soon_as_they_are_applied(cluster: Cluster) -> None:
    assert cluster.kubectl("get", "computenodes,instances,migrations", "-A", "-o", "jsonpath={.kind}") == "List"


def test_kinds_that_were_just_defined_can_be_deleted_without_the_server_failing_to_list_them(
    breakable: Cluster,
) -> None:
    breakable.kubectl("apply", "--server-side", "-f", CRDS)

    breakable.delete_definitions()

    assert breakable.kubectl("get", "customresourcedefinitions", "-o", "name") == ""
    assert "storage is (re)initializing" not in (breakable.directory / "kube-apiserver.log").read_text()
    breakable.delete_definitions()


def test_kubectls_complaint_is_passed_on(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match=r"kubectl get nothings ended with 1: error: the server doesn't have"):
        cluster.kubectl("get", "nothings")


def test_an_api_server_killed_and_restarted_has_the_same_address_and_data(breakable: Cluster) -> None:
    breakable.apply_objects(config_map("kept"))
    before = breakable.apiserver.pid

    breakable.apiserver.kill()
    wait_until_dead(before)
    breakable.apiserver.restart()

    assert breakable.apiserver.pid != before
    assert breakable.kubectl("get", "configmap/kept", "-o", "name") == "configmap/kept\n"


def test_an_etcd_that_was_stopped_and_restarted_has_the_same_data(breakable: Cluster) -> None:
    breakable.apply_objects(config_map("kept-too"))

    breakable.etcd.stop()
    breakable.etcd.restart()

    wait_until(lambda: serves(breakable), seconds=SECONDS, what="the API server to find etcd again")
    assert breakable.kubectl("get", "configmap/kept-too", "-o", "name") == "configmap/kept-too\n"


def serves(cluster: Cluster) -> bool:
    try:
        return cluster.kubectl("get", "--raw=/readyz") == "ok"
    except ClusterError:
        return False


def test_two_clusters_at_once_do_not_see_each_other(cluster: Cluster, breakable: Cluster) -> None:
    breakable.apply_objects(config_map("only-here"))

    assert breakable.url != cluster.url
    assert "only-here" not in cluster.kubectl("get", "configmaps")


def test_a_cluster_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    with owner_of_a_cluster(tmp_path) as (owner, pids):
        assert all(map(is_alive, pids))

        owner.send_signal(signal.SIGKILL)

        wait_until_dead(*pids)


def test_a_cluster_ends_when_its_owner_ends_without_stopping_it(tmp_path: Path) -> None:
    with owner_of_a_cluster(tmp_path) as (owner, pids):
        owner.communicate(timeout=SECONDS)

        wait_until_dead(*pids)


def test_what_a_killed_owner_left_is_removed_by_the_next_cluster(own_temporary: Path) -> None:
    with owner_of_a_cluster(own_temporary) as (owner, pids):
        owner.send_signal(signal.SIGKILL)
        wait_until_dead(*pids)
    left = set(own_temporary.glob("*/owned-*"))

    with Cluster.start("next", may_build=False):
        assert left
        assert not set(own_temporary.glob("*/owned-*"))


def test_a_cluster_outlives_the_thread_that_started_it() -> None:
    started: list[Cluster] = []
    thread = Thread(target=lambda: started.append(Cluster.start("threaded", may_build=False)))
    thread.start()
    thread.join(SECONDS)

    with started[0] as cluster:
        assert serves(cluster)


def test_a_stopped_cluster_leaves_no_process_and_no_file() -> None:
    with Cluster.start("brief", may_build=False) as cluster:
        pids = cluster.etcd.pid, cluster.apiserver.pid

    assert not any(map(is_alive, pids))
    assert not cluster.directory.exists()


@pytest.mark.usefixtures("own_temporary")
def test_an_error_in_the_block_keeps_the_logs_and_says_where() -> None:
    with (
        pytest.raises(RuntimeError) as raised,
        Cluster.start("failing", may_build=False) as cluster,
    ):
        raise RuntimeError("boom")

    assert str(cluster.directory) in raised.value.__notes__[0]
    assert {path.name for path in cluster.directory.glob("*.log")} == {"etcd.log", "kube-apiserver.log"}
    assert not (cluster.directory / "etcd").exists()


@pytest.mark.usefixtures("own_temporary")
def test_an_api_server_that_does_not_come_up_is_reported_with_the_end_of_its_log() -> None:
    with pytest.raises(ProcessError) as raised:
        Cluster.start("broken", extra_apiserver_args=["--no-such-flag"], may_build=False)

    message = str(raised.value)
    assert "kube-apiserver ended before it was ready" in message
    assert "unknown flag: --no-such-flag" in message
    assert "Hint: this version does not know one of the given arguments" in message


@pytest.mark.usefixtures("own_temporary")
def test_an_api_server_that_is_never_ready_is_given_up_and_its_programs_ended() -> None:
    with pytest.raises(ProcessError, match=r"was not ready within 0.5 s"):
        Cluster.start("slow", extra_apiserver_args=["--etcd-servers=http://127.0.0.1:1"], may_build=False, seconds=0.5)


def test_a_port_that_somebody_took_in_between_is_replaced(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = int(cluster.url.rpartition(":")[2])
    chosen = iter([[*free_ports(2), taken], free_ports(3)])
    monkeypatch.setattr("devcluster.cluster.free_ports", lambda _: next(chosen))

    with Cluster.start("collided", may_build=False) as other:
        assert serves(other)
        assert other.url != cluster.url


def test_users_have_no_rights_until_they_are_granted(cluster: Cluster) -> None:
    kubeconfig = f"--kubeconfig={cluster.kubeconfig_for(NOBODY.key)}"

    assert NOBODY.name in cluster.kubectl(kubeconfig, "auth", "whoami")
    with pytest.raises(ClusterError, match="forbidden"):
        cluster.kubectl(kubeconfig, "get", "computenodes")


def test_further_users_can_be_given_with_their_groups(breakable: Cluster) -> None:
    kubeconfig = f"--kubeconfig={breakable.kubeconfig_for(OPERATOR.key)}"

    assert breakable.kubectl(kubeconfig, "auth", "can-i", "delete", "nodes").strip() == "yes"


def test_an_unknown_user_is_named_with_those_that_there_are(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="no user 'admn' in this cluster: there are admin, agent, "):
        cluster.token_for("admn")


def test_writes_are_counted_at_the_server(cluster: Cluster) -> None:
    start = cluster.audit_log.position()
    cluster.kubectl("create", "configmap", "counted")
    cluster.kubectl("get", "configmap", "counted")
    cluster.kubectl("delete", "configmap", "counted")

    writes = cluster.audit_log.writes(since=start, resource="configmaps")

    assert [(write.user, write.verb, write.namespace) for write in writes] == [
        ("admin", "create", "default"),
        ("admin", "delete", "default"),
    ]
    assert cluster.audit_log.writes(since=start, user=AGENT) == []


def test_a_cluster_without_an_audit_log_says_how_to_get_one(breakable: Cluster) -> None:
    with pytest.raises(ClusterError, match="start it with audit=True"):
        _ = breakable.audit_log


@pytest.mark.parametrize("before", [0, 1, 2000], ids=["empty", "one line", "long"])
def test_a_position_in_the_audit_log_is_never_within_a_line_that_is_being_written(tmp_path: Path, before: int) -> None:
    path = tmp_path / "audit.log"
    log = AuditLog(path)
    path.write_bytes(b"".join(audited(f"old-{number}") for number in range(before)))
    end, line = log.position(), audited("new")
    append(path, line[:50])

    position = log.position()
    append(path, line[50:])

    assert position == end
    assert [request.name for request in log.requests(since=position)] == ["new"]


def audited(name: str) -> bytes:
    target = {"resource": "configmaps", "name": name}
    event = {"stage": "RequestReceived", "auditID": name, "user": {"username": "olga"}, "verb": "create"}
    when = {"requestReceivedTimestamp": "2026-11-23T12:00:00.000000Z"}
    return json.dumps(event | when | {"objectRef": target}).encode() + b"\n"


def append(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)
