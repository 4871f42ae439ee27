"""Whether the record of a host that seems gone may be deleted. Not knowing is a reason to leave it.

A record goes on one of two ways. The short one: an agent that lives says that it serves the host no longer. The long
one: the agent is silent, its Kubernetes node is gone or agents are meant for it no longer, and a time has passed. On
either way every guard must be open; each one that is shut keeps the record by itself.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hypertally.api.compute_node import ComputeNode, NodeCondition
from hypertally.api.conditions import Status

from .conditions import Finding
from .node_conditions import is_served
from .transitions import STAYS

_SHOWN = 3


class Life(StrEnum):
    """Of an agent, by the controller's own clock."""

    LIVES = "lives"
    UNKNOWN = "is not known to live or to be silent"
    SILENT = "is silent"


class Guard(StrEnum):
    """Why a record is kept; also the reason in its condition, and the metric's label."""

    PAUSED = "Paused"
    LISTS_INCOMPLETE = "ListsIncomplete"
    BEING_DELETED = "BeingDeleted"
    SERVED = "Served"
    AGENT_UNCERTAIN = "AgentUncertain"
    NODE_UNKNOWN = "NodeUnknown"
    NODE_EXISTS = "NodeExists"
    HOST_UUID_IN_USE = "HostUUIDInUse"
    ORPHANS_LISTED = "OrphansListed"
    CLAIMS_STAY = "ClaimsStay"
    INSTANCES_NAME_IT = "InstancesNameIt"
    MIGRATIONS_NAME_IT = "MigrationsNameIt"
    KEPT_A_WHILE = "KeptAWhile"
    UNCONFIRMED = "Unconfirmed"
    FLEET_LIMIT = "FleetLimit"


@dataclass(frozen=True)
class Facts:
    """All that the decision depends on. Seconds are the controller's own."""

    node: ComputeNode
    switched_on: bool
    kept_by_annotation: bool
    lists_complete: bool
    agent: Life
    node_exists: bool | None
    """Its Kubernetes node is there and agents are meant for it; None: could not be asked."""
    records_alive: Sequence[str]
    """Other ComputeNodes of this host's UUID whose agents live."""
    accounted: Container[str]
    """Guest uuids whose Instance has a home. Any other guest that the record lists may live here and nowhere else: an
    orphan, or that of an Instance which nobody has bound or no host has taken yet."""
    instances: Sequence[str]
    """Instances that are accounted here, are bound here and accounted nowhere, or move from or to here."""
    migrations: Sequence[str]
    """Open Migrations whose target it is."""
    gone_for: float
    """How long it has seemed gone without a sign of life."""
    keep: float
    """How long a host that went without a word is kept."""
    confirmed: bool
    """An earlier pass found everything as it is now."""
    quota: int
    """How many more records this pass may delete."""

    @property
    def is_let_go(self) -> bool:
        """The short way: its own agent, which lives, says so."""
        return not is_served(self.node) and self.agent is Life.LIVES


@dataclass(frozen=True)
class Verdict:
    """One guard as it stands. `needs`: what would open it, for a person."""

    guard: Guard
    shut: bool
    says: str
    needs: str = ""


Rule = Callable[[Facts], tuple[bool, str, str]]


def decide(facts: Facts) -> tuple[Verdict, ...]:
    """Every guard, in the order in which a person would look at them."""
    return tuple(Verdict(guard, *rule(facts)) for guard, rule in _RULES.items())


