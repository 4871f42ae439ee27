"""When an Instance is told something, beside a host that has something to do. The API server is made up."""

import asyncio
from typing import Any

import pytest

from hypertally.api.decode import decode
from hypertally.api.instance import Instance
from hypertally.controller.cache import Cache
from hypertally.controller.events import Events
from hypertally.controller.instances import InstanceReconciler
from hypertally.controller.kit import Kit
from hypertally.controller.nodes import NodeReconciler
from hypertally.controller.queue import Subject, Task, WorkQueue
from hypertally.controller.reads import LiveReads
from hypertally.kube.kinds import Ref
from tests.support.samples import NOW, Object, amounts, ledger, report, uuid
from tests.support.virtual_time import run

HOST, INSTANCE = Task(Subject.NODE, "n"), Task(Subject.INSTANCE, "ns/i")


class Server:
    """Has one host and one Instance, and remembers what was written."""

    def __init__(self, *claims: Object) -> None:
        meta = {"uid": "u", "resourceVersion": "1", "generation": 1}
        resources = {"vcpus": 1, "memoryMiB": 1024, "rootDiskMiB": 10240}
        self.node: Object = {
            "metadata": meta | {"name": "n"},
            "spec": {"hypervisorHostname": "n", "hostUUID": "h", "nodeName": "k"},
            "status": {"report": report(guests=[]), "ledger": ledger(claims=list(claims), instances=len(claims))},
        }
        self.instance: Object = {
            "metadata": meta | {"name": "i", "namespace": "ns"},
            "spec": {"uuid": uuid(1), "resources": resources, "computeNodeName": "n"},
        }
        self.homes: list[str] = []
        self.reads = 0

    async def get(self, ref: Ref, since: str = "") -> Object:
        del since
        self.reads += 1
        return self.node if ref.name == "n" else self.instance

    async def patch(self, ref: Ref, operations: list[Object], part: str) -> Object:
        del part
        status = operations[-1]["value"]
        self.homes.append(f"{ref.name} at {status.get('computeNodeName', 'no home')}")
        self.instance = self.instance | {
            "metadata": self.instance["metadata"] | {"resourceVersion": "2"},
            "status": status,
        }
        return self.instance


def reconciler(server: Server, queue: WorkQueue) -> InstanceReconciler:
    return reconcilers(server, queue)[1]


def reconcilers(server: Server, queue: WorkQueue) -> tuple[NodeReconciler, InstanceReconciler]:
    client: Any = server
    cache = Cache(queue.add, lambda: 0.0, 50.0)
    cache.nodes.put(server.node)
    cache.instances.put(server.instance)
    kit = Kit(client, LiveReads(client, "leases"), cache, Events(client, lambda: NOW), lambda: NOW)
    nodes = NodeReconciler(kit)
    return nodes, InstanceReconciler(kit, nodes, queue)


@pytest.fixture
def claim() -> Object:
    return {"uuid": uuid(1), "role": "Running", "namespace": "ns", "name": "i", "instanceUID": "u",
            "resources": amounts(), "instanceGeneration": 1}  # fmt: skip


async def turns(server: Server, count: int) -> list[str]:
    """The host is to be looked at all the while."""
    queue = WorkQueue()
    instance = reconciler(server, queue)
    queue.add(HOST)
    for _ in range(count):
        await instance.reconcile(INSTANCE.key)
    return server.homes


def test_who_waits_for_a_ledger_is_told_so_at_its_second_turn_only() -> None:
    assert asyncio.run(turns(Server(), 1)) == []
    assert asyncio.run(turns(Server(), 2)) == ["i at no home"]


def test_who_holds_a_claim_is_told_its_home_at_once_whatever_the_host_has_to_do(claim: Object) -> None:
    assert asyncio.run(turns(Server(claim), 1)) == ["i at n"]


class TestAWriteWhoseAnswerIsNotThereYet:
    """The watch has brought the ledger before the answer did."""

    def test_its_claim_is_told_when_the_answer_is_there_and_nothing_is_read_for_it(self, claim: Object) -> None:
        server = Server(claim)
        assert run(told_beside_a_turn(server, answer_after=0.1, until=0.15)) == ["i at n"]
        assert server.reads == 0

    def test_not_before(self, claim: Object) -> None:
        server = Server(claim)
        assert run(told_beside_a_turn(server, answer_after=0.1, until=0.05)) == []

    def test_an_answer_that_is_late_or_lost_is_not_waited_for(self, claim: Object) -> None:
        server = Server(claim)
        assert run(told_beside_a_turn(server, answer_after=30.0, until=0.5)) == ["i at n"]
        assert server.reads == 1, "what no answer proves is read"


async def told_beside_a_turn(server: Server, *, answer_after: float, until: float) -> list[str]:
    """The host's turn, which wrote the claim, is under way when the Instance has its first."""
    queue = WorkQueue()
    nodes, instances = reconcilers(server, queue)

    async def handle(task: Task) -> None:
        if task.subject is Subject.NODE:
            known = [decode(server.instance, Instance)]
            await asyncio.sleep(answer_after)
            nodes.written.note(server.node, known)
        else:
            await instances.reconcile(task.key)

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(queue.work(handle)) for _ in range(2)]  # what the cache was given is in the queue
        await asyncio.sleep(until)
        for worker in workers:
            worker.cancel()
    return server.homes
