"""What each kind of fault does: begins on entry, is over on exit, with everything up again that it took down."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock

import urllib3

from devcluster import ClusterError

from .plan import CONTROLLERS, NETWORK, Kind, Planned
from .world import CRDS, NODES, World, is_ready

_HOUR = 3600
_SECONDS = 180.0
_AGAIN_SECONDS = 0.3
_DOOMED = 3
"""Instances that are deleted while nobody hears of it."""


@dataclass
class Fault:
    """One that began, and perhaps ended, by the monotonic clock."""

    planned: Planned
    began: float
    ended: float = float("inf")

    def __str__(self) -> str:
        end = f"{self.ended - self.began:.1f} s" if self.ended < float("inf") else "not over"
        return f"{self.planned} ({end})"


@dataclass
class Log:
    """Of all faults so far."""

    faults: list[Fault] = field(default_factory=list)
    absences: list[list[int]] = field(default_factory=list)
    """Revisions between which the kinds were taken away and given back: first, and last once it is known."""
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def noting(self, planned: Planned) -> Iterator[None]:
        fault = Fault(planned, time.monotonic())
        with self._lock:
            self.faults.append(fault)
        try:
            yield
        finally:
            fault.ended = time.monotonic()

    def calm(self, host: str) -> float:
        """Seconds since anything was wrong that concerns the host."""
        with self._lock:
            ends = [fault.ended for fault in self.faults if not fault.planned.spares(host)]
        return time.monotonic() - max(ends, default=float("-inf"))

    def around(self, seconds: float) -> list[str]:
        """What was wrong within the last seconds."""
        now = time.monotonic()
        with self._lock:
            recent = [fault for fault in self.faults if fault.ended > now - seconds]
        return [f"{fault.began - now:+6.1f} s  {fault}" for fault in recent]

    def was_absent(self, revision: int) -> bool:
        """Objects may go then because their kind does."""
        return any(first <= revision and (not last or revision <= last[0]) for first, *last in self.absences)


def fault(world: World, planned: Planned, log: Log) -> AbstractContextManager[None]:
    if planned.kind is Kind.KINDS:
        return _kinds_gone(world, log)
    return _FAULTS[planned.kind](world, planned)


@contextmanager
def _killed(world: World, planned: Planned) -> Iterator[None]:
    part = world.parts[planned.target]
    part.kill()
    try:
        yield
    finally:
        part.start()


@contextmanager
def _frozen(world: World, planned: Planned) -> Iterator[None]:
    part = world.parts[planned.target]
    part.freeze()
    try:
        yield
    finally:
        part.thaw()


@contextmanager
def _restarted(world: World, planned: Planned) -> Iterator[None]:
    part = world.parts[planned.target]
    part.stop()
    part.start()
    yield


@contextmanager
def _weather(world: World, planned: Planned) -> Iterator[None]:
    proxy = world.proxies[planned.target]
    proxy.weather = planned.kind
    try:
        yield
    finally:
        proxy.weather = None


@contextmanager
def _expired(world: World, _: Planned) -> Iterator[None]:
    """Both controllers hear nothing while objects go and the history of that is compacted: the API server's own memory
    of it goes with a restart. What they then ask to go on from is too old."""
    proxies = [world.proxies[name] for name in CONTROLLERS]
    for proxy in proxies:
        proxy.closed = True
    try:
        yield
        _delete_some(world)
        world.parts["apiserver"].kill()
        with suppress(urllib3.exceptions.HTTPError):
            _compact(world)
    finally:
        world.parts["apiserver"].start()
        for proxy in proxies:
            proxy.closed = False


def _delete_some(world: World) -> None:
    listed = world.api.list("instances").body.get("items", [])
    for instance in sorted(listed, key=lambda item: str(item["metadata"]["name"]))[:_DOOMED]:
        world.api.delete("instances", instance["metadata"]["name"])


def _compact(world: World) -> None:
    newest = _ask_etcd(world, "kv/range", {"key": "Lw=="})["header"]["revision"]
    _ask_etcd(world, "kv/compaction", {"revision": newest, "physical": True})


@contextmanager
def _clock(world: World, planned: Planned) -> Iterator[None]:
    world.set_clock(planned.target, _HOUR if planned.kind is Kind.CLOCK_FORWARD else -_HOUR)
    try:
        yield
    finally:
        world.set_clock(planned.target, 0)


@contextmanager
def _token(world: World, planned: Planned) -> Iterator[None]:
    """The old one is refused before the new one is there."""
    world.tokens.revoke(planned.target)
    try:
        yield
    finally:
        world.tokens.renew(planned.target)


@contextmanager
def _full(world: World, _: Planned) -> Iterator[None]:
    """The alarm that etcd raises when its space is used up: it reads on and refuses to write until somebody has made
    room and taken the alarm back."""
    _patiently(lambda: _alarm(world, "ACTIVATE"))
    try:
        yield
    finally:
        _patiently(lambda: _alarm(world, "DEACTIVATE"))


def _alarm(world: World, action: str) -> bool:
    said = _ask_etcd(world, "maintenance/alarm", {"action": action, "memberID": "0", "alarm": "NOSPACE"})
    return "header" in said


@contextmanager
def _kinds_gone(world: World, log: Log) -> Iterator[None]:
    """All ComputeNodes, Instances and Migrations go with their kinds. Agents make theirs anew; whoever declared
    Instances declares them again."""
    absence = [_revision(world)]
    log.absences.append(absence)
    _patiently(lambda: _kubectl(world, "delete", "-f", str(CRDS), "--ignore-not-found", "--timeout=20s"))
    try:
        yield
    finally:
        _patiently(lambda: _apply_kinds(world))
        _patiently(lambda: _are_back(world))
        absence.append(_revision(world))


def _revision(world: World) -> int:
    found: list[int] = []

    def ask() -> bool:
        answer = world.api.list("nodes", limit="1")
        found.extend([int(answer.body["metadata"]["resourceVersion"])] if answer.ok else [])
        return answer.ok

    _patiently(ask)
    return found[-1]


def _apply_kinds(world: World) -> bool:
    world.cluster.apply(CRDS)
    return True


def _are_back(world: World) -> bool:
    found = {node["metadata"]["name"]: node for node in world.api.list("computenodes").body.get("items", [])}
    return all(is_ready(found.get(name, {})) or name not in found for name in NODES) and bool(found)


def _kubectl(world: World, *arguments: str) -> bool:
    world.cluster.kubectl(*arguments)
    return True


def _ask_etcd(world: World, path: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
    url = f"{world.cluster.etcd_url}/v3/{path}"
    answer = urllib3.request("POST", url, json=body, timeout=urllib3.Timeout(5.0), retries=False)
    said: dict[str, dict[str, str]] = answer.json()
    return said


def _patiently(ask: Callable[[], bool]) -> None:
    """Other parts may be down at the same time."""
    deadline = time.monotonic() + _SECONDS
    while True:
        with suppress(ClusterError, urllib3.exceptions.HTTPError, OSError, KeyError):
            if ask():
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{ask} did not work within {_SECONDS:g} s")
        time.sleep(_AGAIN_SECONDS)


_FAULTS: Mapping[Kind, Callable[[World, Planned], AbstractContextManager[None]]] = {
    Kind.KILL: _killed,
    Kind.FREEZE: _frozen,
    Kind.RESTART: _restarted,
    **dict.fromkeys((*NETWORK, Kind.STALE), _weather),
    Kind.EXPIRED: _expired,
    Kind.CLOCK_FORWARD: _clock,
    Kind.CLOCK_BACK: _clock,
    Kind.TOKEN: _token,
    Kind.FULL: _full,
}
