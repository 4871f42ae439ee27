"""When an Instance is told something, beside a host that has something to do. The API server is made up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hypertally.controller.cache import Cache
from hypertally.controller.events import Events
from hypertally.controller.instances import InstanceReconciler
from hypertally.controller.kit import Kit
from hypertally.controller.nodes import NodeReconciler
from hypertally.controller.queue import Subject, Task, WorkQueue
from hypertally.controller.reads import LiveReads
from hypertally.kube.kinds import Ref
from tests.support.samples import NOW, Object, amounts, ledger, report, uuid

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
    client: Any = server
    cache = Cache(queue.add, lambda: 0.0, 50.0)
    cache.nodes.put(server.node)
    cache.instances.put(server.instance)
    kit = Kit(client, LiveReads(client, "leases"), cache, Events(client, lambda: NOW), lambda: NOW)
    return InstanceReconciler(kit, NodeReconciler(kit), queue)


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

    def test_its_claim_is_told_once_the_answer_is_there(self, claim: Object) -> None:
        server = Server(claim)
        assert asyncio.run(told_beside_a_turn(server, 1)) == []
        assert server.reads == 0

    def test_a_host_that_is_written_for_ever_does_not_keep_it_from_being_told(self, claim: Object) -> None:
        server = Server(claim)
        assert asyncio.run(told_beside_a_turn(server, 2)) == ["i at n"]
        assert server.reads == 1, "what no answer proves is read"


async def told_beside_a_turn(server: Server, count: int) -> list[str]:
    """The host's turn is under way all the while."""
    queue = WorkQueue()
    instance = reconciler(server, queue)
    queue.add(HOST)

    async def write(_: Task) -> None:
        for _turn in range(count):
            await instance.reconcile(INSTANCE.key)

    await _one_turn(queue, write)
    return server.homes


async def _one_turn(queue: WorkQueue, handle: Callable[[Task], Awaitable[None]]) -> None:
    """The first task's, and no other's."""
    done = asyncio.Event()

    async def once(task: Task) -> None:
        await handle(task)
        done.set()
        await asyncio.Event().wait()

    worker = asyncio.create_task(queue.work(once))
    await done.wait()
    worker.cancel()
