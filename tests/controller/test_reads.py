"""Live reads see what is so at the API server, whatever a cache remembers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import uuid4

from hypertally.api.names import CONTROLLER_MANAGER, LEASE_NAMESPACE
from hypertally.controller.reads import LiveReads
from hypertally.kube.access import find_access
from hypertally.kube.aio import AsyncKubeClient, Deadlines, open_session
from tests.support.fleet import Fleet

T = TypeVar("T")


def read(fleet: Fleet, ask: Callable[[LiveReads], Awaitable[T]]) -> T:
    access = find_access(str(fleet.cluster.kubeconfig_for("controller")))

    async def once() -> T:
        async with open_session(access, CONTROLLER_MANAGER) as session:
            client = AsyncKubeClient(access, session, CONTROLLER_MANAGER, Deadlines())
            return await ask(LiveReads(client, LEASE_NAMESPACE))

    return asyncio.run(once())


def test_a_guest_is_accounted_as_long_as_its_instance_is_there_and_has_a_home(fleet: Fleet) -> None:
    host, homeless, placed = fleet.host(), str(uuid4()), str(uuid4())
    names = [fleet.instance(at, uuid=uuid) for at, uuid in (("", homeless), (host.name, placed))]
    fleet.wait_for_home(names[1], host.name)
    keys = [f"default/{name}" for name in names]
    assert read(fleet, lambda reads: reads.accounted(keys)) == {placed}
    fleet.instances.delete(names[1])
    assert read(fleet, lambda reads: reads.accounted(keys)) == frozenset()
