"""What is to be reconciled: each key at most once, never twice at a time, failures later and later."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from hypertally.kube.reflector import Backoff


class Subject(StrEnum):
    NODE = "ComputeNode"
    INSTANCE = "Instance"
    MIGRATION = "Migration"


@dataclass(frozen=True)
class Task:
    """One object to be looked at; `key` is its name, with its namespace where it has one."""

    subject: Subject
    key: str


@dataclass(frozen=True)
class Again:
    """It failed and is to be tried again. `asked`: seconds for which the server does not want to see it."""

    asked: float | None = None


_Line = OrderedDict[Task, None]


class WorkQueue:
    """Bounded by the number of objects there are. As client-go's: a key added while it is worked on comes again.

    ComputeNodes have a line of their own and every second turn: after a start there are few of them among all the
    Instances, and an admission waits for a ledger.
    """

    def __init__(self, backoff: Backoff | None = None) -> None:
        self._backoff = backoff or Backoff(first=0.05, most=20.0)
        self._nodes: _Line = OrderedDict()  # a dict finds its first key slowly after many deletions
        self._others: _Line = OrderedDict()
        self._node_is_next = True
        self._working: set[Task] = set()
        self._again: set[Task] = set()
        self._failures: dict[Task, int] = {}
        self._timers: dict[Task, asyncio.TimerHandle] = {}
        self._after: dict[Task, set[Task]] = {}
        """Who follows the turn that is to come, and the one that is under way."""
        self._during: dict[Task, set[Task]] = {}
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._nodes) + len(self._others) + len(self._working) + len(self._timers)

    def add(self, task: Task) -> None:
        if task in self._working:
            self._again.add(task)
            return
        line = self._nodes if task.subject is Subject.NODE else self._others
        line[task] = None
        self._news.set()

    def add_later(self, task: Task, seconds: float) -> None:
        if task not in self._timers:
            self._timers[task] = asyncio.get_running_loop().call_later(seconds, self._due, task)

    def add_after(self, task: Task, first: Task) -> bool:
        """Adds it when the next turn of `first`, or the one under way if no other is to come, has ended, well or not.
        False, and nothing happens, if that one has nothing to do, or if the task has failed and waits for its time."""
        if task in self._failures:
            return False
        if first in self._nodes or first in self._others or first in self._again:
            self._after.setdefault(first, set()).add(task)
            return True
        return self.add_at_end(task, first)

    def add_at_end(self, task: Task, first: Task) -> bool:
        """As `add_after`, of the turn of `first` that is under way, whether another is to come or not."""
        if task in self._failures or first not in self._working:
            return False
        self._during.setdefault(first, set()).add(task)
        return True

    async def work(self, handle: Callable[[Task], Awaitable[Again | None]]) -> None:
        """One worker, until cancelled. `handle` answers with nothing if it is done."""
        while True:
            task = await self._take()
            await asyncio.sleep(0)  # most tasks end without waiting for anything: watches must be read all the same
            try:
                again = await handle(task)
            finally:
                self._working.discard(task)
            self._finish(task, again)

    def _finish(self, task: Task, again: Again | None) -> None:
        if again is None:
            self._failures.pop(task, None)
        else:
            self._failures[task] = self._failures.get(task, 0) + 1
            self.add_later(task, self._backoff.after(self._failures[task] - 1, again.asked))
        if task in self._again:
            self._again.discard(task)
            self.add(task)
        for follower in self._during.pop(task, ()):
            self.add(follower)

    def _due(self, task: Task) -> None:
        del self._timers[task]
        self.add(task)

    async def _take(self) -> Task:
        while not self._nodes and not self._others:
            self._news.clear()
            await self._news.wait()
        line = self._nodes if self._nodes and (self._node_is_next or not self._others) else self._others
        self._node_is_next = line is self._others
        task, _ = line.popitem(last=False)
        self._working.add(task)
        if task in self._after:
            self._during[task] = self._after.pop(task)
        return task
