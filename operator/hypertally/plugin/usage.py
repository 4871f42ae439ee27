"""One host in numbers: every stage from capacity to free, what is measured beside it, and what is remarkable."""

from collections.abc import Iterable, Iterator

from hypertally.api.amounts import Amounts
from hypertally.api.base import Wire
from hypertally.api.compute_node import ComputeNode, NodeCondition
from hypertally.api.conditions import Condition, Status, find, is_true
from hypertally.ledger.policy import ratios, reserved
from hypertally.ledger.vectors import total

REMARKABLE = (
    NodeCondition.OVERCOMMITTED,
    NodeCondition.DRIFTED,
    NodeCondition.MISPLACED,
    NodeCondition.DOUBTFUL,
    NodeCondition.IDENTITY_CONFLICT,
    NodeCondition.VANISHED,
)
STALE = "Stale"
"""The ledger has not seen the present report or spec yet: what is free is of before."""

_UNSAID = Condition(type=NodeCondition.READY, status=Status.UNKNOWN, reason="")


class Usage(Wire, frozen=True, kw_only=True):
    """What is not known is absent. `ratios` are milli-integers."""

    name: str
    ready: Status
    reason: str = ""
    since: str = ""
    message: str = ""
    capacity: Amounts | None = None
    reserved: Amounts
    ratios: Amounts
    allocatable: Amounts | None = None
    allocated: Amounts | None = None
    free: Amounts | None = None
    measured: Amounts | None = None
    instances: int | None = None
    orphans: int | None = None
    remarks: tuple[str, ...] = ()
    """Conditions that somebody should look at, and `Stale`."""

    @property
    def is_fine(self) -> bool:
        """A ledger that lags is ordinary: it has caught up a moment later."""
        return self.ready is Status.TRUE and not set(self.remarks) - {STALE}


class Sums(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Over the hosts of which they are known."""

    capacity: Amounts
    allocatable: Amounts
    allocated: Amounts
    free: Amounts
    measured: Amounts
    instances: int
    orphans: int


def usage_of(node: ComputeNode) -> Usage:
    status, ready = node.status, find(node.status.conditions, NodeCondition.READY) or _UNSAID
    report, ledger = status.report, status.ledger
    return Usage(
        name=node.metadata.name,
        ready=ready.status,
        reason=ready.reason,
        since=ready.last_transition_time,
        message=ready.message,
        capacity=report.capacity if report else None,
        reserved=reserved(node.spec),
        ratios=ratios(node.spec),
        allocatable=ledger.allocatable if ledger else None,
        allocated=ledger.allocated if ledger else None,
        free=ledger.free if ledger else None,
        measured=report.measured if report else None,
        instances=ledger.instances if ledger else None,
        orphans=ledger.orphans.count if ledger else None,
        remarks=tuple(_remarks(node)),
    )


def sums(usages: Iterable[Usage]) -> Sums:
    every = tuple(usages)

    def over(stage: str) -> Amounts:
        return total(amounts for each in every if (amounts := getattr(each, stage)) is not None)

    return Sums(
        capacity=over("capacity"),
        allocatable=over("allocatable"),
        allocated=over("allocated"),
        free=over("free"),
        measured=over("measured"),
        instances=sum(each.instances or 0 for each in every),
        orphans=sum(each.orphans or 0 for each in every),
    )


def is_stale(node: ComputeNode) -> bool:
    report, ledger = node.status.report, node.status.ledger
    if report is None or ledger is None:
        return False
    seen = (ledger.observed_report_generation, ledger.observed_generation)
    return seen != (report.generation, node.metadata.generation)


def _remarks(node: ComputeNode) -> Iterator[str]:
    yield from (str(type_) for type_ in REMARKABLE if is_true(node.status.conditions, type_))
    if is_stale(node):
        yield STALE
