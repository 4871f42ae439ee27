"""Cordoned, in maintenance, mistaken for another, gone: what becomes of a host's record, on a real API server.

Tests named `row_N` are of accidents that Nova's operators met; the number is the accident's in that list.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from http import HTTPStatus
from uuid import uuid4

import pytest

from devcluster import CONTROLLER
from hypertally.api.names import CONTROLLER_MANAGER
from hypertally.kube.access import find_access
from hypertally.kube.aio import AsyncKubeClient, Deadlines, open_session
from hypertally.kube.errors import Conflict
from hypertally.kube.kinds import COMPUTE_NODE, Ref
from tests.conftest import running_cluster
from tests.controller.conftest import DEPLOY
from tests.support import shipped
from tests.support.fleet import Fleet, Host, controller, find_condition
from tests.support.samples import Object, fresh_name

FLAGS = ("--agent-grace=4", "--resync-interval=2", "--collect-interval=1", "--keep-vanished=2")
"""A host that nobody keeps alive is silent after 4 s, and without a Kubernetes node deleted some seconds later."""


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """An API server and one controller, which does not wait long."""
    log = tmp_path_factory.mktemp("collector") / "log"
    with running_cluster("mortal") as cluster:
        cluster.apply(DEPLOY)
        with controller(cluster.kubeconfig_for("controller"), log, *FLAGS) as process:
            yield Fleet(cluster)
            assert process.poll() is None, f"the controller ended by itself:\n{log.read_text()}"
    assert "Traceback" not in log.read_text(), log.read_text()


def make_node(fleet: Fleet, name: str) -> None:
    fleet.cluster.apply_objects({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})


def exists(host: Host) -> bool:
    found = host.fleet.cluster.kubectl("get", "computenode", host.name, "--ignore-not-found", "-o", "name")
    return bool(found)


def condition(host: Host, type_: str) -> tuple[str, str]:
    found = find_condition(host.object, type_) if exists(host) else {}
    return found.get("status", ""), found.get("reason", "")


def until(fleet: Fleet, holds: Callable[[], bool], what: str, *alive: Host) -> None:
    """While it is waited for, the agents of `alive` go on renewing."""

    def tried() -> bool:
        for host in alive:
            host.look()
        return holds()

    fleet.until(tried, what)


def tell(host: Host, **spec: object) -> None:
    """The operator's word."""
    assert host.fleet.nodes.merge(host.name, {"spec": spec}).object


@pytest.fixture
def host(mortal: Fleet) -> Host:
    """It has a Kubernetes node, so that nothing happens to it when it falls silent."""
    made = mortal.host()
    make_node(mortal, made.name)
    return made


@pytest.fixture
def lost(mortal: Fleet) -> Host:
    """One whose Kubernetes node is gone, and which nobody keeps alive."""
    return mortal.host("lost")


LOST = 4

DRAIN: Object = {"mode": "Drain", "reason": "a new disk"}
FROZEN: Object = {"mode": "Frozen", "reason": "firmware"}


@pytest.mark.parametrize(
    ("word", "reason"), [({"schedulable": "Disabled"}, "Cordoned"), ({"maintenance": DRAIN}, "Maintenance")]
)
def test_what_is_closed_takes_nothing_new_and_opens_again(
    mortal: Fleet, host: Host, word: dict[str, object], reason: str
) -> None:
    runs = mortal.instance(host.name)
    mortal.wait_for_home(runs, host.name)
    tell(host, **word)
    until(mortal, lambda: host.ready() == ("False", reason), reason, host)
    late = mortal.instance(host.name)
    mortal.wait_for_reason(late, reason)
    assert mortal.instances.get(late)["status"]["refusedComputeNodeName"] == host.name
    assert host.claims() == [(mortal.uuid_of(runs), "Running")]
    tell(host, **dict.fromkeys(word))
    mortal.wait_for_home(late, host.name)
    until(mortal, lambda: host.ready() == ("True", "Ready"), "Ready", host)