def refusals(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Nothing when the record may be deleted."""
    return tuple(verdict for verdict in verdicts if verdict.shut)


def is_candidate(facts: Facts) -> bool:
    """There is a sign that the host is gone: only then is there anything to say."""
    return not is_served(facts.node) or (facts.agent is Life.SILENT and facts.node_exists is False)


def finding(verdicts: Sequence[Verdict]) -> Finding:
    """The condition of a candidate: True once it is surely gone, whatever else still keeps its record."""
    shut = refusals(verdicts)
    gone = not any(verdict.guard in _LIFE for verdict in shut)
    status = Status.TRUE if gone else Status.UNKNOWN
    if not shut:
        text = "Its host is gone and nothing stands for it any more: the record is deleted."
        return Finding(NodeCondition.VANISHED, status, "Collectable", text)
    text = " ".join(verdict.says for verdict in shut)
    return Finding(NodeCondition.VANISHED, status, shut[0].guard, text)


_LIFE = (Guard.SERVED, Guard.AGENT_UNCERTAIN, Guard.NODE_UNKNOWN, Guard.NODE_EXISTS, Guard.KEPT_A_WHILE)
"""As long as one of these is shut, the host may come back."""


def _paused(facts: Facts) -> tuple[bool, str, str]:
    if not facts.switched_on:
        return True, "The controller deletes no records.", "the controller's --collect-vanished true"
    if facts.kept_by_annotation:
        return True, "Its annotation keeps it.", "the annotation compute.hypertally.dev/keep removed, or false"
    return False, "Nobody has paused it.", ""


def _lists_incomplete(facts: Facts) -> tuple[bool, str, str]:
    if not facts.lists_complete:
        return True, "The controller has not listed everything yet.", "the first full lists"
    return False, "Everything is listed.", ""


def _being_deleted(facts: Facts) -> tuple[bool, str, str]:
    if facts.node.metadata.deletion_timestamp:
        return True, "Somebody has deleted it already.", "whoever put a finalizer on it to remove it"
    return False, "Nobody has deleted it yet.", ""


def _served(facts: Facts) -> tuple[bool, str, str]:
    node = facts.node.spec.node_name
    if facts.is_let_go:
        return False, f"The agent on {node}, which lives, serves the host no longer.", ""
    if facts.agent is Life.LIVES:
        return True, f"The agent on {node} lives and serves the host.", "a silent agent, or one that serves it no more"
    return False, f"No agent is known to serve the host: the one on {node} {facts.agent}.", ""


def _agent_uncertain(facts: Facts) -> tuple[bool, str, str]:
    node = facts.node.spec.node_name
    if facts.agent is Life.UNKNOWN:
        return True, f"Whether the agent on {node} lives is not known yet.", "a sign of life, or its Lease to expire"
    return False, f"The agent on {node} {facts.agent}.", ""


def _node_unknown(facts: Facts) -> tuple[bool, str, str]:
    if facts.node_exists is None and not facts.is_let_go:
        return True, "Kubernetes nodes could not be listed.", "the right to list nodes, and an answer"
    return False, "Kubernetes nodes are listed, or need not be.", ""


def _node_exists(facts: Facts) -> tuple[bool, str, str]:
    node = facts.node.spec.node_name
    if facts.node_exists and not facts.is_let_go:
        text = f"Kubernetes node {node} is there, and agents are meant for it."
        return True, text, f"kubectl delete node {node}, or the label gone that --agent-nodes asks for"
    return False, f"Kubernetes node {node} is gone, no agent is meant for it, or its agent lives.", ""


def _host_uuid_in_use(facts: Facts) -> tuple[bool, str, str]:
    if facts.records_alive and not facts.is_let_go:
        text = f"Its host is alive under another record: {_some(facts.records_alive)}."
        return True, text, "a person: if its node was renamed, kubectl delete computenode"
    return False, "No live record has its host's UUID.", ""


def _orphans_listed(facts: Facts) -> tuple[bool, str, str]:
    report = facts.node.status.report
    if report is None:
        return False, "No report lists any guest.", ""
    if report.guests_omitted:
        text = f"Its last report left out {report.guests_omitted} guests: some may be orphans."
        return True, text, "a person who knows what became of them"
    orphans = [guest.uuid for guest in report.guests if guest.uuid not in facts.accounted]
    if orphans:
        text = f"Its last report lists guests that are accounted nowhere: {_some(orphans)}."
        return True, text, "an Instance for each, or a person who knows what became of them"
    return False, "Its last report lists no orphan.", ""


def _claims_stay(facts: Facts) -> tuple[bool, str, str]:
    ledger = facts.node.status.ledger
    held = {f"{c.namespace}/{c.name}" for c in ledger.claims if c.role in STAYS} if ledger else set()
    if held:
        return True, f"Its ledger holds claims of Instances {_some(sorted(held))}.", "them moved away or deleted"
    return False, "Its ledger holds no claim that stays.", ""


def _instances_name_it(facts: Facts) -> tuple[bool, str, str]:
    if facts.instances:
        text = f"Instances name it: {_some(facts.instances)}."
        return True, text, "them moved away (a Migration of type Evacuation), or deleted"
    return False, "No Instance names it.", ""


def _migrations_name_it(facts: Facts) -> tuple[bool, str, str]:
    if facts.migrations:
        return True, f"Open Migrations lead to it: {_some(facts.migrations)}.", "an outcome, or them deleted"
    return False, "No open Migration leads to it.", ""


def _kept_a_while(facts: Facts) -> tuple[bool, str, str]:
    if facts.gone_for < facts.keep and not facts.is_let_go:
        text = f"It is kept for {facts.keep:g} s without a sign of life."
        return True, text, "time, as --keep-vanished says; a restart of the controller begins anew"
    return False, "It has been kept long enough.", ""


def _unconfirmed(facts: Facts) -> tuple[bool, str, str]:
    if not facts.confirmed:
        return True, "A second pass has to find the same.", "--collect-interval"
    return False, "A second pass has found the same.", ""


def _fleet_limit(facts: Facts) -> tuple[bool, str, str]:
    if facts.quota < 1:
        return True, "This pass has deleted as many records as one may.", "the next pass"
    return False, "This pass may delete more.", ""


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


_RULES: dict[Guard, Rule] = {
    Guard.PAUSED: _paused,
    Guard.LISTS_INCOMPLETE: _lists_incomplete,
    Guard.BEING_DELETED: _being_deleted,
    Guard.SERVED: _served,
    Guard.AGENT_UNCERTAIN: _agent_uncertain,
    Guard.NODE_UNKNOWN: _node_unknown,
    Guard.NODE_EXISTS: _node_exists,
    Guard.HOST_UUID_IN_USE: _host_uuid_in_use,
    Guard.ORPHANS_LISTED: _orphans_listed,
    Guard.CLAIMS_STAY: _claims_stay,
    Guard.INSTANCES_NAME_IT: _instances_name_it,
    Guard.MIGRATIONS_NAME_IT: _migrations_name_it,
    Guard.KEPT_A_WHILE: _kept_a_while,
    Guard.UNCONFIRMED: _unconfirmed,
    Guard.FLEET_LIMIT: _fleet_limit,
}


def fleet_quota(records: int) -> int:
    """How many records one pass may delete: a tenth of all, at least one."""
    return max(1, records // 10)
