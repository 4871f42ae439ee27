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


def test_what_is_no_older_than_a_version_is_found_and_where_there_is_none_the_newest(fleet: Fleet) -> None:
    name = f"default/{fleet.instance('')}"
    seen = read(fleet, lambda reads: reads.instance(name))
    assert seen is not None
    version = seen.metadata.resource_version
    again = read(fleet, lambda reads: reads.raw_instance(name, since=version))
    assert again is not None
    assert int(again["metadata"]["resourceVersion"]) >= int(version)
    of_the_future = str(int(version) + 10**6)
    newest = read(fleet, lambda reads: reads.raw_instance(name, since=of_the_future))
    assert newest is not None
    assert int(newest["metadata"]["resourceVersion"]) >= int(version)


def test_what_is_gone_is_gone_for_the_servers_cache_too(fleet: Fleet) -> None:
    name = fleet.instance("")
    key = f"default/{name}"
    seen = read(fleet, lambda reads: reads.instance(key))
    assert seen is not None
    fleet.instances.delete(name)
    since = seen.metadata.resource_version
    fleet.until(lambda: read(fleet, lambda reads: reads.raw_instance(key, since=since)) is None, f"{name} to be gone")