def wait_observed(host: Host) -> None:
    host.fleet.until(
        lambda: host.object["metadata"]["generation"] == host.ledger["observedGeneration"],
        f"the ledger of {host.name} to see its spec",
    )


@pytest.mark.parametrize(
    ("of_source", "of_target", "reason"),
    [(None, {"schedulable": "Disabled"}, "Cordoned"), ({"maintenance": FROZEN}, None, "SourceFrozen")],
)
def test_a_move_waits_for_the_operators_word(
    mortal: Fleet, host: Host, of_source: Object | None, of_target: Object | None, reason: str
) -> None:
    target = mortal.host()
    make_node(mortal, target.name)
    name = mortal.instance(host.name)
    mortal.wait_for_home(name, host.name)
    for one, word in ((host, of_source), (target, of_target)):
        if word:
            tell(one, **word)
            wait_observed(one)
    move = mortal.migration(name, "Cold", target.name)
    mortal.until(lambda: mortal.claimed(move)[0] == reason, reason)
    assert "move" not in mortal.instances.get(name)["status"]
    for one, word in ((host, of_source), (target, of_target)):
        tell(one, **dict.fromkeys(word or {}))
    mortal.until(lambda: mortal.claimed(move)[0] == "Claimed", "Claimed")


def test_a_record_that_its_living_agent_let_go_is_deleted_at_once(mortal: Fleet, host: Host) -> None:
    host.report(served="False")
    until(mortal, lambda: not exists(host), "the record to go", host)


def test_an_event_tells_of_a_record_that_was_deleted(mortal: Fleet, lost: Host) -> None:
    arguments = ("--namespace=default", "--field-selector", f"involvedObject.name={lost.name},reason=Collected")
    mortal.until(
        lambda: lost.host_uuid in mortal.cluster.kubectl("get", "events", *arguments), "the Event of its deletion"
    )
    assert not exists(lost)


def test_a_record_that_may_go_is_not_given_a_version_that_nobody_has_judged(mortal: Fleet) -> None:
    """The word that it may go would be one: each deletion would be refused, and wait for the next pass."""
    position = mortal.cluster.audit_log.position()
    lost = {mortal.host("lost").name for _ in range(LOST)}
    mortal.until(lambda: not lost & mortal.nodes.select(""), "the records to go")
    asked = mortal.cluster.audit_log.requests(
        since=position, user=CONTROLLER, verbs=["delete"], resource="computenodes"
    )
    refused = [request.name for request in asked if request.name in lost and request.code == HTTPStatus.CONFLICT]
    assert len(refused) <= LOST / 2, "somebody else may write now and then, but not each time"


def test_a_record_that_was_let_go_stays_while_an_instance_names_it(mortal: Fleet, host: Host) -> None:
    name = mortal.instance(host.name)
    mortal.wait_for_home(name, host.name)
    host.report(served="False")
    until(mortal, lambda: condition(host, "Vanished") == ("True", "ClaimsStay"), "ClaimsStay", host)
    assert host.ready() == ("False", "NotServed")
    assert f"default/{name}" in find_condition(host.object, "Vanished")["message"]
    mortal.instances.delete(name)
    until(mortal, lambda: not exists(host), "the record to go", host)


def test_a_silent_host_stays_while_its_kubernetes_node_is_there(mortal: Fleet, host: Host) -> None:
    witness = mortal.host("lost")
    mortal.until(lambda: not exists(witness), "one without a node to go")
    mortal.until(lambda: host.ready() == ("Unknown", "AgentSilent"), "AgentSilent")
    other = mortal.host("lost")
    mortal.until(lambda: not exists(other), "another one without a node to go")
    assert exists(host)
    assert find_condition(host.object, "Vanished") == {}
    mortal.cluster.kubectl("delete", "node", host.name)
    mortal.until(lambda: not exists(host), "the record to go with its node")


