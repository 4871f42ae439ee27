"""What the API server is told of one host, and when: at once if it changed, again if that failed, healed if edited."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from hypertally.api.compute_node import LeasedAudit, NodeCondition, ReportContent
from hypertally.hypervisor.identity import Identity
from hypertally.kube.errors import KubeError
from hypertally.kube.kinds import COMPUTE_NODE
from hypertally.serving.logs import about

from .backoff import Backoff, spread
from .complaints import Complaint
from .identities import DuplicateHost
from .looks import Look, Seen
from .plan import Acknowledged, Wanted
from .publisher import ForeignNode, Publisher
from .shared import Shared
from .verdicts import Verdict, verdicts

_ASK_AGAIN = 0.05
"""Seconds until the connections before this one are looked at again, and at first until the Lease is."""
_STAND_BACK = 1.0
"""The longest of these, in seconds."""

_DNS_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LastKnown:
    """The last known values of a host, and which one's they are: a machine is replaced, an address leads elsewhere."""

    host_uuid: str
    content: ReportContent


@dataclass
class _Told:
    """Everything that the looks so far said, the later over the earlier."""

    uri: str
    look: Look | None = None
    content: ReportContent | None = None
    identity: Identity | None = None
    verdicts: dict[NodeCondition, Verdict] = field(default_factory=dict)
    from_nothing: bool = False
    """No look so far knew a report of before this agent's start, whose values stand in for what could not be read, and
    whose measured amounts stand as long as they are near: a later look that builds on the first knows it no better."""

    def hear(self, look: Look, *, from_nothing: bool) -> None:
        self.look = look
        self.verdicts |= {verdict.type: verdict for verdict in verdicts(look, self.uri)}
        if isinstance(look, Seen):
            self.from_nothing = self.from_nothing if self._goes_on(look) else from_nothing
            self.content, self.identity = look.content, look.identity

    def _goes_on(self, look: Seen) -> bool:
        """It builds on what was seen of the same host before."""
        earlier = self.last_known
        return earlier is not None and earlier.host_uuid == look.identity.host_uuid

    def drop(self) -> None:
        """What was seen, and what was said of it: the next look knows what the server holds."""
        self.content, self.from_nothing = None, False
        self.verdicts.pop(NodeCondition.INVENTORY_COMPLETE, None)

    @property
    def last_known(self) -> LastKnown | None:
        return LastKnown(self.identity.host_uuid, self.content) if self.content and self.identity else None

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.content, tuple(self.verdicts.values()))


