"""Events take their time, and what somebody should look at goes first."""

import asyncio
import logging
from typing import Any

import pytest

from hypertally.controller import events
from hypertally.controller.events import Events
from hypertally.controller.news import News
from tests.ledger.make import NOW, instance

GOOD, BAD = News("Claimed", "text", warns=False), News("Overcommitted", "text", warns=True)


class Server:
    """Remembers the reasons of what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def create(self, _: object, event: dict[str, Any], namespace: str) -> None:
        del namespace
        self.told.append(event["reason"])


def told(*news: News) -> list[str]:
    """What has been sent by the time that nothing goes at once any more."""

    async def send() -> list[str]:
        server: Any = Server()
        sender = Events(server, lambda: NOW)
        for each in news:
            sender.tell(instance(), each)
        task = asyncio.create_task(sender.run())
        for _ in range(10 * events._AT_ONCE):
            await asyncio.sleep(0)
        task.cancel()
        reasons: list[str] = server.told
        return reasons

    return asyncio.run(send())


def test_a_warning_is_told_before_all_that_waits() -> None:
    assert told(GOOD, GOOD, BAD, GOOD) == ["Overcommitted", "Claimed", "Claimed", "Claimed"]


def test_so_many_are_told_at_once_and_the_others_wait() -> None:
    assert len(told(*[GOOD] * 150)) == events._AT_ONCE


def test_good_news_leave_room_for_warnings_and_one_line_says_that_some_are_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        sent = told(*[GOOD] * 2000, *[BAD] * 50)
    assert sent == ["Overcommitted"] * 50 + ["Claimed"] * 50
    assert len([r for r in caplog.records if "is dropped" in r.message]) == 1
