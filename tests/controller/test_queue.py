"""The work queue, in a time that is made up."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from hypertally.controller.queue import Again, Subject, Task, WorkQueue
from hypertally.kube.reflector import Backoff
from tests.support.virtual_time import run

Handle = Callable[[Task], Awaitable[Again | None]]


class Even(Backoff):
    def wait(self, failures: int) -> float:
        return min(self.most, self.first * 2.0**failures)


def task(key: str) -> Task:
    return Task(Subject.NODE, key)


async def drained(queue: WorkQueue, handle: Handle, workers: int = 1) -> None:
    tasks = [asyncio.create_task(queue.work(handle)) for _ in range(workers)]
    while len(queue):  # noqa: ASYNC110  # the queue tells nobody that it is empty, and time is made up
        await asyncio.sleep(0.25)
    for worker in tasks:
        worker.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Log:
    def __init__(self, *, done_at: int = 1, asked: float | None = None) -> None:
        self.seen: list[tuple[float, str]] = []
        self.done_at, self.asked = done_at, asked

    async def __call__(self, one: Task) -> Again | None:
        self.seen.append((asyncio.get_running_loop().time(), one.key))
        return None if len(self.seen) >= self.done_at else Again(self.asked)


def test_tasks_come_once_each_in_the_order_they_were_added() -> None:
    async def main() -> list[str]:
        queue, log = WorkQueue(), Log()
        for key in "bacab":
            queue.add(task(key))
        await drained(queue, log)
        return [key for _, key in log.seen]

    assert run(main()) == ["b", "a", "c"]


def test_a_node_waits_for_one_other_task_at_most_and_the_others_wait_for_one_node() -> None:
    async def main() -> list[str]:
        queue, log = WorkQueue(), Log()
        for key in ("a", "b", "c"):
            queue.add(Task(Subject.INSTANCE, key))
        for key in ("n", "o"):
            queue.add(task(key))
        await drained(queue, log)
        return [key for _, key in log.seen]

    assert run(main()) == ["n", "a", "o", "b", "c"]


def test_tasks_that_wait_for_nothing_do_not_stop_the_event_loop() -> None:
    async def main() -> list[str]:
        queue, log = WorkQueue(), Log()
        for key in "abcdef":
            queue.add(task(key))
        worker = asyncio.create_task(queue.work(log))
        for _ in range(3):
            await asyncio.sleep(0)
        worker.cancel()
        return [key for _, key in log.seen]

    assert 0 < len(run(main())) < len("abcdef")


def test_a_task_added_while_it_is_worked_on_comes_again_but_never_twice_at_a_time() -> None:
    async def main() -> tuple[int, int]:
        queue, at_once, most, times = WorkQueue(), 0, 0, 0

        async def handle(one: Task) -> None:
            nonlocal at_once, most, times
            at_once, times = at_once + 1, times + 1
            most = max(most, at_once)
            if times == 1:
                queue.add(one)
                queue.add(one)
            await asyncio.sleep(1)
            at_once -= 1

        queue.add(task("a"))
        await drained(queue, handle, workers=4)
        return times, most

    assert run(main()) == (2, 1)


@pytest.mark.parametrize("again", [None, Again()])
def test_who_follows_another_comes_when_that_ones_turn_has_ended_well_or_not(again: Again | None) -> None:
    async def main() -> tuple[list[str], bool]:
        queue, follower, seen = WorkQueue(), Task(Subject.INSTANCE, "i"), list[str]()

        async def handle(one: Task) -> Again | None:
            await asyncio.sleep(1)
            seen.append(one.key)
            return again if seen == ["n"] else None

        queue.add(task("n"))
        assert queue.add_after(follower, task("n"))
        assert queue.add_after(follower, task("n"))
        worker = asyncio.create_task(queue.work(handle))
        await asyncio.sleep(0.5)
        assert queue.add_after(follower, task("n"))
        await asyncio.sleep(9.5)
        worker.cancel()
        return seen, queue.add_after(follower, task("n"))

    first = ["n", "i"] if again is None else ["n", "n", "i"]
    seen, follows_nobody = run(main())
    assert sorted(seen) == sorted(first)
    assert seen[0] == "n"
    assert not follows_nobody


def test_who_follows_a_task_that_is_to_come_again_comes_after_that() -> None:
    async def main() -> list[str]:
        queue, seen = WorkQueue(), list[str]()

        async def handle(one: Task) -> None:
            if not seen:
                queue.add(task("n"))
                queue.add_after(Task(Subject.INSTANCE, "i"), task("n"))
            seen.append(one.key)
            await asyncio.sleep(1)

        queue.add(task("n"))
        await drained(queue, handle, workers=2)
        return seen

    assert run(main()) == ["n", "n", "i"]


def test_who_waits_for_the_end_of_a_turn_does_not_wait_for_the_one_after_it() -> None:
    async def main() -> tuple[list[str], bool]:
        queue, follower, seen = WorkQueue(), Task(Subject.INSTANCE, "i"), list[str]()

        async def handle(one: Task) -> None:
            if not seen:
                queue.add(task("n"))
                queue.add_at_end(follower, task("n"))
            seen.append(one.key)
            await asyncio.sleep(len(seen))  # the second turn is longer: who waited for it comes last

        queue.add(task("n"))
        waits_for_a_turn_to_come = queue.add_at_end(follower, task("n"))
        await drained(queue, handle, workers=2)
        return seen, waits_for_a_turn_to_come

    seen, waits = run(main())
    assert seen == ["n", "i", "n"]
    assert not waits


def test_who_has_failed_follows_nobody_and_keeps_its_own_time() -> None:
    async def main() -> tuple[bool, list[float]]:
        queue, log = WorkQueue(Even(first=1.0, most=4.0)), Log(done_at=2)
        queue.add(task("a"))
        worker = asyncio.create_task(queue.work(log))
        await asyncio.sleep(0.5)
        queue.add(Task(Subject.NODE, "n"))
        follows = queue.add_after(task("a"), task("n"))
        await asyncio.sleep(2)
        worker.cancel()
        return follows, [at for at, key in log.seen if key == "a"]

    follows, seen = run(main())
    assert not follows
    assert len(seen) == 2


def test_what_fails_comes_later_and_later_and_starts_anew_once_it_succeeded() -> None:
    async def main() -> list[float]:
        queue, log = WorkQueue(Even(first=1.0, most=4.0)), Log(done_at=5)
        queue.add(task("a"))
        await drained(queue, log)
        log.done_at = 7
        queue.add(task("a"))
        await drained(queue, log)
        at = [moment for moment, _ in log.seen]
        return [round(b - a, 6) for a, b in pairwise(at[:5])] + [round(at[6] - at[5], 6)]

    assert run(main()) == [1, 2, 4, 4, 1]


def test_what_the_server_wants_to_see_later_comes_later_but_no_later_than_the_longest_pause() -> None:
    async def waited(asked: float) -> float:
        queue, log = WorkQueue(Even(first=1.0, most=4.0)), Log(done_at=2, asked=asked)
        queue.add(task("a"))
        await drained(queue, log)
        return log.seen[1][0] - log.seen[0][0]

    assert 1 <= run(waited(0.5)) <= 1.001
    assert 3 <= run(waited(3.0)) <= 4.5
    assert 4 <= run(waited(3600.0)) <= 6


class Counted(str):
    """A key that counts how often it is looked at."""

    __slots__ = ()
    steps = 0

    def __hash__(self) -> int:
        Counted.steps += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        Counted.steps += 1
        return super().__eq__(other)


def _steps(number: int) -> int:
    async def main() -> int:
        queue, log = WorkQueue(), Log()
        for n in range(number):
            queue.add(task(Counted(n)))
        await drained(queue, log)
        assert len(log.seen) == number
        return Counted.steps

    Counted.steps = 0
    return run(main())


def test_a_hundred_thousand_tasks_take_a_hundred_times_the_steps_of_a_thousand() -> None:
    assert _steps(100_000) <= 1.2 * 100 * _steps(1000)