def test_a_host_that_comes_back_is_no_candidate_any_more(mortal: Fleet, lost: Host) -> None:
    lost.run(str(uuid4()))
    lost.report()
    mortal.until(lambda: condition(lost, "Vanished")[1] == "OrphansListed", "OrphansListed")
    until(mortal, lambda: condition(lost, "Vanished") == ("False", "SignOfLife"), "SignOfLife", lost)


@pytest.mark.parametrize(
    ("value", "stays"), [("true", True), ("until monday", True), ("false", False)], ids=["yes", "other words", "no"]
)
def test_an_annotation_keeps_a_record(mortal: Fleet, lost: Host, value: str, stays: bool) -> None:
    mortal.cluster.kubectl("annotate", "computenode", lost.name, f"compute.hypertally.dev/keep={value}")
    if stays:
        mortal.until(lambda: condition(lost, "Vanished")[1] == "Paused", "Paused")
        witness = mortal.host("lost")
        mortal.until(lambda: not exists(witness), "one that nobody keeps to go")
        assert exists(lost)
    else:
        mortal.until(lambda: not exists(lost), "the record to go")


def test_an_open_migration_keeps_its_target(mortal: Fleet, host: Host, lost: Host) -> None:
    name = mortal.instance(host.name)
    mortal.wait_for_home(name, host.name)
    mortal.migration(name, "Live", lost.name)
    mortal.until(lambda: condition(lost, "Vanished")[0] == "True", "Vanished")
    assert "Open Migrations lead to it" in find_condition(lost.object, "Vanished")["message"]


def test_another_host_under_the_old_name_is_shown_and_nothing_is_taken_over(mortal: Fleet, host: Host) -> None:
    before = host.object["spec"]
    host.finds = str(uuid4())
    until(mortal, lambda: condition(host, "IdentityConflict") == ("True", "HostReplaced"), "HostReplaced", host)
    until(mortal, lambda: host.ready() == ("False", "IdentityConflict"), "Ready False", host)
    assert host.object["spec"] == before
    host.finds = ""
    until(mortal, lambda: host.ready() == ("True", "Ready"), "Ready", host)


def test_two_hosts_with_one_uuid_are_both_shown(mortal: Fleet, host: Host) -> None:
    clone = Host(mortal, fresh_name("clone"), host.capacity, host_uuid=host.host_uuid)
    clone.create()
    make_node(mortal, clone.name)
    both = (host, clone)
    until(
        mortal,
        lambda: {condition(one, "IdentityConflict") for one in both} == {("True", "SharedHostUUID")},
        "both in conflict",
        *both,
    )
    assert clone.name in find_condition(host.object, "IdentityConflict")["message"]
    clone.report(served="False")
    until(mortal, lambda: not exists(clone), "the one that was let go to go", *both)
    until(mortal, lambda: condition(host, "IdentityConflict") == ("False", "Unique"), "the other to be well", host)


def test_a_node_that_was_renamed_is_not_collected_under_its_old_name(mortal: Fleet, lost: Host) -> None:
    """One UUID on two Kubernetes nodes, of which one is silent and gone: a person decides."""
    renamed = Host(mortal, fresh_name("renamed"), lost.capacity, host_uuid=lost.host_uuid)
    renamed.create()
    until(mortal, lambda: condition(lost, "Vanished")[1] == "HostUUIDInUse", "HostUUIDInUse", renamed)

    def is_told() -> bool:
        said = find_condition(renamed.object, "IdentityConflict")
        advised = f"kubectl delete computenode {lost.name}" in said.get("message", "")
        return advised and said["status"] == "True"

    until(mortal, is_told, "the new name to be told of the old one", renamed)
    mortal.nodes.delete(lost.name)
    until(mortal, lambda: renamed.ready() == ("True", "Ready"), "the new name to be well", renamed)


