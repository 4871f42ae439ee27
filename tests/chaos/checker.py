"""Looks at everything all the time, with nothing of the programs' own code, and notes what is not as it must be."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Event, Lock, Thread
from typing import Self

from .books import Books
from .client import Api, Gone, Object
from .faults import Log
from .invariants import EveryGuestCharged, NothingLost, rewritten, standing
from .seen import Eyes, Guests, Snapshot, take_snapshot
from .settled import unsettled
from .world import NODES, World

_PAUSE_SECONDS = 0.5
_AGAIN_SECONDS = 0.3
_JOIN_SECONDS = 30.0
_TRIES = 3


@dataclass(frozen=True)
class Tick:
    """One look at everything."""

    snapshot: Snapshot
    looks: Mapping[str, Guests | None]


@dataclass
class Tally:
    """How much was looked at."""

    snapshots: int = 0
    deletions: int = 0
    quiet: int = 0
    gaps: int = 0


@dataclass
class Checker:
    """A context manager: it looks, in threads of its own, until the block ends. `violations`: what it found."""

    world: World
    log: Log
    declared: Callable[[], Mapping[str, Object]]
    violations: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    books: Books = field(default_factory=Books)
    last: Tick | None = None
    _over: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.charged = EveryGuestCharged(self.books.charges, self.log.calm)
        self.kept = NothingLost(self.books.roomless)
        self._eyes = {name: Eyes(host) for name, host in self.world.hosts.items()}
        self._api, self._watching = Api(self.world.cluster), Api(self.world.cluster)

    def __enter__(self) -> Self:
        loops = {"checker": self._look_around, "watch": self._watch}
        self._threads = [Thread(target=self._guarded, args=(f,), name=name, daemon=True) for name, f in loops.items()]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    def _guarded(self, loop: Callable[[], None]) -> None:
        """A checker that fell over finds nothing wrong: that is a violation itself."""
        try:
            loop()
        except Exception as error:  # noqa: BLE001
            self._complain([f"the checker failed: {type(error).__name__}: {error}"])

    def _complain(self, complaints: list[str]) -> None:
        with self._lock:
            self.violations += complaints

    # -- all that is stored, and all that runs, again and again

    def _look_around(self) -> None:
        before = self._look()
        while not self._over.wait(_PAUSE_SECONDS):
            snapshot = take_snapshot(self._api)
            after = self._look()
            if snapshot is not None:
                self._judge(snapshot, before, after)
            before = after

    def _look(self) -> dict[str, Guests | None]:
        return {name: eyes.look() for name, eyes in self._eyes.items()}

    def _judge(
        self, snapshot: Snapshot, before: Mapping[str, Guests | None], after: Mapping[str, Guests | None]
    ) -> None:
        self.tally.snapshots += 1
        if not self.log.was_absent(snapshot.version):
            self._complain(self.kept.look(snapshot))
        self._complain(self.charged.look(snapshot, before, after))
        self.last = Tick(snapshot, after)

    # -- every version of every ComputeNode

    def _watch(self) -> None:
        version = ""
        while not self._over.is_set():
            try:
                version = version or self._list()
                for type_, node in self._watching.watch("computenodes", version) if version else ():
                    version = node["metadata"]["resourceVersion"]
                    self._take(type_, node)
                    if self._over.is_set():
                        return
            except Gone:
                version = ""
            self._over.wait(_AGAIN_SECONDS)

    def _list(self) -> str:
        """Where a watch goes on from; nothing, if nobody answers."""
        answer = self._watching.list("computenodes")
        if not answer.ok:
            return ""
        self.tally.gaps += 1
        for node in answer.body["items"]:
            self._complain(self.books.take(node, gap=True))
        return str(answer.body["metadata"]["resourceVersion"])

    def _take(self, type_: str, node: Object) -> None:
        if type_ == "DELETED":
            self._complain(self._deleted(node))
        elif type_ != "BOOKMARK":
            self._complain(self.books.take(node))

    def _deleted(self, node: Object) -> list[str]:
        """By a controller, since nobody else does but who takes the kinds away: what stood for it at that moment?"""
        revision, name = int(node["metadata"]["resourceVersion"]), node["metadata"]["name"]
        if self.log.was_absent(revision):
            return []
        then = take_snapshot(self._watching, revision - 1)
        if then is None or name not in then.nodes:  # the history of that moment is gone, or nobody answers
            then = self.last.snapshot if self.last else None
        if then is None or name not in then.nodes:
            return []
        self.tally.deletions += 1
        kept = standing(name, then.nodes[name], then)
        return [f"{name} was deleted at version {revision}, against {kept}"] if kept else []

    # -- once nothing is broken

    def unsettled(self, since: float) -> list[str]:
        """What has not come to rest, by a look that began after that moment."""
        tick = self.last
        if tick is None or tick.snapshot.at < since:
            return ["nobody has looked since"]
        return unsettled(tick.snapshot, tick.looks, self.declared())

    def check_quiet(self, seconds: float) -> None:
        """An unchanged fleet costs no status writes."""
        first, end = self._living(), time.monotonic() + seconds
        while time.monotonic() < end and not self._over.wait(_AGAIN_SECONDS):
            pass
        last = self._living()
        if first is None or last is None:
            return self._complain(["nobody answers, though nothing is broken"])
        self.tally.quiet += 1
        return self._complain([f"while nothing changed: {complaint}" for complaint in rewritten(first, last)])

    def _living(self) -> Snapshot | None:
        """Without records of hosts that are gone: what is said of these follows time, anew with each controller."""
        found = self._patient_snapshot()
        nodes = {name: found.nodes[name] for name in NODES if name in found.nodes} if found else {}
        return replace(found, nodes=nodes) if found else None

    def _patient_snapshot(self) -> Snapshot | None:
        """An answer that does not come in time is asked for again: a machine may stand still."""
        for _ in range(_TRIES):
            if (found := take_snapshot(self._api)) is not None:
                return found
        return None
