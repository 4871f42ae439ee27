"""What breaks on any day: an agent ends, a libvirtd stops, somebody has stolen a token."""

import json
from http import HTTPStatus

import pytest
import urllib3

from devnodes.node import LIBVIRTD
from hypertally.api.names import API_VERSION
from tests.lane.guests import ALPHA, BETA, GAMMA, allocated, hosts_are_ready, node_says, sizes
from tests.lane.person import NAMESPACE, Object, Person, condition, eventually

pytestmark = pytest.mark.timeout(300)


def test_an_agent_that_is_killed_comes_back_and_nothing_of_its_host_changes(person: Person) -> None:
    before, pod = person.node("n1"), person.agent_on("n1")

    person.kubectl("delete", "pod", f"-n={NAMESPACE}", pod["metadata"]["name"], "--force", "--grace-period=0")

    eventually(lambda: another_agent_is_ready(person, "n1", pod["metadata"]["uid"]))
    eventually(lambda: hosts_are_ready(person))
    after = person.node("n1")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["status"]["ledger"] == before["status"]["ledger"]


def test_a_host_whose_libvirtd_stops_says_so_and_keeps_its_charge(person: Person) -> None:
    n2 = person.lab.n2
    n2.end(LIBVIRTD)

    eventually(lambda: node_says(person, "n2", "LibvirtConnected", "False"), 90)
    eventually(lambda: node_says(person, "n2", "Ready", "False"))
    assert "libvirt" in condition(person.node("n2"), "Ready")["message"].lower()
    assert allocated(person, "n2") == sizes(ALPHA, GAMMA)
    assert condition(person.node("n1"), "Ready")["status"] == "True"


def test_when_libvirtd_is_back_the_host_is_ready_with_the_same_guests(person: Person) -> None:
    person.lab.n2.start_libvirtd()

    # The agent tries again after at most 72 s.
    eventually(lambda: hosts_are_ready(person), 120)
    listed = {each["uuid"] for each in person.node("n2")["status"]["report"]["guests"]}
    assert listed == {ALPHA.uuid, GAMMA.uuid}
    assert allocated(person, "n2") == sizes(ALPHA, GAMMA)


def test_a_stolen_agents_token_changes_nothing_of_another_host(person: Person) -> None:
    token, nodes = stolen_token(person), f"/apis/{API_VERSION}/computenodes"
    cordon = {"spec": {"schedulable": "Disabled"}}
    before = person.node("n2")

    for attempt, complaint in (
        (
            ("PATCH", f"{nodes}/n2/status", next_version(before, "report")),
            "an agent on node n1 may not write ComputeNode n2",
        ),
        (("PATCH", f"{nodes}/n2", cordon), "an agent on node n1 may not write ComputeNode n2"),
        (("PATCH", f"{nodes}/n1", cordon), "an agent never changes the spec of a ComputeNode"),
        (
            ("PATCH", f"{nodes}/n1/status", next_version(person.node("n1"), "ledger")),
            "an agent changes report and conditions",
        ),
        (("DELETE", f"{nodes}/n1", None), "cannot delete"),
        (("GET", "/api/v1/secrets", None), "cannot list"),
        (("GET", f"/apis/{API_VERSION}/instances", None), "cannot list"),
    ):
        status, said = as_agent(person, token, *attempt)
        assert status == HTTPStatus.FORBIDDEN, (attempt, said)
        assert complaint in said, attempt

    after = person.node("n2")
    assert (after["spec"], after["status"]["ledger"]) == (before["spec"], before["status"]["ledger"])


def test_a_stolen_token_ends_with_the_pod_that_it_was_made_for(person: Person) -> None:
    token, pod = stolen_token(person), person.agent_on("n1")
    person.kubectl("delete", "pod", f"-n={NAMESPACE}", pod["metadata"]["name"])

    eventually(lambda: another_agent_is_ready(person, "n1", pod["metadata"]["uid"]))
    # The server remembers a token that it has verified for ten seconds.
    eventually(lambda: is_worthless(person, token), 30)
    eventually(lambda: hosts_are_ready(person))
    assert allocated(person, "n1") == sizes(BETA)


def another_agent_is_ready(person: Person, node: str, old: str) -> None:
    pod = person.agent_on(node)
    assert pod["metadata"]["uid"] != old
    assert condition(pod, "Ready").get("status") == "True"


def stolen_token(person: Person) -> str:
    """Read where the agent reads it."""
    pod = person.agent_on("n1")["metadata"]["name"]
    path = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    return person.kubectl("exec", f"-n={NAMESPACE}", pod, "--", "cat", path).strip()


def next_version(node: Object, part: str) -> Object:
    """What the schema would let pass: the number that follows."""
    return {"status": {part: {"generation": node["status"][part]["generation"] + 1}}}


def as_agent(person: Person, token: str, method: str, path: str, body: Object | None = None) -> tuple[int, str]:
    """Status and message of the server's answer to whoever has that token and nothing else."""
    cluster = person.lab.cluster
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
    with urllib3.PoolManager(ca_certs=str(cluster.ca_file)) as client:
        answer = client.request(
            method, f"{cluster.url}{path}", headers=headers, body=json.dumps(body) if body else None, timeout=30
        )
    return answer.status, answer.json().get("message", "")


def is_worthless(person: Person, token: str) -> None:
    assert as_agent(person, token, "GET", f"/apis/{API_VERSION}/computenodes")[0] == HTTPStatus.UNAUTHORIZED