def test_a_hostname_under_another_agent_is_only_a_name(mortal: Fleet, host: Host) -> None:
    other = Host(mortal, fresh_name("namesake"), host.capacity, hostname=host.name)
    other.create()
    make_node(mortal, other.name)
    both = (host, other)
    until(
        mortal,
        lambda: {condition(one, "IdentityConflict") for one in both} == {("False", "SharedHostname")},
        "both to say so",
        *both,
    )
    until(mortal, lambda: {one.ready() for one in both} == {("True", "Ready")}, "both to be Ready", *both)


def explain(fleet: Fleet, name: str, *flags: str) -> "subprocess.CompletedProcess[str]":
    config = fleet.cluster.kubeconfig_for("controller")
    command = [*shipped.command("hypertally.controller"), "explain", "computenode", name, *flags]
    environ = os.environ | {"HYPERTALLY_KUBECONFIG": str(config)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environ)


def test_explain_tells_every_guard_and_what_would_open_it(mortal: Fleet, host: Host) -> None:
    name = mortal.instance(host.name)
    mortal.wait_for_home(name, host.name)
    mortal.until(lambda: host.ready() == ("Unknown", "AgentSilent"), "AgentSilent")
    done = explain(mortal, host.name, *FLAGS)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert f"host {host.host_uuid}" in lines[0]
    assert f"NodeExists SHUT Kubernetes node {host.name} is there, and agents are meant for it." in lines
    assert f"ClaimsStay SHUT Its ledger holds claims of Instances default/{name}." in lines
    assert "OrphansListed open Its last report lists no orphan." in lines
    assert f"to open it: kubectl delete node {host.name}, or the label gone that --agent-nodes asks for" in lines
    assert lines[-1].startswith("It is kept by NodeExists, ClaimsStay, InstancesNameIt")


def test_explain_of_nothing_and_a_wrong_question_are_one_line(mortal: Fleet) -> None:
    assert explain(mortal, "no-such").stdout == "There is no ComputeNode no-such.\n"
    wrong = explain(mortal, "--workers=1")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "usage: hypertally-controller explain computenode NAME" in wrong.stderr


def test_row_10_no_guest_is_placed_on_a_half_initialised_node(mortal: Fleet) -> None:
    """LP1834691: the record was there, with nulls, and the scheduler took it."""
    host = Host(mortal, fresh_name("half"), {})
    spec = {"hypervisorHostname": host.name, "hostUUID": host.host_uuid, "nodeName": host.name}
    body = {"apiVersion": "compute.hypertally.dev/v1alpha1", "kind": "ComputeNode", "metadata": {"name": host.name}}
    make_node(mortal, host.name)
    assert mortal.nodes.create({**body, "spec": spec}).object
    name = mortal.instance(host.name)
    mortal.wait_for_reason(name, "Pending")
    assert host.ready() == ("", "")
    host.capacity = {"vcpus": 0, "pcpus": 0, "memoryMiB": 0, "diskMiB": 0}
    host.report()
    mortal.wait_for_reason(name, "InsufficientResources")
    assert host.claims() == []


def test_row_11_a_changed_hostname_neither_duplicates_a_node_nor_costs_a_guest(mortal: Fleet, host: Host) -> None:
    """LP1419785: the host's name was its identity, and a rename destroyed all guests."""
    name = mortal.instance(host.name)
    mortal.wait_for_home(name, host.name)
    host.run(mortal.uuid_of(name))
    host.report()
    host.hostname = "renamed.example.org"
    until(mortal, lambda: condition(host, "IdentityConflict") == ("False", "Renamed"), "Renamed", host)
    assert host.object["spec"]["hypervisorHostname"] == host.name
    until(mortal, lambda: host.ready() == ("True", "Ready"), "Ready", host)
    assert host.roles(mortal.uuid_of(name)) == {"Running"}
    same = json.loads(mortal.cluster.kubectl("get", "computenodes", "-o", "json"))["items"]
    assert [each["metadata"]["name"] for each in same if each["spec"]["hostUUID"] == host.host_uuid] == [host.name]


