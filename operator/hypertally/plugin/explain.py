"""`explain NODE`: why Ready is what it is, who holds what, and what keeps the record."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from hypertally.api.base import Wire
from hypertally.api.compute_node import ComputeNode, NodeCondition
from hypertally.api.conditions import Condition, Status
from hypertally.api.decode import decode
from hypertally.controller.explain import conclusion, gather, head, told
from hypertally.controller.settings import Settings
from hypertally.kube.kinds import COMPUTE_NODE, Ref
from hypertally.ledger.collection import Verdict, decide, is_candidate, refusals
from hypertally.ledger.wants import owner

from .cluster import Cluster, instances
from .holders import Holder, Standing, Waiting, by_uuid, holders, waiting
from .tables import NONE, Row, age, size, table
from .top import stage_table
from .usage import REMARKABLE, Usage, usage_of

_GOOD_WHEN_TRUE = (
    NodeCondition.READY,
    NodeCondition.LIBVIRT_CONNECTED,
    NodeCondition.INVENTORY_COMPLETE,
    NodeCondition.HYPERVISOR_SERVED,
)


class GuardSaid(Wire, frozen=True, kw_only=True):
    """One guard of the record; `needs` is what would open it."""

    guard: str
    shut: bool
    says: str
    needs: str = ""


class Explanation(Wire, frozen=True, kw_only=True):
    name: str
    head: str
    usage: Usage
    conditions: tuple[Condition, ...] = ()
    holders: tuple[Holder, ...] = ()
    guests_omitted: int = 0
    """Guests that the report leaves out; they are charged as a sum."""
    waiting: tuple[Waiting, ...] = ()
    candidate: bool
    """There is a sign that the host is gone."""
    guards: tuple[GuardSaid, ...]
    conclusion: str


async def explanation(cluster: Cluster, settings: Settings, name: str) -> tuple[Explanation, Sequence[Verdict]]:
    """May raise any KubeError, and MalformedObject. `settings`: what the running controller is taken to have."""
    client = cluster.client
    raw = await client.get(Ref(COMPUTE_NODE, name))
    node = decode(raw, ComputeNode)
    facts = await gather(client, settings, node, raw)
    verdicts = decide(facts)
    known = (await instances(client)).objects
    owners = by_uuid(known)
    report, ledger = node.status.report, node.status.ledger
    told = Explanation(
        name=name,
        head=head(node),
        usage=usage_of(node),
        conditions=node.status.conditions,
        holders=holders(node, lambda uuid: owner(owners.get(uuid, ()))),
        guests_omitted=report.guests_omitted if report else 0,
        waiting=waiting(name, known, ledger.claims if ledger else ()),
        candidate=is_candidate(facts),
        guards=tuple(GuardSaid(guard=v.guard, shut=v.shut, says=v.says, needs=v.needs) for v in verdicts),
        conclusion=conclusion(facts, refusals(verdicts)),
    )
    return told, verdicts


def shown(found: Explanation, verdicts: Sequence[Verdict], now: datetime) -> str:
    sections = (
        [found.head, *_verdict(found, now)],
        [stage_table(found.usage)],
        ["Who holds what:", *_holders(found)],
        ["Waiting for it:", *_waiting(found)] if found.waiting else [],
        ["What keeps the record:", *told(refusals(verdicts)), found.conclusion],
    )
    return "\n\n".join("\n".join(section) for section in sections if section)


def _verdict(found: Explanation, now: datetime) -> Iterator[str]:
    """Ready first, then every condition that is not as it should be."""
    usage = found.usage
    since = f", for {age(usage.since, now)}" if usage.since else ""
    yield f"Ready is {usage.ready} ({usage.reason or 'nobody has judged it yet'}{since}): {usage.message}"
    for each in found.conditions:
        if each.type != NodeCondition.READY and _is_remarkable(each):
            passed = age(each.last_transition_time, now)
            yield f"{each.type} is {each.status} ({each.reason}, for {passed}): {each.message}"


def _is_remarkable(condition: Condition) -> bool:
    if condition.type in _GOOD_WHEN_TRUE:
        return condition.status is not Status.TRUE
    return condition.type in REMARKABLE and condition.status is Status.TRUE


def _holders(found: Explanation) -> Iterator[str]:
    head = ("NAME", "STANDING", "ROLES", "STATE", "VCPUS", "PCPUS", "MEMORY", "DISK", "PLACES", "UUID")
    if found.holders:
        yield table(head, map(_holder, found.holders))
    elif not found.guests_omitted:
        yield "Nobody holds anything."
    if found.guests_omitted:
        yield f"and {found.guests_omitted} more guests, which the report leaves out: they are charged as a sum"


def _holder(each: Holder) -> Row:
    charge = each.charge
    elsewhere = f":{each.accounted_on or 'nowhere'}" if each.standing is Standing.STRAY else ""
    return (
        each.name,
        f"{each.standing}{elsewhere}" + (",Overcommitted" if each.overcommitted else ""),
        ",".join(each.roles) or NONE,
        each.state or "NotListed",
        str(charge.vcpus),
        str(charge.pcpus) if charge.pcpus else NONE,
        size(charge.memory_mib),
        size(charge.disk_mib),
        "; ".join(each.places) or NONE,
        each.uuid,
    )


def _waiting(found: Explanation) -> Iterator[str]:
    yield table(("NAME", "REASON", "MESSAGE"), ((each.name, each.reason, each.message) for each in found.waiting))
