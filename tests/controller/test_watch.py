"""What kopf tells, and what it is not asked to."""

import asyncio
import gc
import re
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from yarl import URL

from devcluster import Cluster, wait_until
from hypertally.controller.watch import KopfWatch, Watched, nothing_at
from hypertally.kube.access import Access, find_access
from hypertally.kube.aio import AsyncKubeClient, Deadlines, Object, open_session
from hypertally.kube.errors import ServerError
from hypertally.kube.kinds import INSTANCE
from tests.support.fleet import SECONDS, Fleet


class Told:
    """A sink that remembers names."""

    def __init__(self) -> None:
        self.put_names: list[str] = []
        self.removed_names: list[str] = []
        self.lists = 0

    def take(self, objects: list[Object]) -> set[str]:
        raise NotImplementedError

    def keep(self, keys: set[str]) -> None:
        raise NotImplementedError

    def put(self, obj: Object) -> None:
        self.put_names.append(obj["metadata"]["name"])

    def remove(self, obj: Object) -> None:
        self.removed_names.append(obj["metadata"]["name"])


def watched(fleet: Fleet, told: Told, first: Callable[[str], Any], change: Callable[[], str], *gone: str) -> str:
    """`first` makes the answer to the first list from its version, or an error; `change` happens before the watch. What
    that made is waited for, and the end of what is `gone`: kopf has a worker for each."""

    async def main() -> str:
        access = find_access(str(fleet.cluster.kubeconfig))
        async with open_session(access, "test") as session:
            client = AsyncKubeClient(access, session, "test", Deadlines())
            version = (await client.list(INSTANCE)).resource_version
            last = await asyncio.to_thread(change)

            async def list_() -> str:
                told.lists += 1
                answer = first(version) if told.lists == 1 else version
                if isinstance(answer, Exception):
                    raise answer
                return str(answer)

            with KopfWatch(access, {INSTANCE.plural: Watched(told, list_)}):
                async with asyncio.timeout(SECONDS):
                    while last not in told.put_names or not {*gone} <= {*told.removed_names}:  # noqa: ASYNC110  # the sink has no event to wait for
                        await asyncio.sleep(0.05)
        return last

    try:
        return asyncio.run(main())
    finally:
        kopf_ends()


def kopf_ends() -> None:
    """What it leaves open would be counted against a later test."""

    def has_ended() -> bool:
        return not any(thread.name.startswith("kopf") for thread in threading.enumerate())

    wait_until(has_ended, seconds=SECONDS, what="kopf to end")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def quiet_fleet(cluster: Cluster) -> Fleet:
    """Nobody but the test writes there: where a controller works, each Instance is soon told something."""
    return Fleet(cluster)


def test_what_happened_since_the_list_is_told_and_what_was_listed_is_not(quiet_fleet: Fleet) -> None:
    stays, goes, told = quiet_fleet.instance(""), quiet_fleet.instance(""), Told()

    def change() -> str:
        quiet_fleet.instances.delete(goes)
        return quiet_fleet.instance("")

    watched(quiet_fleet, told, lambda version: version, change, goes)
    assert (stays in told.put_names, goes in told.removed_names, told.lists) == (False, True, 1)


def test_a_version_that_the_server_no_longer_has_is_listed_anew(quiet_fleet: Fleet) -> None:
    told = Told()
    watched(quiet_fleet, told, lambda _: "1", lambda: quiet_fleet.instance(""))
    assert told.lists > 1


def test_a_list_that_fails_is_asked_for_again(quiet_fleet: Fleet) -> None:
    told = Told()
    watched(quiet_fleet, told, lambda _: ServerError("not now"), lambda: quiet_fleet.instance(""))
    assert told.lists > 1


def test_a_user_whom_the_system_does_not_know_watches_like_any_other(
    quiet_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", unknown)
    told = Told()

    name = watched(quiet_fleet, told, lambda version: version, lambda: quiet_fleet.instance(""))

    assert (name in told.put_names, told.lists) == (True, 1)


def test_kopf_is_answered_with_nothing_of_the_listed_version() -> None:
    url = URL("https://host:1/apis/compute.hypertally.dev/v1alpha1/instances?limit=5")
    asked = nothing_at(url, "77")
    assert asked.path == "/apis/compute.hypertally.dev/v1alpha1/namespaces/default/instances"
    assert (asked.query["resourceVersion"], asked.query["resourceVersionMatch"]) == ("77", "Exact")


def test_a_watch_that_ends_again_and_again_is_complained_of(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ends(**_: object) -> None:
        raise KeyError("getpwuid(): uid not found")

    async def main() -> list[str]:
        watch = KopfWatch(Access("http://127.0.0.1:1", "a test"), {})
        assert watch.complaints() == []
        with watch:
            async with asyncio.timeout(SECONDS):
                while not watch.complaints():  # noqa: ASYNC110  # the thread has no event to wait for
                    await asyncio.sleep(0.05)
            return watch.complaints()

    monkeypatch.setattr("kopf.operator", ends)

    (said,) = asyncio.run(main())
    kopf_ends()

    found = re.search(r"has ended (\d+) times in a row: KeyError: 'getpwuid\(\): uid not found'", said)
    assert found is not None, said
    assert int(found[1]) >= 3, "whoever looks late finds more"
