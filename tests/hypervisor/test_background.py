"""Questions that may hang cost their own part only: nobody waits for them twice, and they do not pile up."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hypertally.hypervisor.background import Background
from hypertally.hypervisor.errors import HypervisorUnavailable
from hypertally.hypervisor.facts import Unread


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    """Answers once it is let go."""

    def __init__(self) -> None:
        self.questions = 0
        self.alive = threading.Event()

    def ask(self) -> int:
        self.questions += 1
        assert self.alive.wait(20)
        return self.questions


def test_an_answer_is_given_at_once() -> None:
    assert Background[int]().look("it", lambda: 7, patience=20) == 7


def test_an_answer_is_kept_as_long_as_asked_for() -> None:
    clock, answers = Clock(), iter(range(10))
    background: Background[int] = Background(clock)
    seen = []
    for _ in range(4):
        seen.append(background.look("it", lambda: next(answers), patience=20, keep=50))
        clock.now += 30
    assert seen == [0, 0, 1, 1]


def test_without_keeping_each_look_asks_anew() -> None:
    answers = iter(range(10))
    background: Background[int] = Background()
    assert [background.look("it", lambda: next(answers), patience=20) for _ in range(3)] == [0, 1, 2]


def test_one_that_hangs_is_waited_for_once_and_asked_once() -> None:
    clock, server = Clock(), Server()
    background: Background[int] = Background(clock)
    assert background.look("/nfs", server.ask, patience=0.05) == Unread("/nfs: no answer for 0 s")
    clock.now += 100
    assert background.look("/nfs", server.ask, patience=10) == Unread("/nfs: no answer for 100 s")
    assert server.questions == 1
    server.alive.set()
    with ThreadPoolExecutor(1) as pool:
        # The late answer is there now; without keeping, whoever looks asks anew.
        assert pool.submit(_until_answered, background, server).result(20) >= 1


def _until_answered(background: Background[int], server: Server) -> int:
    while True:
        seen = background.look("/nfs", server.ask, patience=200)
        if isinstance(seen, int):
            return seen


def test_what_is_raised_is_raised_where_it_is_waited_for() -> None:
    def fail() -> int:
        raise HypervisorUnavailable("gone")

    with pytest.raises(HypervisorUnavailable, match="gone"):
        Background[int]().look("it", fail, patience=20)
