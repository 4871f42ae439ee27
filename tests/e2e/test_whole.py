"""As a user sees it: hosts and guests on one side, `kubectl get` on the other."""

import json
import signal
from pathlib import Path

import pytest

from devcluster import AGENT, CONTROLLER
from hypertally.api.names import AUDITS_ANNOTATION
from tests.e2e.conftest import QEMU_NODE, TEST_NODE, Stack
from tests.support.differences import differences
from tests.support.fleet import find_condition
from tests.support.samples import Object, amounts

NOBODY_ELSES = ("--file-backed-memory-mib", "4096", "--instances-path", "/proc")
"""What the machine's other programs take is measured too, and a twentieth of its memory, or a hundredth of its disk, is
news: tests beside this one take and give back as much within seconds. The memory of files is told by the guests alone,
and a file system without a size stands still."""


def _is_ready(stack: Stack, name: str) -> bool:
    return find_condition(stack.node(name), "Ready").get("status") == "True"


def _exists(stack: Stack, name: str) -> bool:
    return stack.nodes.has(name)


def _wait_ready(stack: Stack) -> None:
    for name in (QEMU_NODE, TEST_NODE):
        stack.fleet.until(lambda name=name: _exists(stack, name), f"ComputeNode {name}")  # type: ignore[misc]
        stack.fleet.until(lambda name=name: _is_ready(stack, name), f"{name} to be Ready")  # type: ignore[misc]


def test_guests_that_virsh_starts_and_destroys_show_up_and_are_accounted(stack: Stack) -> None:
    host, fleet = stack.host, stack.fleet
    _wait_ready(stack)
    uuids = {name: host.start_guest(name, memory_mib=32, vcpus=1) for name in ("web", "db", "stray")}
    for name in ("web", "db"):
        fleet.instance(QEMU_NODE, name=name, uuid=uuids[name], memoryMiB=32)
        fleet.wait_for_home(name, QEMU_NODE)
        fleet.wait_for_reason(name, "Running", "Placed")
    fleet.until(lambda: stack.is_settled() and stack.ledger()["orphans"]["count"] == 1, "one orphan")
    ledger = stack.ledger()
    assert ledger["instances"] == 2
    assert ledger["allocated"] == amounts(3, 96, 0)
    running = dict.fromkeys(uuids, "Running")
    fleet.until(lambda: {n: g["state"] for n, g in stack.guests().items()} == running, "all three to run")
    shown = stack.cluster.kubectl("get", "computenodes", QEMU_NODE, "--no-headers").split()
    assert shown[0:2] == [QEMU_NODE, "True"]
    host.virsh("destroy", "stray")
    host.undefine("stray")
    fleet.until(lambda: stack.is_settled() and stack.ledger()["orphans"]["count"] == 0, "the orphan to go")
    assert stack.ledger()["allocated"] == amounts(2, 64, 0)
    host.virsh("destroy", "web")
    fleet.wait_for_reason("web", "Defined", "Placed")
    assert fleet.instances.get("web")["status"]["powerState"] == "Shutoff"
    fleet.until(stack.is_settled, "the ledger to see it")
    assert stack.ledger()["allocated"]["memoryMiB"] == 64, "a stopped guest is charged in full"


def test_what_the_host_has_is_what_libvirt_and_the_kernel_say(stack: Stack) -> None:
    _wait_ready(stack)
    said = dict(line.split(":", 1) for line in stack.host.virsh("nodeinfo").splitlines() if ":" in line)
    capacity = stack.node()["status"]["report"]["capacity"]
    assert capacity["vcpus"] == int(said["CPU(s)"])
    # Not nodeinfo's memory: on a machine with hot-plugged memory it leaves that out.
    total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:"))
    assert capacity["memoryMiB"] == int(total.split()[1]) // 1024
    test = stack.node(TEST_NODE)["status"]
    assert {key: test["report"]["capacity"][key] for key in ("vcpus", "memoryMiB")} == {"vcpus": 16, "memoryMiB": 3072}
    assert list(stack.guests(TEST_NODE)) == ["test"]


@pytest.mark.parametrize("amounts_of", [NOBODY_ELSES], ids=["amounts that nobody else moves"])
def test_after_each_program_was_killed_the_same_state_comes_back_and_nothing_is_written(stack: Stack) -> None:
    fleet, host = stack.fleet, stack.host
    _wait_ready(stack)
    uuid = host.start_guest("web", memory_mib=32)
    fleet.instance(QEMU_NODE, name="web", uuid=uuid, memoryMiB=32)
    fleet.wait_for_reason("web", "Running", "Placed")
    fleet.until(stack.is_settled, "the ledger to settle")
    before, (holder, _) = _state(stack), _lease(stack)
    position = stack.cluster.audit_log.position()
    for program in (stack.agent, stack.controller):
        program.end(signal.SIGKILL)
        program.start()
    stack.cluster.apiserver.kill()
    stack.cluster.apiserver.start()
    _wait_for_audits_after(stack, holder)
    probe = fleet.instance("", name="probe")
    fleet.wait_for_reason(probe, "Unbound")
    changed = differences(before, _state(stack))
    assert not changed, "\n".join(changed)
    writes = [
        write
        for user in (AGENT, CONTROLLER)
        for write in stack.cluster.audit_log.writes(since=position, user=user, resource="computenodes")
    ]
    assert [w for w in writes if w.subresource != "status" or w.user != AGENT.name] == [], "only the agent's compare"
    assert {guest["name"] for guest in stack.guests().values()} == {"web"}


def _state(stack: Stack) -> dict[str, Object]:
    """Everything that is stored of the hosts and Instances, to the resourceVersion."""
    nodes = {name: stack.node(name) for name in (QEMU_NODE, TEST_NODE)}
    return {**nodes, "web": stack.fleet.instances.get("web")}


def _lease(stack: Stack) -> tuple[str, set[str]]:
    """Who holds the agent's, and of which ComputeNodes it proves an audit."""
    found = stack.fleet.leases.get(QEMU_NODE)
    audits: Object = json.loads(found["metadata"]["annotations"][AUDITS_ANNOTATION])
    return found["spec"]["holderIdentity"], set(audits)


def _wait_for_audits_after(stack: Stack, holder: str) -> None:
    """The new agent has looked at both hosts and found that the API server knows what it saw."""

    def proven() -> bool:
        now, audits = _lease(stack)
        return now != holder and audits == {QEMU_NODE, TEST_NODE}

    stack.fleet.until(proven, "the new agent's audits in its Lease")
