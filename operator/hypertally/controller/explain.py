"""`hypertally-controller explain computenode NAME`: every guard that keeps a record, or would let it go.

It asks the API server, not the running controller: what only the controller's own clock knows is read off the
conditions that it wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hypertally.api.compute_node import ComputeNode, NodeCondition
from hypertally.api.conditions import Status, find
from hypertally.api.decode import MalformedObject, decode
from hypertally.api.instance import Instance
from hypertally.kube.aio import AsyncKubeClient, Object
from hypertally.kube.errors import Forbidden, KindMissing, NotFound
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, NODE, Ref
from hypertally.ledger.collection import Facts, Guard, Life, Verdict, decide, fleet_quota, is_candidate, refusals
from hypertally.ledger.node_conditions import SILENT, is_served
from hypertally.ledger.wants import names
from hypertally.serving.options import UsageError

from .kept import is_kept
from .reads import LiveReads
from .settings import Settings

COMMAND = "explain"
USAGE = "explain computenode NAME [the controller's flags]"
_KINDS = ("computenode", "computenodes", "cn")


@dataclass(frozen=True)
class Question:
    name: str
    flags: Sequence[str]


def question(arguments: Sequence[str]) -> Question | None:
    """None if it is not that command. Raises UsageError."""
    if not arguments or arguments[0] != COMMAND:
        return None
    match arguments[1:]:
        case [kind, name, *flags] if kind in _KINDS and not name.startswith("-"):
            return Question(name, flags)
    raise UsageError(f"usage: hypertally-controller {USAGE}")


async def explain(client: AsyncKubeClient, settings: Settings, name: str) -> list[str]:
    """Lines for a person. May raise any KubeError, and MalformedObject."""
    try:
        raw = await client.get(Ref(COMPUTE_NODE, name))
    except KindMissing:
        raise
    except NotFound:
        return [f"There is no ComputeNode {name}."]
    node = decode(raw, ComputeNode)
    facts = await gather(client, settings, node, raw)
    verdicts = decide(facts)
    return [head(node), *_standing(node), "", *told(verdicts), "", conclusion(facts, refusals(verdicts))]


def head(node: ComputeNode) -> str:
    name, spec = node.metadata.name, node.spec
    return f"ComputeNode {name}: host {spec.host_uuid} ({spec.hypervisor_hostname}), node {spec.node_name}"


def told(verdicts: Sequence[Verdict]) -> list[str]:
    """Each guard, and what would open one that is shut."""
    width = max(len(guard) for guard in Guard)
    lines = []
    for verdict in verdicts:
        lines.append(f"{verdict.guard:<{width}}  {'SHUT' if verdict.shut else 'open'}  {verdict.says}")
        if verdict.shut:
            lines.append(f"{'':<{width}}        to open it: {verdict.needs}")
    return lines


def _standing(node: ComputeNode) -> list[str]:
    shown = (
        NodeCondition.READY,
        NodeCondition.HYPERVISOR_SERVED,
        NodeCondition.IDENTITY_CONFLICT,
        NodeCondition.VANISHED,
    )
    found = (find(node.status.conditions, type_) for type_ in shown)
    return [f"{c.type}={c.status} ({c.reason}) since {c.last_transition_time}" for c in found if c is not None]


def conclusion(facts: Facts, shut: Sequence[Verdict]) -> str:
    if not shut:
        return "Nothing keeps it: the controller's next pass deletes it."
    kept = f"It is kept by {', '.join(verdict.guard for verdict in shut)}."
    return kept if is_candidate(facts) else f"{kept} There is no sign that its host is gone."


async def gather(client: AsyncKubeClient, settings: Settings, node: ComputeNode, raw: Object) -> Facts:
    """All that the decision depends on, as the API server has it. May raise any KubeError, and MalformedObject."""
    name, reads = node.metadata.name, LiveReads(client, settings.lease_namespace)
    fleet = [decode(item, ComputeNode) for item in (await client.list(COMPUTE_NODE)).items]
    instances, unreadable = await _instances(client)
    life = _life(node)
    return Facts(
        node=node,
        switched_on=settings.collect_vanished,
        kept_by_annotation=is_kept(raw),
        lists_complete=True,
        agent=life,
        node_exists=await _is_there(client, settings, node),
        records_alive=[n.metadata.name for n in fleet if _is_twin(n, node) and _life(n) is not Life.SILENT],
        accounted={i.spec.uuid for i in instances if i.status.compute_node_name},
        instances=sorted(
            {f"{i.metadata.namespace}/{i.metadata.name}" for i in instances if name in names(i)} | unreadable
        ),
        migrations=await reads.leading_to(name),
        gone_for=_seconds_since(node) if life is Life.SILENT else 0.0,
        keep=settings.keep_vanished,
        confirmed=_is_confirmed(node),
        quota=fleet_quota(len(fleet)),
    )


async def _instances(client: AsyncKubeClient) -> tuple[list[Instance], set[str]]:
    """All that there are, and the names of those that cannot be read: they may name any record."""
    found, unreadable = [], set()
    for item in (await client.list(INSTANCE)).items:
        try:
            found.append(decode(item, Instance))
        except MalformedObject:
            unreadable.add(f"{item['metadata']['namespace']}/{item['metadata']['name']}")
    return found, unreadable


async def _is_there(client: AsyncKubeClient, settings: Settings, node: ComputeNode) -> bool | None:
    try:
        listing = await client.list(NODE, field_selector=f"metadata.name={node.spec.node_name}", names_only=True)
    except Forbidden:
        return None
    return any(settings.agent_nodes.matches(item["metadata"].get("labels") or {}) for item in listing.items)


def _is_twin(other: ComputeNode, node: ComputeNode) -> bool:
    return (
        other.metadata.name != node.metadata.name and other.spec.host_uuid == node.spec.host_uuid and is_served(other)
    )


def _life(node: ComputeNode) -> Life:
    """As the running controller last judged it."""
    ready = find(node.status.conditions, NodeCondition.READY)
    if ready is None:
        return Life.UNKNOWN
    return Life.SILENT if ready.reason == SILENT else Life.LIVES


def _seconds_since(node: ComputeNode) -> float:
    ready = find(node.status.conditions, NodeCondition.READY)
    try:
        since = datetime.fromisoformat(ready.last_transition_time) if ready else datetime.now(UTC)
    except ValueError:
        return 0.0
    return max(0.0, (datetime.now(UTC) - since).total_seconds())


def _is_confirmed(node: ComputeNode) -> bool:
    said = find(node.status.conditions, NodeCondition.VANISHED)
    return said is not None and said.status is Status.TRUE and said.reason in ("Collectable", Guard.FLEET_LIMIT)
