"""The agents' Leases: who still renews, and which audit answers for which report.

Life is judged by the controller's own clock: it times its own observation of changes, so that no host's clock and no
restart of the controller makes a live agent look dead.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from hypertally.api.compute_node import LeasedAudit, LeasedHost
from hypertally.api.names import AUDITS_ANNOTATION, HOSTS_ANNOTATION
from hypertally.ledger.proof import AgentLook
from hypertally.serving.logs import about

log = logging.getLogger(__name__)

Object = dict[str, Any]
Clock = Callable[[], float]
T = TypeVar("T", LeasedAudit, LeasedHost)


@dataclass(frozen=True)
class Agent:
    """One Lease as last seen."""

    name: str
    holder: str
    version: str
    audits: Mapping[str, LeasedAudit] = field(default_factory=dict)
    hosts: Mapping[str, LeasedHost] = field(default_factory=dict)
    """By ComputeNode name, the host to which the agent's connection leads."""

    def look(self, node: str) -> AgentLook | None:
        leased = self.audits.get(node)
        return AgentLook(self.holder, leased) if leased is not None else None


def read_lease(lease: Object) -> Agent:
    """A Lease whose annotation cannot be read proves nothing, and still says that its agent lives."""
    metadata = lease["metadata"]
    audits = _annotated(metadata, AUDITS_ANNOTATION, LeasedAudit)
    hosts = _annotated(metadata, HOSTS_ANNOTATION, LeasedHost)
    holder = (lease.get("spec") or {}).get("holderIdentity") or ""
    return Agent(metadata["name"], holder, metadata["resourceVersion"], audits, hosts)


def _annotated(metadata: Object, key: str, type_: type[T]) -> dict[str, T]:
    text = (metadata.get("annotations") or {}).get(key, "{}")
    try:
        return msgspec.json.decode(text, type=dict[str, type_])  # type: ignore[valid-type]  # a type at run time
    except msgspec.DecodeError as error:
        extra = about("Lease", f"{metadata['namespace']}/{metadata['name']}")
        log.warning("Lease %s: annotation %s cannot be read: %s", metadata["name"], key, error, extra=extra)
        return {}


class Agents:
    """A reflector's sink. `changed` tells of each change but mere renewals: they prove nothing new."""

    def __init__(self, clock: Clock, grace: float, changed: Callable[[Agent | None, Agent], None]) -> None:
        self._clock = clock
        self._grace = grace
        self._changed = changed
        self._agents: dict[str, Agent] = {}
        self._since: dict[str, float] = {}
        """When each agent's grace began: at its last sign of life, or when this controller first asked."""
        self._heard: set[str] = set()
        self._confirmed_at = float("-inf")

    def look(self, agent: str, node: str) -> AgentLook | None:
        found = self._agents.get(agent)
        return found.look(node) if found else None

    def seen(self, agent: str, node: str) -> LeasedHost | None:
        """The host to which that agent's connection of that name leads."""
        found = self._agents.get(agent)
        return found.hosts.get(node) if found else None

    def quiet_for(self, agent: str) -> float:
        """Seconds since its last sign of life that this controller saw, or since it first asked."""
        return self._clock() - self._since.setdefault(agent, self._clock())

    def is_silent(self, agent: str) -> bool:
        """No sign of life for longer than the grace, and the API server was asked after that."""
        ends = self._grace_ends(agent)
        return self._clock() > ends and self._confirmed_at > ends

    def is_heard(self, agent: str) -> bool:
        """This controller has seen a sign of life: what stood in the first list is none, however young it looks."""
        return agent in self._heard

    def has_suspects(self) -> bool:
        """Somebody may be silent, and the API server was not asked since."""
        now = self._clock()
        return any(now > ends >= self._confirmed_at for ends in map(self._grace_ends, list(self._since)))

    def _grace_ends(self, agent: str) -> float:
        return self._since.setdefault(agent, self._clock()) + self._grace

    def take(self, objects: list[Object]) -> set[str]:
        """A part of a full list: no sign of life, unless of who was known in another version."""
        for lease in objects:
            self.put(lease, is_new=False)
        return {lease["metadata"]["name"] for lease in objects}

    def keep(self, keys: set[str]) -> None:
        """The first list, or a new one after a gap in which nobody listened, is complete: every grace begins anew."""
        self._drop_all_but(keys)
        self._since = dict.fromkeys(self._since, self._clock())

    def confirm(self, objects: list[Object]) -> None:
        """A list that was asked for to be sure: who does not show a sign of life in it has shown none."""
        self._drop_all_but(self.take(objects))
        self._confirmed_at = self._clock()

    def _drop_all_but(self, names: set[str]) -> None:
        for name in self._agents.keys() - names:
            del self._agents[name]

    def put(self, obj: Object, *, is_new: bool = True) -> None:
        """`is_new`: a Lease that was not known before has just been made."""
        new = read_lease(obj)
        old = self._agents.get(new.name)
        if old is not None and old.version == new.version:
            return
        revived = self.is_silent(new.name) or not self.is_heard(new.name)
        self._agents[new.name] = new
        if old is not None or is_new:
            self._since[new.name] = self._clock()
            self._heard.add(new.name)
        if revived or old is None or (old.holder, old.audits, old.hosts) != (new.holder, new.audits, new.hosts):
            self._changed(old, new)

    def remove(self, obj: Object) -> None:
        """A Lease that somebody deleted is no death: its agent writes it again, or the grace runs out."""
        self._agents.pop(obj["metadata"]["name"], None)

    def forget(self, agent: str) -> None:
        """Nobody asks for it any more."""
        self._since.pop(agent, None)
        self._heard.discard(agent)