def test_row_12_a_record_with_guests_is_never_collected_and_one_made_anew_has_its_claims(
    mortal: Fleet, lost: Host
) -> None:
    """LP1853009: a rebalance deleted the record of a node in use, and nothing made it again."""
    name = mortal.instance(lost.name)
    mortal.wait_for_home(name, lost.name)
    mortal.until(lambda: condition(lost, "Vanished") == ("True", "ClaimsStay"), "ClaimsStay")
    witness = mortal.host("lost")
    mortal.until(lambda: not exists(witness), "an empty one to go")
    assert exists(lost)
    mortal.nodes.delete(lost.name)
    lost.create()
    lost.wait_roles(mortal.uuid_of(name), "Running")


def test_row_13_the_dead_source_of_an_evacuation_lets_go_and_is_collected(
    mortal: Fleet, host: Host, lost: Host
) -> None:
    """Orphaned allocations: a source that was down could not clean up, and stood full for ever."""
    name = mortal.instance(lost.name)
    mortal.wait_for_home(name, lost.name)
    uuid = mortal.uuid_of(name)
    lost.run(uuid)
    lost.report()
    until(mortal, lambda: lost.ready() == ("Unknown", "AgentSilent"), "the source to be silent", host)
    mortal.migration(name, "Evacuation", host.name)
    until(mortal, lambda: "Incoming" in host.roles(uuid), "a place at the target", host)
    assert exists(lost)
    host.run(uuid)
    host.report()
    until(mortal, lambda: host.roles(uuid) == {"Running"}, "the guest to be accounted at the target", host)
    until(mortal, lambda: not exists(lost), "the dead source to go", host)
    assert mortal.instances.get(name)["status"]["computeNodeName"] == host.name


def test_row_38_no_program_overrides_the_operator_and_what_fell_silent_comes_back(mortal: Fleet, host: Host) -> None:
    """An agent disabled itself and never came back, or enabled what its operator had disabled."""
    tell(host, schedulable="Disabled")
    until(mortal, lambda: host.ready() == ("False", "Cordoned"), "Cordoned", host)
    mortal.until(lambda: host.ready() == ("Unknown", "AgentSilent"), "AgentSilent")
    until(mortal, lambda: host.ready() == ("False", "Cordoned"), "Cordoned again", host)
    host.report(connected="False")
    until(mortal, lambda: host.ready() == ("False", "LibvirtDown"), "LibvirtDown", host)
    host.report()
    until(mortal, lambda: host.ready() == ("False", "Cordoned"), "Cordoned again", host)
    assert host.object["spec"]["schedulable"] == "Disabled"
    tell(host, schedulable="Enabled")
    mortal.until(lambda: host.ready() == ("Unknown", "AgentSilent"), "AgentSilent")
    until(mortal, lambda: host.ready() == ("True", "Ready"), "Ready by itself", host)
    assert host.object["spec"]["schedulable"] == "Enabled"


def test_only_the_very_version_that_was_judged_is_deleted(mortal: Fleet, host: Host) -> None:
    judged = host.object["metadata"]
    host.report()
    access = find_access(str(mortal.cluster.kubeconfig_for("controller")))

    async def delete(uid: str, version: str) -> None:
        async with open_session(access, CONTROLLER_MANAGER) as session:
            client = AsyncKubeClient(access, session, CONTROLLER_MANAGER, Deadlines())
            await client.delete(Ref(COMPUTE_NODE, host.name), uid=uid, resource_version=version)

    with pytest.raises(Conflict):
        asyncio.run(delete(judged["uid"], judged["resourceVersion"]))
    with pytest.raises(Conflict):
        asyncio.run(delete(str(uuid4()), host.object["metadata"]["resourceVersion"]))
    assert exists(host)
