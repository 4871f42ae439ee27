"""A true copy, whatever becomes of the watch; in a time that is made up."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from hypertally.kube.aio import AsyncKubeClient, Event, Listing, _decoded
from hypertally.kube.errors import KubeError, ServerError, TooManyRequests
from hypertally.kube.kinds import COMPUTE_NODE
from hypertally.kube.reflector import Backoff, Reflector
from tests.support.virtual_time import run

Watch = list[Event | KubeError]


class Even(Backoff):
    def wait(self, failures: int) -> float:
        return self.first * 2.0**failures


def obj(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


def error(code: int) -> Event:
    return Event("ERROR", {"code": code, "message": "said so"})


class Server:
    """Answers lists and watches in order; then it keeps the last watch open."""

    def __init__(self, lists: list[Listing], watches: list[Watch]) -> None:
        self.lists, self.watches = lists, watches
        self.asked: list[tuple[float, str]] = []

    def _note(self, what: str) -> None:
        self.asked.append((asyncio.get_running_loop().time(), what))

    async def pages(self, *_: Any, **__: Any) -> AsyncIterator[Listing]:
        """Each object on a page of its own."""
        self._note("list")
        listing = self.lists.pop(0)
        yield Listing([], listing.resource_version)
        for item in listing.items:
            yield Listing([item], listing.resource_version)

    async def watch(self, _: Any, version: str, **__: Any) -> AsyncIterator[Event]:
        self._note(f"watch {version}")
        if not self.watches:
            await asyncio.sleep(10_000)
        for event in self.watches.pop(0):
            if isinstance(event, KubeError):
                raise event
            yield event


class Copy:
    def __init__(self) -> None:
        self.names: set[str] = set()

    def take(self, objects: list[dict[str, Any]]) -> set[str]:
        found = {one["metadata"]["name"] for one in objects}
        self.names |= found
        return found

    def keep(self, keys: set[str]) -> None:
        self.names &= keys

    def put(self, obj: dict[str, Any]) -> None:
        self.names.add(obj["metadata"]["name"])

    def remove(self, obj: dict[str, Any]) -> None:
        self.names.discard(obj["metadata"]["name"])


def reflected(server: Server) -> Copy:
    async def main() -> Copy:
        copy, loop = Copy(), asyncio.get_running_loop()
        client = cast("AsyncKubeClient", server)
        reflector = Reflector(client, COMPUTE_NODE, copy, backoff=Even(first=1.0), clock=loop.time)
        task = asyncio.create_task(reflector.run())
        await asyncio.sleep(100)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return copy

    return run(main())


def test_what_the_watch_tells_is_copied() -> None:
    server = Server([Listing([obj("a", 1)], "5")], [[Event("ADDED", obj("b", 6)), Event("DELETED", obj("a", 7))]])
    assert reflected(server).names == {"b"}
    assert [what for _, what in server.asked] == ["list", "watch 5", "watch 7"]


def test_a_history_that_is_gone_is_listed_anew_and_what_vanished_in_the_gap_is_removed() -> None:
    lists = [Listing([obj("a", 1), obj("b", 2)], "5"), Listing([obj("b", 2)], "9")]
    server = Server(lists, [[error(410)]])
    assert reflected(server).names == {"b"}
    assert server.asked == [(0, "list"), (0, "watch 5"), (1, "list"), (1, "watch 9")]


@pytest.mark.parametrize("watch", [[error(500)], [], [ServerError("a line of a watch is no event")]])
def test_a_watch_that_fails_or_ends_at_once_is_asked_for_later_and_later(watch: Watch) -> None:
    server = Server([Listing([], "5")], [list(watch), list(watch), list(watch)])
    reflected(server)
    assert server.asked == [(0, "list"), (0, "watch 5"), (1, "watch 5"), (3, "watch 5"), (7, "watch 5")]


def test_a_loaded_server_is_not_asked_before_it_wants_to_be() -> None:
    loaded = TooManyRequests("too many requests")
    loaded.retry_after = 8.0
    server = Server([Listing([], "5")], [[loaded]])
    reflected(server)
    assert 8 <= server.asked[2][0] <= 12


@pytest.mark.parametrize("line", [b"{", b"[]", b"5", b'{"type": "ADDED"}', b'{"type": "ADDED", "object": 5}', b"\xff"])
def test_a_line_that_is_no_event_is_an_error_that_is_tried_again(line: bytes) -> None:
    with pytest.raises(KubeError, match="a line of a watch is no event"):
        _decoded(line)
