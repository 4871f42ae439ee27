"""What breaks on any day: an agent ends, a libvirtd stops, somebody has stolen a token."""

import json
import subprocess
from typing import Any

import pytest

from devnodes.node import LIBVIRTD
from tests.lane.person import NAMESPACE, Person, condition, eventually
from tests.lane.test_1_install import hosts_are_ready
from tests.lane.test_2_guests import ALPHA, BETA, GAMMA, allocated, sizes

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

    eventually(lambda: says(person, "n2", "LibvirtConnected", "False"), 90)
    eventually(lambda: says(person, "n2", "Ready", "False"))
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
    token = stolen_token(person)

    for name, body in {
        "report": {"status": {"report": None}},
        "cordon": {"spec": {"schedulable": "Disabled"}},
    }.items():
        for node in ("n1", "n2"):
            refused = as_agent(person, token, "patch", "computenode", node, body, status=name == "report")
            # Its own report an agent may write; but none removes one.
            assert "forbidden" in refused.lower() or "invalid" in refused.lower(), refused
    assert "an agent on node n1 may not write ComputeNode n2" in as_agent(
        person, token, "patch", "computenode", "n2", {"status": {"report": None}}, status=True
    )
    assert "orbidden" in as_agent(person, token, "get", "secrets", "-A")
    assert "orbidden" in as_agent(person, token, "delete", "computenode", "n1")


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


def says(person: Person, node: str, type_: str, status: str) -> None:
    told = condition(person.node(node), type_)
    assert told.get("status") == status, told


def stolen_token(person: Person) -> str:
    """Read where the agent reads it."""
    pod = person.agent_on("n1")["metadata"]["name"]
    path = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    return person.kubectl("exec", f"-n={NAMESPACE}", pod, "--", "cat", path).strip()


def as_agent(person: Person, token: str, verb: str, *what: Any, status: bool = False) -> str:
    """What kubectl complains of with that token and no other credential; the empty text if it succeeds."""
    cluster = person.lab.cluster
    words = [each if isinstance(each, str) else f"--patch={json.dumps(each)}" for each in what]
    more = (["--type=merge"] if verb == "patch" else []) + (["--subresource=status"] if status else [])
    done = subprocess.run(
        [
            cluster.programs.kubectl.path, "--kubeconfig=/dev/null", f"--server={cluster.url}", f"--token={token}",
            f"--certificate-authority={cluster.ca_file}", verb, *words, *more,
        ],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.stderr if done.returncode else ""


def is_worthless(person: Person, token: str) -> None:
    said = as_agent(person, token, "get", "computenodes")
    assert "logged in" in said or "Unauthorized" in said, said