class Reporter:
    """Used by one thread. An API server that is away, for however long, only delays what it says."""

    def __init__(self, rank: int, uri: str, publisher: Publisher, shared: Shared) -> None:
        self._name = publisher.name
        self._rank, self._label = rank, f"{uri} ({publisher.name})"
        self._publisher, self._shared = publisher, shared
        self._told = _Told(uri)
        self._backoff = Backoff(shared.chance)
        self._patience = Backoff(shared.chance, first=_ASK_AGAIN, longest=_STAND_BACK)
        self._publish_at: float | None = None
        self._compare_at = float("inf")
        extra = about(COMPUTE_NODE.kind, self._name)
        self._trouble = Complaint(log, shared.clock, extra)
        self._remark = Complaint(log, shared.clock, extra)

    @property
    def previous(self) -> LastKnown | None:
        """What this agent saw, else what the server holds."""
        return self._told.last_known or self._held()

    def _held(self) -> LastKnown | None:
        known = self._publisher.acknowledged
        return LastKnown(known.spec["hostUUID"], known.content) if known and known.content else None

    def due_at(self) -> float:
        return self._compare_at if self._publish_at is None else self._publish_at

    def read_back(self) -> None:
        """Before the first look: what stood before this agent started is the last known value."""
        self._guarded(lambda: self._publisher.find(None))

    def hear(self, look: Look, *, from_nothing: bool) -> None:
        """A look is to be published; at once, unless the last try failed a moment ago."""
        self._told.hear(look, from_nothing=from_nothing)
        uuid = look.identity.host_uuid if isinstance(look, Seen) else None
        if isinstance(look, Seen):
            self._shared.sightings.see(self._name, look.identity)
        self._shared.identities.looked(self._rank, self._label, uuid)
        if self._publish_at is None:
            self._publish_at = self._shared.clock()

    def work(self) -> bool:
        """Does what is due. True if another look is needed before anything can be said."""
        if self._shared.clock() >= self._compare_at:
            self._guarded(self._compare)
        elif self._told.look is not None and self._guarded(self._publish) and self._needs_another_look():
            self._told.drop()
            return True
        return False

    def _compare(self) -> None:
        self._publisher.compare()
        self._compare_at = self._next_compare()
        self._publish_at = self._shared.clock()

    def _publish(self) -> None:
        told = self._told
        if not self._shared.tenure.held:
            self._wait_for_tenure()
            return
        self._patience.reset()
        if self._shared.identities.must_wait(self._rank):
            self._publish_at = self._shared.clock() + _ASK_AGAIN
            return
        self._shared.identities.check(self._rank)
        known = self._publisher.find(told.identity)
        if known is not None and not self._needs_another_look():
            written = self._publisher.publish(told.wanted, told.identity)
            self._succeeded(written=bool(written))
        self._publish_at = None
        self._backoff.reset()
        self._trouble.over(f"{self._name} is published again")

    def _wait_for_tenure(self) -> None:
        """Nothing is said for a node whose agent is another, and nothing of it is proven."""
        if self._shared.tenure.complaints():
            self._shared.proofs.withdraw(self._name)
        self._publish_at = self._shared.clock() + self._patience.delay()

    def _needs_another_look(self) -> bool:
        """The server turned out to know values that the last look could have kept."""
        known = self._publisher.acknowledged
        return self._told.from_nothing and known is not None and known.content is not None

    def _succeeded(self, *, written: bool) -> None:
        known = self._publisher.acknowledged
        if known is None:
            return
        self._told.from_nothing = False  # what the server knows now is what was just said
        self._compare_at = min(self._compare_at, self._next_compare())
        self._shared.metrics.writes.labels(self._name, "written" if written else "unchanged").inc()
        self._shared.metrics.generation.labels(self._name).set(known.generation)
        if written:
            log.info("status is published, report %d", known.generation, extra=about(COMPUTE_NODE.kind, self._name))
        self._prove(known)
        self._notice(known)

    def _next_compare(self) -> float:
        return self._shared.clock() + spread(self._shared.compare_interval, self._shared.chance)

    def _prove(self, known: Acknowledged) -> None:
        """Only complete audits count: an incomplete one may list last known guests, which prove nothing."""
        look = self._told.look
        if isinstance(look, Seen) and not look.problems:
            audit = LeasedAudit(uid=known.uid, report_generation=known.generation, audit=look.number)
            self._shared.proofs.publish(self._name, audit)

    def _notice(self, known: Acknowledged) -> None:
        """Oddities that stop nothing."""
        named, told = known.spec.get("hypervisorHostname"), self._told.identity
        if known.is_cut:
            self._remark.say("the CRDs are older than this agent: kubectl apply --server-side -f crds/")
        elif told is not None and named != told.hostname:
            self._remark.say(
                f"libvirt calls the host {told.hostname!r}, ComputeNode {self._name} says {named!r} and keeps it: "
                f"if the host was renamed for good, kubectl delete computenode {self._name}"
            )
        elif told is not None and not _DNS_NAME.fullmatch(told.hostname.lower()):
            self._remark.say(
                f"the host name {told.hostname!r} is no DNS name: it is reported as it is, "
                f"and the ComputeNode is called {self._name} after its Kubernetes node"
            )

    def _guarded(self, step: Callable[[], object]) -> bool:
        """False if it failed: told, and tried again later."""
        try:
            step()
        except (KubeError, ForeignNode, DuplicateHost) as error:
            self._failed(error)
            return False
        return True

    def _failed(self, error: KubeError | ForeignNode | DuplicateHost) -> None:
        asked = error.retry_after if isinstance(error, KubeError) else None
        if not isinstance(error, KubeError):
            self._shared.proofs.withdraw(self._name)
        self._publish_at = self._shared.clock() + self._backoff.delay(asked)
        self._trouble.say(f"{self._name} cannot be published: {error}")
        self._shared.metrics.writes.labels(self._name, "failed").inc()
